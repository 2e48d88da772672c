import datetime as dt
import gzip

import pandas as pd
import pytest
from finstrat_plugins.sources.filings import Filings

from finstrat.data import Span, Universe
from finstrat.errors import DataError

ALL = Span(dt.date(2000, 1, 1), dt.date(2030, 12, 31))
REPORT = "<html><body><p>FORM 10-K</p><p>Item 1. Business</p><p>We make toys.</p></body></html>"
SUBMISSION = f"""<SEC-HEADER>
<ACCEPTANCE-DATETIME>20150202160512
CONFORMED SUBMISSION TYPE: 10-K
FILED AS OF DATE: 20150202
CENTRAL INDEX KEY: 0000000007
</SEC-HEADER>
<DOCUMENT>
<TYPE>10-K/A
<TEXT>
{REPORT}
</TEXT>
</DOCUMENT>"""


def load(folder, universe=None, span=ALL, **options):
    return Filings({"path": folder, **options}).load(universe or Universe(), span)


def test_a_name_tells_ticker_and_day_which_counts_when_it_is_over(tmp_path):
    (tmp_path / "aa-10-k-2015-02-02.html.gz").write_bytes(gzip.compress(REPORT.encode()))
    found = load(tmp_path)
    assert (found.ids, found.assets, found.kinds) == (
        ["aa-10-k-2015-02-02.html.gz"],
        ["AA"],
        ["10-K"],
    )
    assert found.texts == ["FORM 10-K\nItem 1. Business\nWe make toys."]
    assert found.frame()["known_at"][0] == pd.Timestamp("2015-02-03T05:00:00Z")


@pytest.mark.parametrize(
    ("accepted", "filed", "known_at"),
    [
        ("20150202160512", "20150202", "2015-02-02T21:05:12Z"),
        ("20150202194500", "20150203", "2015-02-03T11:00:00Z"),
    ],
)
def test_a_header_tells_acceptance_in_eastern_time(tmp_path, accepted, filed, known_at):
    text = SUBMISSION.replace("20150202160512", accepted).replace(
        "DATE: 20150202", f"DATE: {filed}"
    )
    (tmp_path / "0000000007-15-000001.txt").write_text(text)
    found = load(tmp_path, companies={"AA": 7, "AA.B": 7})
    assert found.assets == ["AA", "AA.B"]
    assert found.kinds == ["10-K/A", "10-K/A"]
    assert found.frame()["known_at"][0] == pd.Timestamp(known_at)
    assert load(tmp_path).assets == ["CIK0000000007"]


def test_an_index_speaks_for_the_folder(tmp_path):
    for name in ("a.html", "b.md", "c.txt"):
        (tmp_path / name).write_text(REPORT)
    index = tmp_path / "index.csv"
    index.write_text("file,ticker,known_at\na.html,AA,2015-02-02T21:05:00Z\nb.md,BB,2015-02-02\n")
    found = load(tmp_path, index=index)
    assert found.ids == ["a.html", "b.md"]
    assert found.frame()["known_at"].astype(str).tolist() == [
        "2015-02-02 21:05:00+00:00",
        "2015-02-03 05:00:00+00:00",
    ]
    assert found.findings == ()


def test_universe_and_span_choose_the_filings(tmp_path):
    for name in ("aa-10-k-2015-02-02.html", "bb-10-q-2015-05-02.html"):
        (tmp_path / name).write_text(REPORT)
    assert load(tmp_path, Universe(assets=("BB",))).assets == ["BB"]
    early = Span(dt.date(2015, 1, 1), dt.date(2015, 3, 1))
    assert load(tmp_path, span=early).assets == ["AA"]
    assert len(load(tmp_path, Universe(assets=("ZZ",)))) == 0


def test_a_file_of_nobody_knows_when_is_left_out_and_counted(tmp_path):
    (tmp_path / "report.html").write_text(REPORT)
    (tmp_path / "aa-10-k-2015-13-40.html").write_text(REPORT)
    (tmp_path / "notes.pdf").write_text("no filing")
    found = load(tmp_path)
    assert len(found) == 0
    assert [(f.check, f.count) for f in found.findings] == [("filing of nobody knows when", 2)]


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        load(tmp_path / "none")
    with pytest.raises(DataError, match=r"holds no file that ends in \.html"):
        load(tmp_path)
    (tmp_path / "index.csv").write_text("file,asset,known_at\na.html,AA,2015-02-02\n")
    with pytest.raises(DataError, match=r"index\.csv: lists a\.html, which"):
        load(tmp_path, index=tmp_path / "index.csv")
    (tmp_path / "a.html").write_text(REPORT)
    (tmp_path / "index.csv").write_text("file,asset,known_at\na.html,AA,2015-02-02T12:00:00\n")
    with pytest.raises(DataError, match="known_at '2015-02-02T12:00:00' is no moment"):
        load(tmp_path, index=tmp_path / "index.csv")


def test_real_filings_are_told_by_their_names(shared_data):
    few = Universe(assets=("AAPL", "IBM"))
    found = load(shared_data / "sec" / "filings", few)
    assert list(zip(found.assets, found.kinds, strict=True)) == [
        ("AAPL", "10-K"),
        ("IBM", "10-K"),
        ("IBM", "10-Q"),
    ]
    assert [(f.check, f.count) for f in found.findings] == [("filing of nobody knows when", 11)]
