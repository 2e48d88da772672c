import numpy as np
import pytest
from finstrat_plugins.costs.detailed import DetailedCosts
from numpy.testing import assert_allclose
from pydantic import ValidationError

from finstrat.data import Panel
from finstrat.errors import ConfigError

NAN = np.nan


@pytest.fixture
def panel():
    times = np.datetime64("2024-01-01") + np.arange(8)
    close = np.full((8, 2), 100.0)
    close[1::2, 1] = 110.0
    return Panel.from_fields(
        times,
        ("a", "b"),
        {
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "volume": np.full((8, 2), 1000.0),
        },
    )


def test_nothing_is_charged_that_isnt_asked_for(panel):
    rates = DetailedCosts().rates(panel)
    assert set(rates.given()) == {"fees", "slippage"}
    assert_allclose(rates.total, 0)


def test_a_trade_pays_half_the_spread_and_the_slippage(panel):
    rates = DetailedCosts({"spread_bps": 20, "slippage_bps": 3}).rates(panel)
    assert_allclose(rates.slippage, 0.0013)
    named = DetailedCosts({"spread_bps": 20, "spread_by_name": {"b": 60}}).rates(panel)
    assert_allclose(named.slippage[0], [0.001, 0.003])


def test_the_spread_is_estimated_from_the_sessions_before(panel):
    costs = {"spread": "corwin-schultz", "spread_bps": 50, "window": 3}
    rates = DetailedCosts(costs).rates(panel)
    # Given until there are three pairs, then 2 % for the name that only bounces.
    assert_allclose(rates.slippage[:4, 0], 0.0025)
    assert_allclose(rates.slippage[4:, 0], 0.01)


def test_impact_is_volatility_against_the_usual_value(panel):
    rates = DetailedCosts({"impact": 0.8, "window": 2}).rates(panel)
    assert np.isnan(rates.impact[:3]).all()
    up, down = 0.1, 100 / 110 - 1
    assert_allclose(rates.impact[3:, 1], 0.8 * np.sqrt((up**2 + down**2) / 2))
    assert_allclose(rates.daily_value[3:, 1], 105_000)


def test_borrow_fees_by_name_and_taxes_by_side(panel):
    costs = {"borrow_bps": 30, "borrow_by_name": {"b": 2500}, "buy_tax_bps": 50}
    rates = DetailedCosts(costs).rates(panel)
    assert_allclose(rates.borrow[0], [0.003, 0.25])
    assert_allclose(rates.buy_tax, 0.005)
    assert rates.sell_tax is None


def test_fees_of_every_kind(panel):
    rates = DetailedCosts({"fee_bps": 1, "per_share": 0.005, "per_order": 1.5}).rates(panel)
    assert_allclose(
        [rates.fees[0, 0], rates.per_share[0, 0], rates.per_order[0, 0]], [1e-4, 0.005, 1.5]
    )


def test_an_unknown_name_is_refused_with_the_nearest(panel):
    with pytest.raises(ConfigError, match='costs.borrow_by_name: no asset "c"'):
        DetailedCosts({"borrow_by_name": {"c": 10}}).rates(panel)
    with pytest.raises(ConfigError, match="costs.spread_by_name.a: -1"):
        DetailedCosts({"spread_by_name": {"a": -1}}).rates(panel)


def test_estimates_say_which_field_they_need(panel):
    bare = Panel.from_fields(panel.times, panel.assets, {"close": panel.field("close")})
    with pytest.raises(ConfigError, match="impact needs the field volume"):
        DetailedCosts({"impact": 1}).rates(bare)
    with pytest.raises(ConfigError, match="needs the field high"):
        DetailedCosts({"spread": "corwin-schultz"}).rates(bare)


@pytest.mark.parametrize("name", ["fee_bps", "per_share", "impact", "borrow_bps", "buy_tax_bps"])
def test_negative_rates_are_refused(name):
    with pytest.raises(ValidationError, match=name):
        DetailedCosts({name: -1})
