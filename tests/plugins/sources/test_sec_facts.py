import datetime as dt
import gzip
import json
import os
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from finstrat_plugins.sources.sec_facts import SecCompanyFacts, SecStatements

from finstrat.data import Span, Universe
from finstrat.errors import DataError

ALL = Span(dt.date(2000, 1, 1), dt.date(2030, 12, 31))
SHARED = Path(
    os.environ.get("FINSTRAT_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data")
)
SEC = SHARED / "sec"
real = pytest.mark.skipif(
    not SEC.is_dir(), reason="needs SEC data: set FINSTRAT_SHARED_DATA to the folder above `sec`"
)


def row(value, end, filed, *, start=None, filing="1"):
    given = {"end": end, "val": value, "accn": filing, "filed": filed}
    return given if start is None else {"start": start, **given}


def company(cik, **tags):
    units = {
        tag: {"units": {"USD/shares" if tag.startswith("Earnings") else "USD": rows}}
        for tag, rows in tags.items()
    }
    return {"cik": cik, "entityName": "One", "facts": {"us-gaap": units}}


ONE = company(
    1,
    Assets=[row(5, "2014-12-31", "2015-02-02"), row(4, "2014-12-31", "2016-02-01", filing="2")],
    Revenues=[row(9, "2014-12-31", "2015-02-02", start="2014-01-01")],
    EarningsPerShareDiluted=[row(0.5, "2014-12-31", "2015-02-02", start="2014-10-01")],
)


def company_file(folder, content, name="CIK0000000001.json"):
    text = content if isinstance(content, str) else json.dumps(content)
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


def test_a_filing_date_counts_at_that_days_end_in_the_exchanges_zone(tmp_path):
    found = SecCompanyFacts({"path": company_file(tmp_path, ONE)}).load(Universe(), ALL).frame
    assert found["asset"].unique().tolist() == ["CIK0000000001"]
    assert found[["item", "value", "version"]].to_numpy().tolist() == [
        ["assets", 5.0, 1],
        ["diluted_earnings_quarter", 0.5, 1],
        ["revenue_year", 9.0, 1],
        ["assets", 4.0, 2],
    ]
    # Midnight in New York.
    assert found["known_at"].iloc[0] == pd.Timestamp("2015-02-03T05:00:00Z")


def test_span_and_universe_choose_the_facts(tmp_path):
    company_file(tmp_path, ONE, "CIK0000000001.json.gz")
    company_file(tmp_path, {**ONE, "cik": 2}, "CIK0000000002.json")
    source = SecCompanyFacts({"path": tmp_path, "companies": {"AA": 1, "BB": 2, "BB.B": 2}})
    early = Span(dt.date(2015, 1, 1), dt.date(2015, 12, 31))
    assert len(source.load(Universe(), early)) == 9
    assert set(source.load(Universe(), early).frame["asset"]) == {"AA", "BB", "BB.B"}
    chosen = source.load(Universe(assets=("BB", "ZZ")), ALL)
    assert set(chosen.frame["asset"]) == {"BB"}
    assert [(f.check, f.count) for f in chosen.findings] == [
        ("asset without facts", 1),
        ("fact restated", 1),
    ]


def test_companies_may_be_a_file(tmp_path):
    (tmp_path / "who.csv").write_text("ticker,cik\nAA,1\n")
    path = company_file(tmp_path, ONE)
    source = SecCompanyFacts({"path": path, "companies": tmp_path / "who.csv"})
    assert set(source.load(Universe(), ALL).frame["asset"]) == {"AA"}


def test_a_universe_without_any_facts_is_refused_with_the_likely_fix(tmp_path):
    source = SecCompanyFacts({"path": company_file(tmp_path, ONE)})
    with pytest.raises(DataError, match=r"none of the universe's assets .*companies, like \{ AA ="):
        source.load(Universe(assets=("AA",)), ALL)


def test_another_currency_is_not_read(tmp_path):
    found = SecCompanyFacts({"path": company_file(tmp_path, ONE)}).load(
        Universe(currency="EUR"), ALL
    )
    assert len(found) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "can't be read as JSON"),
        ("[]", "expected company facts"),
        ('{"cik": 1}', "expected company facts"),
        ('{"cik": 1, "facts": {"us-gaap": {"Assets": []}}}', "expected company facts"),
    ],
)
def test_a_file_that_is_something_else_is_named(tmp_path, content, message):
    with pytest.raises(DataError, match=f"CIK0000000001.json: {message}"):
        SecCompanyFacts({"path": company_file(tmp_path, content)}).load(Universe(), ALL)


def test_a_row_with_a_bad_date_is_counted(tmp_path):
    bad = company(1, Assets=[row(5, "2014-12-31", "soon"), row(5, "2013-12-31", "2015-02-02")])
    found = SecCompanyFacts({"path": company_file(tmp_path, bad)}).load(Universe(), ALL)
    assert len(found) == 1
    assert [(f.check, f.count) for f in found.findings] == [("fact without a filing date", 1)]


SUB = pd.DataFrame(
    {
        "adsh": ["1", "2"],
        "cik": ["1", "1"],
        "filed": ["20150202", "20160202"],
        "accepted": ["2015-02-02 16:05:00.0", "2016-02-01 21:00:00.0"],
    }
)
NUM = pd.DataFrame(
    [
        ("1", "Assets", "us-gaap/2014", "20141231", "0", "USD", None, None, "5.0000"),
        ("1", "Assets", "us-gaap/2014", "20141231", "0", "USD", "Segment=A;", None, "3.0000"),
        ("1", "Assets", "us-gaap/2014", "20141231", "0", "USD", None, "Subsidiary", "2.0000"),
        ("1", "Assets", "1", "20141231", "0", "USD", None, None, "1.0000"),
        ("1", "EarningsPerShareDiluted", "us-gaap/2014", "20141231", "1", "USD", None, None, "0.5"),
        ("2", "Assets", "us-gaap/2014", "20141231", "0", "USD", None, None, "4.0000"),
    ],
    columns=["adsh", "tag", "version", "ddate", "qtrs", "uom", "segments", "coreg", "value"],
)


def data_set(path, sub=SUB, num=NUM):
    with zipfile.ZipFile(path, "w") as archive:
        for name, table in (("sub.txt", sub), ("num.txt", num)):
            if table is not None:
                archive.writestr(name, table.to_csv(sep="\t", index=False))
    return path


def test_acceptance_is_eastern_and_an_evening_filing_waits_for_the_morning(tmp_path):
    found = SecStatements({"path": data_set(tmp_path / "q.zip")}).load(Universe(), ALL).frame
    assert found[["item", "value", "version"]].to_numpy().tolist() == [
        ["assets", 5.0, 1],
        ["diluted_earnings_quarter", 0.5, 1],
        ["assets", 4.0, 2],
    ]
    assert found["known_at"].iloc[0] == pd.Timestamp("2015-02-02T21:05:00Z")
    assert found["known_at"].iloc[2] == pd.Timestamp("2016-02-02T11:00:00Z")


def test_the_hour_that_comes_twice_is_read_as_the_later_one(tmp_path):
    sub = SUB.assign(accepted="2015-11-01 01:30:00.0", filed="20151101")
    found = SecStatements({"path": data_set(tmp_path / "q.zip", sub)}).load(Universe(), ALL).frame
    assert found["known_at"].iloc[0] == pd.Timestamp("2015-11-01T06:30:00Z")


def test_a_folder_holds_zip_files_or_tables(tmp_path):
    data_set(tmp_path / "2015q1.zip", SUB[:1])
    SUB[1:].to_parquet(tmp_path / "2016q1.sub.parquet")
    NUM.to_parquet(tmp_path / "2016q1.num.parquet")
    found = SecStatements({"path": tmp_path}).load(Universe(), ALL)
    assert found.frame["value"].tolist() == [5.0, 0.5, 4.0]


def test_the_same_data_set_twice_changes_nothing(tmp_path):
    data_set(tmp_path / "a.zip")
    once = SecStatements({"path": tmp_path}).load(Universe(), ALL)
    data_set(tmp_path / "b.zip")
    assert SecStatements({"path": tmp_path}).load(Universe(), ALL).digest() == once.digest()


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        SecStatements({"path": tmp_path / "q.zip"}).load(Universe(), ALL)
    with pytest.raises(DataError, match="no ZIP file and no tables called sub and num"):
        SecStatements({"path": tmp_path}).load(Universe(), ALL)
    with pytest.raises(DataError, match=r"q\.zip: .*no item named 'num\.txt'"):
        SecStatements({"path": data_set(tmp_path / "q.zip", num=None)}).load(Universe(), ALL)
    lacking = data_set(tmp_path / "q.zip", SUB.drop(columns="accepted"))
    with pytest.raises(DataError, match=r"sub\.txt: no column accepted"):
        SecStatements({"path": lacking}).load(Universe(), ALL)
    lacking.write_text("no archive")
    with pytest.raises(DataError, match="can't be read as a ZIP file"):
        SecStatements({"path": lacking}).load(Universe(), ALL)
    lacking.unlink()
    NUM.to_parquet(tmp_path / "num.parquet")
    with pytest.raises(DataError, match="stands alone"):
        SecStatements({"path": tmp_path}).load(Universe(), ALL)


@real
def test_apples_first_restatement_displaces_nothing_before_it():
    source = SecCompanyFacts({"path": SEC / "companyfacts", "companies": {"AAPL": 320193}})
    facts = source.load(Universe(assets=("AAPL",)), ALL)
    year = facts.frame[
        (facts.frame["item"] == "revenue_year") & (facts.frame["period_end"] == "2009-09-26")
    ]
    # The 10-K/A of January 2010 moved to new rules of revenue recognition.
    assert year["value"].tolist() == [36_537e6, 42_905e6]
    assert year["known_at"].dt.date.astype(str).tolist() == ["2009-10-28", "2010-01-26"]


@real
def test_real_data_sets_are_read_with_every_bad_row_counted():
    facts = SecStatements({"path": SEC / "statements"}).load(Universe(), ALL)
    assert facts.frame["asset"].nunique() == 482
    counts = {finding.check: finding.count for finding in facts.findings}
    assert counts["fact without a value"] == 1
    assert counts["fact filed before its period ended"] == 1
    assert counts["fact restated"] > 300
