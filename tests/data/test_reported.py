import numpy as np
import pandas as pd
import pytest

from finstrat.data.reported import facts_from_reports


def reports(*rows):
    """Rows of (filing, known_at, tag, days, period_end, value); all of asset AA, in money."""
    names = ["filing", "known_at", "tag", "days", "period_end", "value"]
    frame = pd.DataFrame(list(rows), columns=names).assign(asset="AA", unit="money")
    frame["known_at"] = pd.to_datetime(frame["known_at"], utc=True).astype("datetime64[ns, UTC]")
    frame["period_end"] = pd.to_datetime(frame["period_end"]).astype("datetime64[ns]")
    return frame


def facts(*rows):
    return facts_from_reports(reports(*rows), source="s", where="f")


FIRST = ("1", "2015-02-02", "Assets", 0, "2014-12-31", 10.0)


def test_a_later_filing_that_says_otherwise_is_a_new_version():
    found = facts(FIRST, ("2", "2016-02-01", "Assets", 0, "2014-12-31", 9.0))
    assert found.frame[["item", "value", "version"]].to_numpy().tolist() == [
        ["assets", 10.0, 1],
        ["assets", 9.0, 2],
    ]
    assert [(f.check, f.count) for f in found.findings] == [("fact restated", 1)]


def test_a_later_filing_that_repeats_the_value_adds_nothing():
    found = facts(FIRST, ("2", "2016-02-01", "Assets", 0, "2014-12-31", 10.0))
    assert len(found) == 1
    assert found.findings == ()


def test_a_value_restated_and_restated_back_is_three_versions():
    back = ("3", "2017-02-01", "Assets", 0, "2014-12-31", 10.0)
    found = facts(back, FIRST, ("2", "2016-02-01", "Assets", 0, "2014-12-31", 9.0))
    assert found.frame["value"].tolist() == [10.0, 9.0, 10.0]
    assert found.frame["version"].tolist() == [1, 2, 3]


def test_the_first_tag_counts_within_a_filing_and_not_across_filings():
    found = facts(
        ("1", "2015-02-02", "SalesRevenueNet", 365, "2014-12-31", 7.0),
        ("1", "2015-02-02", "Revenues", 365, "2014-12-31", 8.0),
        ("2", "2016-02-01", "SalesRevenueNet", 365, "2014-12-31", 6.0),
    )
    assert found.frame["item"].unique().tolist() == ["revenue_year"]
    assert found.frame["value"].tolist() == [8.0, 6.0]


@pytest.mark.parametrize(
    ("days", "item"),
    [
        (91, "revenue_quarter"),
        (98, "revenue_quarter"),
        (182, "revenue_half"),
        (273, "revenue_nine_months"),
        (371, "revenue_year"),
    ],
)
def test_a_flow_is_named_by_how_long_it_runs(days, item):
    found = facts(("1", "2015-02-02", "Revenues", days, "2014-12-31", 1.0))
    assert found.frame["item"].tolist() == [item]


def test_a_tag_that_means_two_items_gives_both():
    found = facts(("1", "2015-02-02", "StockholdersEquity", 0, "2014-12-31", 1.0))
    assert sorted(found.frame["item"]) == ["equity", "total_equity"]


def test_tags_that_mean_no_item_are_passed_over():
    assert len(facts(FIRST, ("1", "2015-02-02", "Goodwill", 0, "2014-12-31", 1.0))) == 1


@pytest.mark.parametrize(
    ("row", "check"),
    [
        (("2", "2015-02-02", "Assets", 0, "2013-12-31", None), "fact without a value"),
        (("2", "2015-02-02", "Assets", 0, "2013-12-31", np.inf), "fact without a value"),
        (("2", "2015-02-02", "Assets", 0, "2013-12-31", "n/a"), "fact without a value"),
        (("2", "2015-02-02", "Assets", 0, None, 1.0), "fact without a period"),
        (("2", None, "Assets", 0, "2013-12-31", 1.0), "fact without a filing date"),
        (("2", "2015-02-02", "Assets", 0, "2015-03-31", 1.0), "fact filed before its period ended"),
        (
            ("2", "2015-02-02", "Revenues", 120, "2014-12-31", 1.0),
            "flow over another length of time",
        ),
    ],
)
def test_a_bad_row_is_left_out_and_counted(row, check):
    found = facts(FIRST, row)
    assert found.frame["value"].tolist() == [10.0]
    assert [(f.check, f.count) for f in found.findings] == [(check, 1)]


def test_a_filing_that_contradicts_itself_says_nothing():
    found = facts(FIRST, ("1", "2015-02-02", "Assets", 0, "2014-12-31", 11.0))
    assert len(found) == 0
    assert [(f.check, f.count) for f in found.findings] == [("two values under one tag", 2)]


def test_row_order_changes_nothing():
    rows = [FIRST, ("2", "2016-02-01", "Assets", 0, "2014-12-31", 9.0)]
    assert facts(*rows).digest() == facts(*reversed(rows)).digest()
