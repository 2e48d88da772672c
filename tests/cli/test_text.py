import pandas as pd
import pytest


@pytest.fixture
def news(project):
    (project / "news.csv").write_text(
        "id,asset,known_at,text\n"
        "1,AAPL,2015-03-02T15:00:00Z,Apple profit rises as phones sell\n"
        "2,AAPL,2015-03-03T15:00:00Z,Apple profit rises as phones sell\n"
        "3,,2015-03-04,Microsoft sued by Acme Corp\n"
    )
    return project / "news.csv"


def test_documents_are_shown_after_what_was_mapped(finstrat, news):
    shown = finstrat("text", "extract", news, "--show", 2).out
    assert "share unmapped" in shown
    assert "Apple profit rises" in shown
    assert "1 more" in shown


def test_json_and_parquet_hold_the_same_rows(finstrat, news, project):
    ended = finstrat("text", "extract", news, "--json", "--out", "found.parquet")
    rows = ended.json["documents"]
    frame = pd.read_parquet(project / "found.parquet")
    assert [row["novelty"] for row in rows] == frame["novelty"].tolist() == [1.0, 0.0, 1.0]
    assert rows[2]["known_at"] == "2015-03-05T05:00:00Z"
    assert rows[2]["assets"] == list(frame["assets"][2]) == ["MSFT"]
    assert ended.json["coverage"]["mentions_unmapped"] == 1
    assert "3 rows in found.parquet" in ended.err


def test_table_of_names_is_made_from_companies_and_used(finstrat, news, project):
    (project / "companies.csv").write_text("ticker,company\nACME,Acme Corporation\n")
    finstrat("text", "entities", "companies.csv", "--out", "names.csv")
    found = finstrat("text", "extract", news, "--entities", "names.csv", "--json").json
    assert [row["assets"] for row in found["documents"]] == [[], [], ["ACME"]]


def test_encoder_goes_by_meaning(finstrat, news):
    found = finstrat("text", "extract", news, "--encoder", "minilm-embedding", "--json").json
    assert found["documents"][1]["novelty"] == pytest.approx(0.0, abs=1e-5)


def test_what_cannot_be_done_is_refused_and_nothing_is_written(refused, news, project):
    assert "no vector" in refused(2, "text", "extract", news, "--encoder", "lm-lexicon")
    assert "minilm-embeding" in refused(2, "text", "extract", news, "--encoder", "minilm-embeding")
    assert ".parquet" in refused(2, "text", "extract", news, "--out", "found.csv")
    assert "no such file" in refused(3, "text", "extract", "absent.csv")
    assert "no column" in refused(3, "text", "extract", news, "--entities", "prices.csv")
    assert not list(project.glob("found*"))
