import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from finstrat.costs import CostRates, corwin_schultz, usual_move, usual_value
from finstrat.errors import DataError

NAN = np.nan


def test_a_price_that_only_bounces_between_bid_and_ask_shows_its_spread():
    # Every day from 99 to 101 about 100: a spread of 2 %.
    high, low = np.full((6, 1), 101.0), np.full((6, 1), 99.0)
    spread = corwin_schultz(high, low, np.full((6, 1), 100.0), window=2)
    assert_allclose(spread[3:], 0.02)
    # Two pairs need three sessions, and count from the session after.
    assert np.isnan(spread[:3]).all()


def test_a_gap_overnight_is_no_spread():
    level = np.array([[100.0], [100.0], [200.0], [200.0], [200.0]])
    spread = corwin_schultz(level * 1.01, level * 0.99, level, window=3)
    # Only the pair over the gap differs: its day is moved down to the last close.
    assert spread[4, 0] < 0.03
    unmoved = np.log(201.98 / 99.0)
    assert spread[4, 0] < unmoved / 10


def test_a_pair_of_days_with_a_negative_spread_counts_as_none():
    # Days that trend without overlapping: all volatility.
    level = np.exp(np.arange(5.0) / 50)[:, None]
    spread = corwin_schultz(level * 1.001, level * 0.999, level, window=2)
    assert_array_equal(spread[3:] >= 0, True)


def test_estimates_use_sessions_before_their_own():
    rng = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (30, 2)), axis=0))
    high, low, volume = close * 1.01, close * 0.98, rng.uniform(1, 2, (30, 2))
    later = [each.copy() for each in (high, low, close, volume)]
    for each in later:
        each[20:] *= 1.7
    for estimate in (
        lambda h, lo, c, v: corwin_schultz(h, lo, c, window=5),
        lambda h, lo, c, v: usual_value(c, v, window=5),
        lambda h, lo, c, v: usual_move(np.diff(c, axis=0, prepend=NAN), window=5),
    ):
        first, second = estimate(high, low, close, volume), estimate(*later)
        assert_array_equal(first[:21], second[:21])
        assert not np.array_equal(first[21:], second[21:])


def test_usual_value_and_move_by_hand():
    close, volume = np.array([[2.0], [4.0], [5.0]]), np.array([[10.0], [10.0], [1.0]])
    assert_allclose(usual_value(close, volume, window=2), [[NAN], [NAN], [30]])
    assert_allclose(usual_move(np.array([[0.3], [-0.4], [1]]), window=2)[2], np.sqrt(0.125))


def rates(**given):
    return CostRates(**{name: np.full((2, 1), value) for name, value in given.items()})


def test_the_penalty_is_made_of_what_is_charged():
    costs = rates(
        fees=0.001, slippage=0.002, buy_tax=0.005, sell_tax=0.001, impact=0.1, daily_value=4e6
    )
    assert_allclose(costs.total, 0.001 + 0.002 + 0.003)
    # A tenth of 1e6 traded: 0.1 · √(1e5 / 4e6) of it, which is a tenth of the capital.
    assert_allclose(costs.steepness(1e6) * 0.1**1.5, 0.1 * np.sqrt(1e5 / 4e6) * 0.1)
    assert rates(fees=0.0, slippage=0.0).steepness(1e6) is None


def test_rows_cut_every_rate_there_is():
    costs = rates(fees=0.001, slippage=0.0, borrow=0.1).rows(1, 2)
    assert {name: rate.shape for name, rate in costs.given().items()} == {
        "fees": (1, 1),
        "slippage": (1, 1),
        "borrow": (1, 1),
    }


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"buy_tax": -0.1}, "buy_tax must be finite, ≥ 0 and < 1"),
        ({"per_order": NAN}, "per_order must be finite, ≥ 0"),
        ({"borrow": np.inf}, "borrow must be finite"),
        ({"impact": 0.1}, "given together"),
        ({"impact": -0.1, "daily_value": 1.0}, "impact must be finite"),
    ],
)
def test_rates_nobody_could_charge_are_refused(given, problem):
    with pytest.raises(DataError, match=problem):
        rates(fees=0.0, slippage=0.0, **given)


def test_rates_of_different_shapes_are_refused():
    with pytest.raises(DataError, match=r"borrow have shape \(1, 1\), fees \(2, 1\)"):
        CostRates(np.zeros((2, 1)), np.zeros((2, 1)), borrow=np.zeros((1, 1)))


def test_trades_cost_by_side_size_and_count():
    ones = np.ones((1, 3))
    rates = CostRates(
        fees=0.001 * ones,
        slippage=0.002 * ones,
        buy_tax=0.005 * ones,
        per_share=0.01 * ones,
        per_order=1.0 * ones,
        impact=np.array([[0.1, 0.1, np.nan]]),
        daily_value=10_000.0 * ones,
    )
    cost = rates.of_trades(np.array([10.0, -10.0, 0.0]), np.array([10.0, 10.0, np.nan]), row=0)
    # 100 currency each: 0.1 + tax 0.5 on the purchase + 0.1 for ten shares + 1 an order.
    assert_allclose(cost["fee"], [1.7, 1.2, 0.0])
    assert_allclose(cost["slippage"], [0.2, 0.2, 0.0])
    # √(100 / 10,000) = 0.1 of an impact of 0.1.
    assert_allclose(cost["impact"], [1.0, 1.0, 0.0])
