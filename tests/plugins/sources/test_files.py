import datetime as dt

import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.sources.files import FilesDocuments, FilesFacts, FilesPrices
from pydantic import ValidationError

from finstrat.data import Clock, Span, Universe
from finstrat.data.align import document_sessions
from finstrat.errors import DataError

SPAN = Span(dt.date(2015, 3, 1), dt.date(2015, 3, 31))
DOCUMENTS = """id,ticker,known_at,text,likes
1,AA,2015-03-02T14:30:00Z,on time,5
2,,2015-03-02,a date alone,
3,BB,2015-03-02 16:30:00-05:00,"after the close, local",7
4,AA,2015-04-02T14:30:00Z,too late for the span,
5,AA,2015-03-03T14:30:00Z,,
"""
FACTS = """asset,item,value,period_end,known_at,version,filed_by
AA,eps,1.0,2014-12-31,2015-02-02,1,x
AA,eps,0.8,2014-12-31,2015-03-10T12:00:00Z,2,x
BB,eps,2.0,2014-12-31,2015-04-10T12:00:00Z,1,x
"""


def load(source, tmp_path, content, universe=None, name="f.csv"):
    (tmp_path / name).write_text(content)
    return source({"path": tmp_path / name}).load(universe or Universe(), SPAN)


def test_prices_from_a_file(tmp_path):
    content = "date,ticker,open,close,adj_close\n2015-03-02,AA,10,11,5.5\n"
    panel = load(FilesPrices, tmp_path, content)
    assert panel.fields == ("open", "close", "adj_factor")
    assert panel.adjusted("open").tolist() == [[5.0]]


def test_error_about_prices_names_the_file_and_row(tmp_path):
    with pytest.raises(DataError, match=r"f\.csv: row 1: close 'x' is no finite number"):
        load(FilesPrices, tmp_path, "date,ticker,close\n2015-03-02,AA,x\n")


def test_documents_count_from_the_session_their_stamp_allows(tmp_path):
    documents = load(FilesDocuments, tmp_path, DOCUMENTS)
    sessions = document_sessions(documents, Clock.build("XNYS", SPAN))
    # Monday 2 March is session 0.
    assert dict(zip(documents.ids, sessions.tolist(), strict=True)) == {
        "1": 0,
        "3": 1,
        "2": 1,
        "5": 1,
    }


def test_date_alone_is_known_at_the_days_end_in_the_exchanges_zone(tmp_path):
    documents = load(FilesDocuments, tmp_path, DOCUMENTS)
    assert documents.known_at[documents.ids.index("2")] == np.datetime64("2015-03-03T05:00")
    tokyo = load(FilesDocuments, tmp_path, DOCUMENTS, Universe(calendar="XTKS"))
    assert tokyo.known_at[tokyo.ids.index("2")] == np.datetime64("2015-03-02T15:00")


def test_event_happens_when_it_is_known_unless_the_file_says(tmp_path):
    documents = load(FilesDocuments, tmp_path, DOCUMENTS)
    assert (documents.event_at == documents.known_at).all()
    later = "id,event_at,known_at,text\n1,2015-03-05T12:00:00Z,2015-03-02T12:00:00Z,x\n"
    assert load(FilesDocuments, tmp_path, later).event_at[0] == np.datetime64("2015-03-05T12:00")


def test_universe_keeps_its_assets_and_the_market(tmp_path):
    documents = load(FilesDocuments, tmp_path, DOCUMENTS, Universe(assets=("BB",)))
    assert sorted(documents.ids) == ["2", "3"]


def test_count_without_its_own_stamp_is_not_read_but_named(tmp_path):
    documents = load(FilesDocuments, tmp_path, DOCUMENTS)
    assert "likes" not in documents.table.column_names
    assert [(f.check, f.detail) for f in documents.findings] == [("column not read", "likes")]


def test_empty_text_stays(tmp_path):
    documents = load(FilesDocuments, tmp_path, DOCUMENTS)
    assert documents.texts[documents.ids.index("5")] == ""


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_other_formats_give_the_same_documents(tmp_path, suffix):
    rows = pd.DataFrame(
        {
            "id": [418157151946035201, 418157151946035202],
            "asset": ["AA", None],
            "known_at": ["2015-03-02T14:30:00Z", "2015-03-02"],
            "text": ["one", "two"],
        }
    )
    rows.to_csv(tmp_path / "f.csv", index=False)
    if suffix == "parquet":
        rows.to_parquet(tmp_path / "f.parquet")
    else:
        rows.to_json(tmp_path / "f.jsonl", orient="records", lines=True)
    one, other = (
        FilesDocuments({"path": tmp_path / f"f.{kind}"}).load(Universe(), SPAN)
        for kind in ("csv", suffix)
    )
    assert one.digest() == other.digest()
    assert one.ids == ["418157151946035201", "418157151946035202"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,text\n1,x\n", "no column known_at; found: id, text"),
        ("id,known_at,text\n1,2015-03-02T14:30:00,x\n", "row 1: known_at .* or a date alone"),
        ("id,known_at,text\n1,,x\n", "row 1: known_at is missing"),
        ("id,known_at,text\n1,2015-03-02,x\n1,2015-03-03,y\n", 'row 2: document "1" appears twice'),
    ],
)
def test_refused_documents_say_why(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        load(FilesDocuments, tmp_path, content)


def test_facts_known_before_the_span_still_hold(tmp_path):
    facts = load(FilesFacts, tmp_path, FACTS)
    assert facts.frame["value"].tolist() == [1.0, 0.8]
    assert facts.frame["known_at"].iloc[0] == pd.Timestamp("2015-02-03T05:00Z")
    assert [(f.check, f.detail) for f in facts.findings] == [("column not read", "filed_by")]


def test_facts_of_other_assets_are_not_loaded(tmp_path):
    assert len(load(FilesFacts, tmp_path, FACTS, Universe(assets=("BB",)))) == 0


def test_absent_file_is_data_refused(tmp_path):
    for source in (FilesPrices, FilesDocuments, FilesFacts):
        with pytest.raises(DataError, match="no such file") as caught:
            source({"path": tmp_path / "gone.csv"}).load(Universe(), SPAN)
        assert caught.value.exit_code == 3


def test_path_is_needed():
    with pytest.raises(ValidationError, match="path"):
        FilesPrices()
