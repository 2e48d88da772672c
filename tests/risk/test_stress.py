import numpy as np
import pytest

from finstrat.risk import known, unknown
from finstrat.risk.stress import (
    factor_shock,
    fall_that_costs,
    market_fall,
    name_shock,
    price_shock,
    volatility_when_all_moves_together,
    worst_stretch,
)


def test_worst_stretch_compounds_and_names_its_rows():
    returns = np.array([0.10, -0.20, -0.10, np.nan, 0.05])
    worst = worst_stretch(returns, 2)
    assert (worst.first, worst.last) == (1, 2)
    assert worst.value == pytest.approx(0.8 * 0.9 - 1)
    assert worst_stretch(returns, 1).value == pytest.approx(-0.20)
    assert worst_stretch(returns, 6) is None


def test_worst_stretch_of_a_lost_account_is_the_loss():
    worst = worst_stretch(np.array([0.1, -1.0, 0.2, 0.1]), 2)
    assert worst.value == pytest.approx(-1.0)
    assert (worst.first, worst.last) == (0, 1)


def test_market_fall_goes_by_beta_and_its_interval():
    beta = known("beta.ols", 1.5, n=100, ci=(1.2, 1.8))
    cost = market_fall(beta, 0.2)
    assert cost.value == pytest.approx(-0.3)
    assert cost.ci == pytest.approx((-0.36, -0.24))
    assert fall_that_costs(beta, 0.3).value == pytest.approx(0.2)


def test_no_fall_costs_more_than_beta_allows():
    assert "even a fall of 100 % costs 10%" in (
        fall_that_costs(known("beta.ols", 0.1, n=100), 0.2).reason_if_null
    )
    assert "costs 0%" in fall_that_costs(known("beta.ols", -0.5, n=100), 0.2).reason_if_null
    none = unknown("beta.ols", n=0, reason="no benchmark")
    assert fall_that_costs(none, 0.2).reason_if_null == "no benchmark"
    assert market_fall(none, 0.2).reason_if_null == "no benchmark"


def test_with_all_correlations_one_volatilities_add_up():
    returns = np.random.default_rng(0).normal(0, [0.01, 0.02, 0.5], (400, 3))
    deviations = returns.std(axis=0, ddof=1)
    long = volatility_when_all_moves_together(
        np.array([0.6, 0.4, 0.0]), returns, periods_per_year=252.0
    )
    assert long.value == pytest.approx((0.6 * deviations[0] + 0.4 * deviations[1]) * 252**0.5)
    hedged = volatility_when_all_moves_together(
        np.array([0.6, -0.3, 0.0]), returns, periods_per_year=252.0
    )
    assert hedged.value == pytest.approx(abs(0.6 * deviations[0] - 0.3 * deviations[1]) * 252**0.5)


def test_price_shocks_are_weights_times_moves():
    weights = np.array([0.5, -0.6, 0.0])
    assert price_shock(weights, -0.2).value == pytest.approx(0.02)
    single = name_shock(weights, ["A", "B", "C"], 0.5)
    assert single.value == pytest.approx(-0.3)
    assert single.method == "B alone, by 50%"
    for shock in (price_shock(np.zeros(2), -0.2), name_shock(np.zeros(2), ["A", "B"], 0.5)):
        assert shock.reason_if_null == "nothing is held"


def test_factor_shock_takes_the_direction_that_costs():
    factor = np.concatenate([[0.1], np.zeros(30), [-0.5], np.zeros(30)])
    long, short = (known("factor.beta", beta, n=62) for beta in (0.4, -2.0))
    assert factor_shock(long, factor).value == pytest.approx(-0.2)
    assert factor_shock(short, factor).value == pytest.approx(-0.2)
    assert "20 returns of the factor are known" in factor_shock(long, factor[:20]).reason_if_null
    none = unknown("factor.beta", n=3, reason="the returns never vary")
    assert factor_shock(none, factor).reason_if_null == "the returns never vary"
