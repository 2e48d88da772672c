import numpy as np
import pytest

from finstrat import risk
from finstrat.risk.rolling import rolling_beta, rolling_return, rolling_sharpe, rolling_volatility


@pytest.fixture
def returns():
    return np.random.default_rng(3).normal(0.001, 0.01, 40)


def test_each_window_has_the_figures_of_its_own_span(returns):
    market = returns + np.random.default_rng(4).normal(0, 0.01, 40)
    terms = {"periods_per_year": 252.0}
    for end in (9, 25, 39):
        own, its = returns[end - 9 : end + 1], market[end - 9 : end + 1]
        assert rolling_return(returns, 10)[end] == pytest.approx(risk.total_return(own).value)
        volatility = risk.volatility(own, **terms).value
        assert rolling_volatility(returns, 10, **terms)[end] == pytest.approx(volatility)
        sharpe = risk.sharpe_ratio(own, risk_free=0.02, **terms)
        assert rolling_sharpe(returns, 10, risk_free=0.02, **terms)[end] == pytest.approx(sharpe)
        slope = np.polyfit(its, own, 1)[0]
        assert rolling_beta(returns, market, 10)[end] == pytest.approx(slope)


def test_no_window_before_there_are_enough_and_none_over_an_unknown_return(returns):
    returns[20] = np.nan
    found = rolling_return(returns, 10)
    assert np.flatnonzero(np.isnan(found)).tolist() == [*range(9), *range(20, 30)]
    assert np.isnan(rolling_return(returns, 41)).all()


def test_flat_window_has_no_ratio():
    flat = np.full(12, 0.001)
    assert np.isnan(rolling_sharpe(flat, 10, periods_per_year=252.0)).all()
    assert np.isnan(rolling_beta(flat, flat, 10)).all()
