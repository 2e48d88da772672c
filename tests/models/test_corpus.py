"""A corpus knows its dates, or that it doesn't, and holds out no near copy of what is learnt."""

import datetime as dt

import pandas as pd
import pytest

from finstrat.errors import ConfigError, DataError
from finstrat.models.corpus import read_corpus, read_distinct

NAMES = ("Apple", "Boeing", "Citigroup", "Dow Chemical", "Exxon Mobil", "Ford Motor")
WHAT = ("recalls one of its products in Europe", "names a finance chief", "wins a patent lawsuit",
        "will close two plants next spring", "buys back its own bonds")  # fmt: skip
TEXTS = [f"{name} {what}" for name in NAMES for what in WHAT]


def written(path, **columns):
    pd.DataFrame({"text": TEXTS, **columns}).to_csv(path, index=False)
    return path


def read(file, **options):
    return read_corpus([file], **{"share": 0.2, "seed": 0, **options})


def test_first_and_last_date_of_all_that_was_read(tmp_path):
    days = pd.date_range("2014-03-01", periods=30).strftime("%Y-%m-%d")
    corpus = read(written(tmp_path / "a.csv", date=days))
    assert (corpus.first, corpus.last) == (dt.date(2014, 3, 1), dt.date(2014, 3, 30))
    assert corpus.undated == 0
    assert sorted(corpus.texts + corpus.held_out) == sorted(TEXTS)
    assert corpus.held_out


def test_one_text_without_a_date_leaves_no_bounds(tmp_path):
    corpus = read(written(tmp_path / "a.csv", date=["2014-03-01"] * 29 + [None]))
    assert (corpus.first, corpus.last, corpus.undated) == (None, None, 1)
    assert read(written(tmp_path / "b.csv")).last is None


def test_near_copies_are_learnt_or_held_out_together(tmp_path):
    base = [f"{text}, it says" for text in TEXTS]
    copies = [f"{text}, it says." for text in TEXTS]
    pd.DataFrame({"text": base + copies}).to_csv(tmp_path / "a.csv")
    corpus = read(tmp_path / "a.csv")
    assert {each.rstrip(".") for each in corpus.texts}.isdisjoint(
        each.rstrip(".") for each in corpus.held_out
    )


def test_what_cant_be_used_is_refused(tmp_path):
    file = written(tmp_path / "a.csv", date=["2014-03-01"] * 29 + ["soon"])
    with pytest.raises(DataError, match=r"a\.csv: row 30: date 'soon'"):
        read(file)
    with pytest.raises(DataError, match="expected 'words'|words"):
        read(file, text="words")
    with pytest.raises(ConfigError, match="held-out share 1"):
        read(file, share=1)
    pd.DataFrame({"text": TEXTS[:10]}).to_csv(tmp_path / "few.csv")
    with pytest.raises(DataError, match="at least 20 different texts, got 10"):
        read(tmp_path / "few.csv")


def test_distinct_texts_have_the_date_of_their_last_copy(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("text,date\nB,2015-01-02\nA,2014-01-01\n,2016-01-01\nB,2015-03-04\nA,\n")
    found = read_distinct([file])
    assert list(found["text"]) == ["B", "A"]
    assert found["date"][0] == pd.Timestamp("2015-03-04", tz="UTC")
    assert pd.isna(found["date"][1])  # one copy doesn't say when
