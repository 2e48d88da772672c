import numpy as np
import pytest
from finstrat_plugins.costs.proportional import ProportionalCosts
from pydantic import ValidationError

from finstrat.data import Panel


@pytest.fixture
def panel():
    times = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    return Panel.from_fields(times, ("a", "b", "c"), {"close": np.ones((2, 3))})


def test_basis_points_become_fractions_of_the_traded_value(panel):
    rates = ProportionalCosts({"fee_bps": 2.5, "slippage_bps": 10}).rates(panel)
    np.testing.assert_array_equal(rates.fees, np.full((2, 3), 0.00025))
    np.testing.assert_array_equal(rates.slippage, np.full((2, 3), 0.001))


def test_five_basis_points_each_by_default(panel):
    rates = ProportionalCosts().rates(panel)
    np.testing.assert_array_equal(rates.total, np.full((2, 3), 0.001))


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf"), 10_000])
@pytest.mark.parametrize("name", ["fee_bps", "slippage_bps"])
def test_a_rate_no_broker_could_charge_is_refused(name, rate):
    with pytest.raises(ValidationError, match=name):
        ProportionalCosts({name: rate})
