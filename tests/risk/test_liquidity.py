"""Days to exit, by hand."""

import numpy as np
import pytest

from finstrat.risk import days_to_exit, median_days_to_exit, name_days_to_exit, usually_traded

NAN = np.nan


def test_usual_value_is_the_median_of_21_sessions_up_to_now():
    traded = np.arange(30.0)[:, None]
    found = usually_traded(traded)
    assert np.isnan(found[:20]).all()
    assert found[20, 0] == 10.0
    assert found[29, 0] == 19.0
    holes = traded.copy()
    holes[10:21] = NAN  # eleven of 21 sessions without a trade
    assert usually_traded(holes)[20, 0] == 0.0
    assert np.isnan(usually_traded(traded[:5])).all()


def test_a_name_takes_its_value_over_a_tenth_of_what_trades():
    holdings = np.array([[0.5, -0.25, 0.0, 0.25]])
    usual = np.array([[1000.0, 500.0, 0.0, 0.0]])
    found = name_days_to_exit(holdings, np.array([1000.0]), usual)
    assert found.tolist() == [[5.0, 5.0, 0.0, np.inf]]


@pytest.mark.parametrize(
    ("weights", "usual", "days"),
    [
        ([1.0], [1000.0], 9.5),  # 950 at 100 a day
        ([0.5, 0.5], [1000.0, 100.0], 45.0),  # 500 in 5 days; 450 more at 10 a day
        ([0.96, 0.04], [1000.0, 0.0], 9.5),  # what never trades is within the 5 %
        ([0.9, 0.1], [1000.0, 0.0], np.inf),
        ([0.9, 0.1], [1000.0, NAN], NAN),
        ([0.0, 0.0], [NAN, 0.0], 0.0),
        ([0.5, -0.5], [1000.0, 1000.0], 4.75),  # a short is bought back just so
    ],
)
def test_portfolio_is_sold_all_names_at_once(weights, usual, days):
    found = days_to_exit(np.array([weights]), np.array([1000.0]), np.array([usual]))
    np.testing.assert_allclose(found, [days])


def test_median_is_over_sessions_that_held_something():
    figure = median_days_to_exit(np.array([0.0, 1.0, NAN, 3.0, 8.0]), reason="r")
    assert (figure.value, figure.n) == (3.0, 3)
    assert median_days_to_exit(np.array([0.0, NAN]), reason="no volumes").reason_if_null == (
        "no volumes"
    )
    never = median_days_to_exit(np.array([np.inf, np.inf, 1.0]), reason="r")
    assert never.value is None
    assert "didn't trade" in never.reason_if_null
