import datetime as dt

import pandas as pd
import pytest

from finstrat.data.entities import Entities, company_names
from finstrat.errors import DataError


def table(**columns):
    return Entities.from_frame(pd.DataFrame(columns), where="names.csv")


def test_bundled_table_names_the_stocks_of_the_bundled_source():
    from skfolio.datasets import load_sp500_dataset

    assert Entities.bundled().assets == tuple(sorted(load_sp500_dataset().columns))


def test_peers_share_a_group_and_an_asset_is_not_its_own_peer():
    found = table(asset=["A", "B", "C", "D"], alias=list("abcd"), group=["x", "x", "y", None])
    assert found.peers("A") == ("B",)
    assert found.peers("C") == ()
    assert found.peers("D") == ()


@pytest.mark.parametrize(
    ("registered", "names"),
    [
        ("The Boeing Company", ("The Boeing Company", "Boeing")),
        ("Apple Inc.", ("Apple Inc.", "Apple")),
        ("BP p.l.c.", ("BP p.l.c.", "BP")),
        ("InBev SA/NV Company", ("InBev SA/NV Company", "InBev")),
        ("Icahn Enterprises L.P. ", ("Icahn Enterprises L.P.", "Icahn Enterprises")),
        ("Sanofi", ("Sanofi",)),
    ],
)
def test_legal_form_and_article_are_left_out(registered, names):
    assert company_names(registered) == names


def test_list_of_companies_becomes_a_table_that_reads_back_the_same(tmp_path):
    made = table(ticker=["BA", "V"], company=["The Boeing Company", "Visa Inc."], sector=["I", "F"])
    made.frame().to_csv(tmp_path / "names.csv", index=False)
    assert Entities.read(tmp_path / "names.csv") == made
    assert made.groups == {"BA": "I", "V": "F"}


def test_name_is_used_between_its_dates_both_included():
    (alias,) = table(
        asset=["FB"], alias=["Facebook"], start=["2004-02-04"], end=["2021-10-28"]
    ).aliases
    assert [alias.used_on(dt.date(*day)) for day in ((2004, 2, 3), (2004, 2, 4))] == [False, True]
    assert [alias.used_on(dt.date(*day)) for day in ((2021, 10, 28), (2021, 10, 29))] == [
        True,
        False,
    ]
    assert alias.used_on(None)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"asset": ["A"]}, "no column alias"),
        ({"asset": ["A"], "alias": [None]}, "row 1: alias is missing"),
        ({"asset": ["A"], "alias": ["a"], "start": ["soon"]}, "row 1: start 'soon' is no date"),
        (
            {"asset": ["A"], "alias": ["a"], "start": ["2020-01-02"], "end": ["2020-01-01"]},
            "end 2020-01-01 lies before start",
        ),
        ({"asset": ["A", "A"], "alias": ["a", "b"], "group": ["x", "y"]}, "one group"),
    ],
)
def test_table_that_contradicts_itself_is_refused(columns, message):
    with pytest.raises(DataError, match=message):
        table(**columns)
