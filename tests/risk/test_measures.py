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
