import numpy as np
import pytest
from numpy.testing import assert_allclose

from finstrat.costs import CostRates
from finstrat.errors import ConfigError
from finstrat.simulate.capacity import capacity
from finstrat.simulate.execution import Execution

LEDGER = Execution(engine="ledger", fill="next-close", cash_buffer=0.0)


def test_more_capital_earns_less_by_the_root_of_itself(tools):
    panel = tools.panel([[10], [10], [10]])
    rates = tools.rates(panel)
    rates = CostRates(
        rates.fees, rates.slippage, impact=rates.fees + 0.1, daily_value=rates.fees + 1e6
    )
    targets = tools.targets([[0.25], [np.nan], [np.nan]], panel)
    curve = capacity(
        targets,
        panel,
        rates=rates,
        execution=LEDGER,
        capitals=[4e6, 1e6],
        periods_per_year=3,
    )
    # A quarter traded once: 0.25 · 0.1 · √(0.25 · capital / 1e6).
    assert curve.index.tolist() == [1e6, 4e6]
    assert_allclose(curve["net"], [-0.0125, -0.025])
    assert_allclose(curve["gross"], 0, atol=1e-12)
    assert_allclose(curve["cost"], [0.0125, 0.025])


def test_volume_leaves_orders_of_large_accounts_unfilled(tools):
    panel = tools.panel([[10], [10], [10]])
    full = type(panel).from_fields(
        panel.times,
        panel.assets,
        {"close": panel.field("close"), "volume": np.full((3, 1), 1000.0)},
    )
    terms = LEDGER.model_copy(update={"participation": 0.1})
    curve = capacity(
        tools.targets([[1.0], [np.nan], [np.nan]], full),
        full,
        rates=tools.rates(full),
        execution=terms,
        capitals=[500, 50_000],
        periods_per_year=252,
    )
    assert curve["unfilled"].tolist() == [0, 1]


def test_a_curve_that_could_only_be_flat_is_refused(tools):
    panel = tools.panel([[10], [10]])
    targets = tools.targets([[1.0], [np.nan]], panel)
    given = {"rates": tools.rates(panel), "periods_per_year": 252}
    with pytest.raises(ConfigError, match="nothing here depends on size"):
        capacity(targets, panel, execution=LEDGER, capitals=[1e6], **given)
    terms = LEDGER.model_copy(update={"participation": 0.1})
    with pytest.raises(ConfigError, match="must be above 0"):
        capacity(targets, panel, execution=terms, capitals=[0], **given)
