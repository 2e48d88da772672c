import datetime as dt

import numpy as np
import pandas as pd
import pytest

from finstrat.data import Clock, Facts, Span
from finstrat.data.statements import quarters_as_of, years_as_of
from finstrat.errors import DataError

CLOCK = Clock.build("XNYS", Span(dt.date(2015, 3, 2), dt.date(2015, 3, 6)))
MON, TUE, WED, THU, FRI = range(5)


def years(*rows, items=("assets", "net_income_year"), assets=("A",)):
    """Rows of asset, item, value, period's end, and the day of March 2015 it became known."""
    names = ["asset", "item", "value", "period_end", "day"]
    frame = pd.DataFrame(rows, columns=names)
    known = [
        f"2015-03-{day:02}T14:00:00Z" if day else "2014-03-01T14:00:00Z" for day in frame["day"]
    ]
    fact = ["asset", "item", "period_end"]
    version = frame.groupby(fact).cumcount() + 1
    facts = Facts.from_frame(frame.assign(known_at=known, version=version), where="test")
    return years_as_of(facts, items, clock=CLOCK, assets=assets)


def test_balance_sheet_of_a_quarter_is_not_set_against_the_earnings_of_a_year():
    found = years(
        ("A", "net_income_year", 10.0, "2014-12-31", 2),
        ("A", "assets", 100.0, "2014-12-31", 2),
        ("A", "assets", 130.0, "2015-02-28", 3),
    )
    assert found.now["assets"][:, 0].tolist() == [100.0] * 5
    assert found.ended[FRI, 0] == np.datetime64("2014-12-31")


def test_new_year_counts_from_the_session_that_knows_it_and_the_old_becomes_the_year_before():
    found = years(
        ("A", "net_income_year", 7.0, "2013-12-31", 0),
        ("A", "net_income_year", 10.0, "2014-12-31", 4),
    )
    assert found.now["net_income_year"][:, 0].tolist() == [7.0, 7.0, 10.0, 10.0, 10.0]
    before = found.before["net_income_year"][:, 0]
    assert np.isnan(before[:WED]).all()
    assert before[WED:].tolist() == [7.0] * 3


def test_what_is_filed_after_the_cutoff_counts_from_the_next_session():
    facts = pd.DataFrame(
        {
            "asset": "A",
            "item": "net_income_year",
            "value": [1.0],
            "period_end": ["2014-12-31"],
            "known_at": ["2015-03-03T21:00:00Z"],  # the close itself, in UTC
        }
    )
    found = years_as_of(
        Facts.from_frame(facts, where="test"), ("net_income_year",), clock=CLOCK, assets=("A",)
    ).now["net_income_year"][:, 0]
    assert np.isnan(found[: TUE + 1]).all()
    assert found[WED] == 1.0


def test_restatement_displaces_what_it_restates_from_its_own_day():
    found = years(
        ("A", "net_income_year", 10.0, "2014-12-31", 2),
        ("A", "net_income_year", 4.0, "2014-12-31", 5),
    )
    assert found.now["net_income_year"][:, 0].tolist() == [10.0, 10.0, 10.0, 4.0, 4.0]


def test_year_two_years_back_is_not_the_year_before():
    found = years(
        ("A", "net_income_year", 7.0, "2012-12-31", 0),
        ("A", "net_income_year", 10.0, "2014-12-31", 2),
    )
    assert np.isnan(found.before["net_income_year"]).all()


def test_asset_without_a_year_stays_unknown_and_spoils_no_other():
    found = years(
        ("A", "assets", 100.0, "2014-12-31", 2),
        ("B", "net_income_year", 10.0, "2014-12-31", 2),
        assets=("A", "B", "C"),
    )
    assert np.isnat(found.ended[FRI]).tolist() == [True, False, True]
    assert np.isnan(found.now["assets"]).all()


def test_items_without_a_yearly_one_are_refused():
    with pytest.raises(DataError, match="none says where years end"):
        years_as_of(Facts.empty(), ("assets",), clock=CLOCK, assets=("A",))


def test_two_years_back_is_the_year_before_the_last():
    found = years(
        ("A", "net_income_year", 5.0, "2012-12-31", 0),
        ("A", "net_income_year", 7.0, "2013-12-31", 0),
        ("A", "net_income_year", 10.0, "2014-12-31", 3),
    )
    assert found.earlier["net_income_year"][TUE:, 0].tolist() == [5.0] * 4
    assert np.isnan(found.earlier["net_income_year"][MON, 0])


def quarters(*rows, flows=("revenue",)):
    names = ["item", "value", "period_end", "day"]
    frame = pd.DataFrame(rows, columns=names).assign(asset="A")
    known = [
        f"2015-03-{day:02}T14:00:00Z" if day else "2014-12-01T14:00:00Z" for day in frame["day"]
    ]
    frame["version"] = frame.groupby(["item", "period_end"]).cumcount() + 1
    facts = Facts.from_frame(frame.assign(known_at=known), where="test")
    return quarters_as_of(facts, flows, clock=CLOCK, assets=("A",))


def test_the_fourth_quarter_is_the_year_less_nine_months():
    found = quarters(
        ("revenue_nine_months", 70.0, "2014-09-30", 0),
        ("revenue_quarter", 25.0, "2014-09-30", 0),
        ("revenue_year", 100.0, "2014-12-31", 3),
    )
    assert found.now["revenue"][:, 0].tolist() == [25.0, 30.0, 30.0, 30.0, 30.0]
    assert found.ended[MON, 0] == np.datetime64("2014-09-30")
    assert found.ended[TUE, 0] == np.datetime64("2014-12-31")


def test_cash_flows_of_the_second_and_third_quarter_are_differences_too():
    found = quarters(
        ("operating_cash_flow_quarter", 10.0, "2014-03-31", 0),
        ("operating_cash_flow_half", 25.0, "2014-06-30", 0),
        ("operating_cash_flow_nine_months", 45.0, "2014-09-30", 4),
        flows=("operating_cash_flow",),
    )
    assert found.now["operating_cash_flow"][:, 0].tolist() == [15.0, 15.0, 20.0, 20.0, 20.0]


def test_a_quarter_is_set_beside_the_same_quarter_of_the_year_before():
    found = quarters(
        ("revenue_quarter", 20.0, "2013-12-31", 0),
        ("revenue_quarter", 22.0, "2014-09-30", 0),
        ("revenue_quarter", 25.0, "2014-12-31", 3),
        ("revenue_quarter", 21.0, "2013-12-31", 5),
    )
    assert np.isnan(found.before["revenue"][MON, 0])
    assert found.before["revenue"][TUE:, 0].tolist() == [20.0, 20.0, 21.0, 21.0]


def test_a_restated_year_moves_the_quarter_that_follows_from_it():
    found = quarters(
        ("revenue_nine_months", 70.0, "2014-09-30", 0),
        ("revenue_year", 100.0, "2014-12-31", 2),
        ("revenue_year", 90.0, "2014-12-31", 4),
    )
    assert found.now["revenue"][:, 0].tolist() == [30.0, 30.0, 20.0, 20.0, 20.0]


@pytest.mark.parametrize("name", ["assets", "diluted_earnings", "sales"])
def test_what_has_no_difference_is_refused(name):
    with pytest.raises(DataError, match=f'"{name}" is no flow of money'):
        quarters_as_of(Facts.empty(), (name,), clock=CLOCK, assets=("A",))
