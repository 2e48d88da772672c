import datetime as dt
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.sources.stocknet import StocknetPrices, StocknetTweets

from finstrat.data import Span, Universe
from finstrat.errors import DataError

ALL = Span(dt.date(2012, 1, 1), dt.date(2015, 12, 31))
SHARED = Path(
    os.environ.get("FINSTRAT_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data")
)
real = pytest.mark.skipif(
    not (SHARED / "stocknet").is_dir(),
    reason="needs the StockNet data: set FINSTRAT_SHARED_DATA to the folder above `stocknet`",
)


@pytest.fixture
def no_default(monkeypatch):
    monkeypatch.delenv("FINSTRAT_STOCKNET", raising=False)
    monkeypatch.delenv("FINSTRAT_SHARED_DATA", raising=False)


@pytest.fixture
def folder(tmp_path):
    """Two stocks, one of them listed a day later, and a tweet about both."""
    prices = pd.DataFrame(
        {
            "ticker": ["AA", "AA", "BB"],
            "date": pd.to_datetime(["2014-01-02", "2014-01-03", "2014-01-03"]),
            **{name: [10.0, 11.0, 20.0] for name in ("open", "high", "low", "close")},
            "adj_close": [5.0, 5.5, 20.0],
            "volume": [1.0, 2.0, 3.0],
        }
    )
    prices.to_parquet(tmp_path / "prices.parquet")
    tweets = pd.DataFrame(
        {
            "id": [418157151946035200, 418157151946035200, 418163434979483648],
            "ticker": ["AA", "BB", "BB"],
            "created_at": pd.to_datetime(
                ["2013-12-31T23:10:08Z", "2013-12-31T23:10:08Z", "2013-12-31T23:35:06Z"]
            ),
            "text": ["both", "both", "uno"],
            "followers": [6, 6, 40],
            "lang": ["en", "en", None],
        }
    )
    tweets.to_parquet(tmp_path / "tweets.parquet")
    return tmp_path


def test_later_listing_is_unknown_before(folder, no_default):
    panel = StocknetPrices({"path": folder}).load(Universe(), ALL)
    np.testing.assert_array_equal(panel.field("close"), [[10, np.nan], [11, 20]])
    assert panel.member.tolist() == [[True, False], [True, True]]
    assert panel.adjusted("close")[:, 0].tolist() == [5.0, 5.5]


def test_one_tweet_about_two_stocks_is_two_documents(folder, no_default):
    documents = StocknetTweets({"path": folder}).load(Universe(), ALL)
    assert documents.ids == ["418157151946035200"] * 2 + ["418163434979483648"]
    assert documents.assets == ["AA", "BB", "BB"]
    assert documents.known_at[0] == np.datetime64("2013-12-31T23:10:09")


def test_universe_and_span_choose_the_tweets(folder, no_default):
    source = StocknetTweets({"path": folder})
    assert source.load(Universe(assets=("AA",)), ALL).assets == ["AA"]
    assert len(source.load(Universe(), Span(dt.date(2014, 1, 1), dt.date(2014, 2, 1)))) == 0


def test_tweets_not_in_english_are_kept_and_counted(folder, no_default):
    findings = StocknetTweets({"path": folder}).load(Universe(), ALL).findings
    assert [(f.check, f.count) for f in findings] == [
        ("stamp checked against the id", 3),
        ("not marked as English", 1),
    ]


def test_followers_are_not_carried(folder, no_default):
    documents = StocknetTweets({"path": folder}).load(Universe(), ALL)
    assert "followers" not in documents.table.column_names


@pytest.mark.parametrize("variable", ["FINSTRAT_STOCKNET", "FINSTRAT_SHARED_DATA"])
def test_folder_may_come_from_the_environment(folder, no_default, monkeypatch, tmp_path, variable):
    if variable == "FINSTRAT_SHARED_DATA":
        (tmp_path / "above").mkdir()
        (tmp_path / "above" / "stocknet").symlink_to(folder)
        monkeypatch.setenv(variable, str(tmp_path / "above"))
    else:
        monkeypatch.setenv(variable, str(folder))
    assert StocknetPrices().load(Universe(), ALL).assets == ("AA", "BB")


def test_without_a_folder_it_says_what_is_expected(no_default):
    for source in (StocknetPrices, StocknetTweets):
        with pytest.raises(DataError, match=r"no folder was given; .*prices\.parquet") as e:
            source().load(Universe(), ALL)
        assert e.value.exit_code == 3
        assert "FINSTRAT_STOCKNET" in str(e.value)


def test_missing_file_and_missing_column_are_named(folder, no_default):
    pd.read_parquet(folder / "prices.parquet").drop(columns="open").to_parquet(
        folder / "prices.parquet"
    )
    with pytest.raises(DataError, match="no column open"):
        StocknetPrices({"path": folder}).load(Universe(), ALL)
    (folder / "tweets.parquet").unlink()
    with pytest.raises(DataError, match=r"has no tweets\.parquet"):
        StocknetTweets({"path": folder}).load(Universe(), ALL)


@real
def test_real_prices_hold_69_stocks_three_of_them_listed_later(no_default):
    panel = StocknetPrices({"path": SHARED / "stocknet"}).load(Universe(), ALL)
    assert panel.shape == (773, 69)
    late = [name for name, known in zip(panel.assets, panel.member[0], strict=True) if not known]
    assert late == ["ABBV", "AGFS", "BABA"]


@real
def test_real_stamps_agree_with_the_ids(no_default):
    documents = StocknetTweets({"path": SHARED / "stocknet"}).load(Universe(), ALL)
    assert len(documents) == 79_859
    assert [(f.check, f.count, f.severity) for f in documents.findings] == [
        ("stamp checked against the id", 79_859, "info"),
        ("not marked as English", 10_405, "info"),
    ]
