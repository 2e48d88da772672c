import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm

from finstrat.credit.merton import merton


def equity_of(value, volatility, debt, rate, horizon):
    """Equity and its volatility by the model's own equations, written out."""
    swing = volatility * np.sqrt(horizon)
    d1 = (np.log(value / debt) + (rate + volatility**2 / 2) * horizon) / swing
    equity = value * norm.cdf(d1) - debt * np.exp(-rate * horizon) * norm.cdf(d1 - swing)
    return equity, volatility * value * norm.cdf(d1) / equity


def solved(equity, volatility, debt, rate=0.05, horizon=1.0):
    return merton(
        equity=np.asarray(equity, dtype=float),
        equity_volatility=np.asarray(volatility, dtype=float),
        debt=np.asarray(debt, dtype=float),
        rate=np.asarray(rate, dtype=float),
        horizon=np.asarray(horizon, dtype=float),
    )


def test_the_textbook_firm_comes_out_as_printed():
    # Hull, Options, Futures, and Other Derivatives: E = 3, σE = 80 %, D = 10, r = 5 %, one year.
    found = solved(3.0, 0.8, 10.0)
    assert found.asset_value == pytest.approx(12.40, abs=0.005)
    assert found.asset_volatility == pytest.approx(0.2123, abs=5e-5)
    assert found.tail == pytest.approx(0.127, abs=5e-4)


@given(
    value=st.floats(0.3, 30.0),
    volatility=st.floats(0.05, 1.0),
    rate=st.floats(-0.02, 0.15),
    horizon=st.floats(0.25, 5.0),
)
def test_assets_are_found_again_from_the_equity_they_make(value, volatility, rate, horizon):
    debt = 7.0
    # Far below the debt the equity is a rounding error, out of which nothing can be found.
    with np.errstate(divide="ignore", invalid="ignore"):
        equity, swing = equity_of(value * debt, volatility, debt, rate, horizon)
    assume(equity > 1e-3 * debt)
    found = solved(equity, swing, debt, rate, horizon)
    assert found.asset_value == pytest.approx(value * debt, rel=1e-8)
    assert found.asset_volatility == pytest.approx(volatility, rel=1e-7)


def test_every_firm_of_the_declared_box_is_solved_to_ten_digits():
    rng = np.random.default_rng(0)
    count = 20_000
    debt = np.exp(rng.uniform(0.0, 25.0, count))
    found = merton(
        equity=debt * np.exp(rng.uniform(np.log(0.02), np.log(50.0), count)),
        equity_volatility=rng.uniform(0.05, 2.0, count),
        debt=debt,
        rate=rng.uniform(-0.02, 0.15, count),
        horizon=rng.uniform(0.25, 5.0, count),
    )
    assert found.residual.max() < 1e-10
    assert np.isfinite(found.distance).all()


def test_residual_is_that_of_the_equations_themselves():
    found = solved(3.0, 0.8, 10.0)
    equity, swing = equity_of(found.asset_value, found.asset_volatility, 10.0, 0.05, 1.0)
    assert equity == pytest.approx(3.0, rel=1e-12)
    assert swing == pytest.approx(0.8, rel=1e-12)
    assert found.residual < 1e-12


def test_money_has_no_unit():
    small, large = solved(3.0, 0.8, 10.0), solved(3e9, 0.8, 1e10)
    assert large.distance == pytest.approx(small.distance, rel=1e-12)
    assert large.asset_value == pytest.approx(small.asset_value * 1e9, rel=1e-12)


def test_more_equity_is_farther_from_default():
    found = solved([1.0, 3.0, 9.0], 0.5, 10.0)
    assert (np.diff(found.distance) > 0).all()
    assert (np.diff(found.tail) < 0).all()


@pytest.mark.parametrize("equity", [np.nan, 0.0, -1.0, np.inf])
def test_a_firm_without_equity_has_no_solution_and_spoils_no_other(equity):
    found = solved([[equity, 3.0]], 0.8, 10.0)
    assert found.distance.shape == (1, 2)
    assert np.isnan(found.asset_value[0, 0])
    assert found.asset_value[0, 1] == pytest.approx(12.40, abs=0.005)


def test_no_firm_at_all_gives_nothing():
    assert solved(np.empty(0), 0.8, 10.0).distance.shape == (0,)
