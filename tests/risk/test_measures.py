import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest

from finstrat import risk
from finstrat.risk.figure import Figure

RETURNS = np.array([-0.10, 0.05, 0.02, -0.03, 0.04])


def test_total_return_compounds():
    assert risk.total_return(RETURNS).value == pytest.approx(0.9 * 1.05 * 1.02 * 0.97 * 1.04 - 1)


def test_growth_under_a_year_is_not_annualised():
    figure = risk.cagr(RETURNS, first=dt.date(2015, 1, 2), last=dt.date(2015, 6, 30))
    assert figure.value is None
    assert "not annualised" in figure.reason_if_null


def test_sharpe_is_mean_over_sample_deviation():
    figure = risk.sharpe(RETURNS, periods_per_year=252)
    assert figure.value == pytest.approx(RETURNS.mean() / RETURNS.std(ddof=1) * np.sqrt(252))


@pytest.mark.parametrize("returns", [np.zeros(50), np.full(50, 0.01), np.array([0.01])])
def test_series_without_spread_has_no_sharpe_but_a_reason(returns):
    figure = risk.sharpe(returns, periods_per_year=252)
    assert figure.value is None
    assert figure.reason_if_null


def test_first_session_loss_shows_in_the_drawdown():
    assert risk.max_drawdown(RETURNS).value == pytest.approx(-0.10)


def test_var_and_shortfall_are_positive_losses():
    returns = np.arange(-50, 50) / 1000
    assert risk.value_at_risk(returns).value > 0.04
    assert risk.expected_shortfall(returns).value == pytest.approx(0.048)


def test_null_figure_needs_a_reason_and_no_figure_is_infinite():
    with pytest.raises(ValueError, match="reason"):
        Figure(None, "ratio", "x", 1)
    with pytest.raises(ValueError, match="not a figure"):
        Figure(float("inf"), "ratio", "x", 1)


def test_every_convention_is_documented_and_no_other():
    text = (Path(__file__).parents[2] / "docs/conventions.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)) == set(risk.CONVENTIONS)


def test_omega_and_payoff_weigh_gains_against_losses():
    returns = np.array([0.03, -0.01, 0.01, -0.01, 0.0, np.nan])
    assert risk.omega(returns).value == pytest.approx(0.04 / 0.02)
    assert risk.payoff(returns).value == pytest.approx(0.02 / 0.01)
    assert risk.omega(np.array([0.01, 0.0])).reason_if_null == "no session lost money"
    assert risk.payoff(np.array([0.01, 0.0])).value is None


def test_tail_ratio_compares_the_ends():
    returns = np.linspace(-0.10, 0.20, 301)  # 5th percentile −0.085, 95th 0.185
    assert risk.tail_ratio(returns).value == pytest.approx(0.185 / 0.085)
    assert risk.tail_ratio(np.full(30, 0.01)).value is None


def test_capture_looks_at_the_sessions_in_which_the_benchmark_moved_that_way():
    benchmark = np.tile([0.02, -0.01], 40)
    returns = np.tile([0.01, -0.02], 40)
    assert risk.up_capture(returns, benchmark).value == pytest.approx(0.5)
    assert risk.down_capture(returns, benchmark).value == pytest.approx(2.0)
    few = risk.up_capture(returns[:10], benchmark[:10])
    assert few.reason_if_null == "5 such sessions are known; 30 are needed"
    assert risk.up_capture(returns, np.full(80, np.nan)).value is None


def test_probabilistic_sharpe_is_skfolios_and_reaches_its_level_at_the_needed_length():
    from skfolio.measures import probabilistic_sharpe_ratio

    returns = np.random.default_rng(5).standard_t(4, 500) * 0.01 + 0.0005
    record = risk.track_record(returns, periods_per_year=252.0)
    # skfolio divides by n − 1 in the deviation and so do we; its moments are population moments.
    assert record.probability.value == pytest.approx(
        probabilistic_sharpe_ratio(returns, benchmark_sharpe_ratio=0.0), rel=1e-9
    )
    ratio = returns.mean() / returns.std(ddof=1)
    z = (returns - returns.mean()) / returns.std()
    spread = 1 - (z**3).mean() * ratio + ((z**4).mean() - 1) / 4 * ratio**2
    length = record.sessions_needed.value
    assert ratio * np.sqrt((length - 1) / spread) == pytest.approx(1.6448536, rel=1e-6)


def test_losing_record_needs_no_length_and_a_flat_one_has_none():
    losing = np.tile([0.01, -0.02], 30)
    record = risk.track_record(losing, periods_per_year=252.0)
    assert record.probability.value < 0.05
    assert record.sessions_needed.reason_if_null == "the Sharpe ratio isn't above zero"
    assert risk.track_record(np.zeros(50), periods_per_year=252.0).probability.value is None


def test_time_weighted_return_compounds_the_sessions():
    figure = risk.time_weighted_return(np.array([0.5, np.nan, -0.5]))
    assert figure.value == pytest.approx(-0.25)
    assert figure.n == 2
    assert risk.time_weighted_return(np.array([-1.0, 0.2])).value == -1.0
    assert risk.time_weighted_return(np.array([np.nan])).reason_if_null == "no return is known"


def test_concentration_is_averaged_over_sessions_that_hold_anything():
    # One name: 1. Half and half, long and short: 1/2. Cash: left out.
    figure = risk.concentration(np.array([[0.3, 0.0], [0.4, -0.4], [0.0, 0.0]]))
    assert figure.value == pytest.approx(0.75)
    assert figure.n == 2
    assert risk.concentration(np.zeros((5, 2))).reason_if_null == "nothing was ever held"
