import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finstrat.data import Documents, Span, Universe
from finstrat.errors import DataError
from finstrat.text.clean import clean
from finstrat.text.novelty import novelty
from finstrat.text.words import words


def documents(*rows, event_at=None):
    """(asset, hour, text) rows, ids in their order."""
    start = pd.Timestamp("2015-03-02T00:00:00Z")
    known = [start + pd.Timedelta(hours=hour) for _, hour, _ in rows]
    frame = pd.DataFrame(
        {
            "id": [f"{i:04}" for i in range(len(rows))],
            "asset": [asset for asset, _, _ in rows],
            "known_at": pd.to_datetime(known),
            "event_at": pd.to_datetime(known if event_at is None else event_at),
            "text": [text for *_, text in rows],
        }
    )
    return Documents.from_frame(frame, where="test")


def test_repetition_is_stale_and_the_first_is_new():
    found = novelty(documents(("A", 0, "Profit rises sharply"), ("A", 1, "PROFIT rises sharply!")))
    assert found.novelty.tolist() == [1.0, 0.0]
    assert found.nearest.tolist() == [-1, 0]


def test_novelty_is_one_minus_the_share_of_words_in_common():
    # 2 words in common of 4 distinct ones, then 3 of 4 with the second text.
    found = novelty(
        documents(
            ("A", 0, "profit rises"),
            ("A", 1, "profit rises, dividend cut"),
            ("A", 2, "profit dividend cut"),
        )
    )
    assert found.novelty.tolist() == [1.0, 0.5, 0.25]
    assert found.nearest.tolist() == [-1, 0, 1]


def test_other_assets_do_not_count_and_the_market_is_a_group_of_its_own():
    found = novelty(
        documents(("A", 0, "profit"), ("B", 1, "profit"), (None, 2, "profit"), (None, 3, "profit"))
    )
    assert found.novelty.tolist() == [1.0, 1.0, 1.0, 0.0]


def test_what_is_older_than_the_window_is_forgotten():
    rows = documents(("A", 0, "profit"), ("A", 24, "profit"), ("A", 49, "profit"))
    assert novelty(rows, days=1.0).novelty.tolist() == [1.0, 0.0, 1.0]
    assert novelty(rows, days=1.1).novelty.tolist() == [1.0, 0.0, 0.0]


def test_earlier_is_by_visibility_not_by_publication():
    # The first row tells of an event yet to come: it is visible last.
    late = pd.Timestamp("2015-03-03T00:00:00Z")
    early = pd.Timestamp("2015-03-02T01:00:00Z")
    rows = documents(("A", 0, "profit"), ("A", 1, "profit"), event_at=[late, early])
    assert novelty(rows).novelty.tolist() == [0.0, 1.0]


def test_order_of_ties_is_that_of_ids_not_of_rows():
    rows = documents(("A", 0, "profit"), ("A", 0, "profit"), ("A", 0, "profit loss"))
    back = Documents(rows.table.take([2, 1, 0]))
    assert novelty(rows).novelty.tolist() == [1.0, 0.0, 0.5]
    assert novelty(back).novelty.tolist() == [0.5, 0.0, 1.0]
    assert novelty(back).nearest.tolist() == [2, 2, -1]


def test_retweet_is_no_news_and_text_without_words_is_unknown():
    found = novelty(
        documents(("A", 0, "Profit up"), ("A", 1, "RT @me: Profit up http://a.b"), ("A", 2, "..."))
    )
    np.testing.assert_array_equal(found.novelty, [1.0, 0.0, np.nan])


def test_embeddings_compare_by_cosine_and_negative_ones_are_as_new_as_can_be():
    rows = documents(*((("A", hour, "x")) for hour in range(4)))
    vectors = np.array([[1, 0], [0.6, 0.8], [-1, 0], [np.nan, np.nan]], dtype=np.float32)
    found = novelty(rows, vectors=vectors)
    np.testing.assert_allclose(found.novelty, [1.0, 0.4, 1.0, np.nan], atol=1e-6)


@pytest.mark.parametrize(("days", "rows"), [(0.0, 2), (float("nan"), 2), (1.0, 3)])
def test_bad_arguments_are_refused(days, rows):
    with pytest.raises(DataError, match="novelty: "):
        novelty(
            documents(("A", 0, "x"), ("A", 1, "y")), days=days, vectors=np.ones((rows, 4), "f4")
        )


TERMS = ["profit", "loss", "rises", "falls", "dividend", "cut"]
WORDS = st.lists(st.sampled_from(TERMS), max_size=4)
ROWS = st.lists(
    st.tuples(st.sampled_from(["A", "B", None]), st.integers(0, 200), WORDS.map(" ".join)),
    min_size=1,
    max_size=30,
)


# No clock decides whether this passes.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_later_documents_never_change_earlier_ones(rows, keep, seed):
    whole = documents(*rows)
    vectors = np.random.default_rng(seed).normal(size=(len(whole), 8)).astype(np.float32)
    first = np.arange(len(whole)) < keep
    for space in (None, vectors):
        full = novelty(whole, vectors=space)
        cut = novelty(whole.take(first), vectors=None if space is None else space[first])
        np.testing.assert_array_equal(full.novelty[first], cut.novelty)
        np.testing.assert_array_equal(full.nearest[first], cut.nearest)


def by_definition(documents, days):
    """One minus the share of words in common with the most similar earlier text of the asset."""
    used = [set(words(clean(text))) for text in documents.texts]
    order = documents.in_time.tolist()
    moments = np.maximum(documents.event_at, documents.known_at)
    new, nearest = np.full(len(used), np.nan), np.full(len(used), -1)
    for place, row in enumerate(order):
        if not used[row]:
            continue
        new[row], best = 1.0, 0.0
        for other in order[:place]:
            same = documents.assets[other] == documents.assets[row]
            late = moments[row] - moments[other] <= np.timedelta64(int(days * 86_400e9), "ns")
            if same and late and used[other]:
                alike = len(used[row] & used[other]) / len(used[row] | used[other])
                if alike > best:
                    new[row], nearest[row], best = 1.0 - alike, other, alike
    return new, nearest


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.randoms(use_true_random=False))
def test_novelty_by_words_is_what_it_says_also_where_texts_have_changed_places(rows, random):
    whole = documents(*rows)
    order = list(range(len(whole)))
    random.shuffle(order)
    for each in (whole, whole.with_texts_of(np.array(order))):
        found = novelty(each, days=3.0)
        new, nearest = by_definition(each, 3.0)
        np.testing.assert_array_equal(found.novelty, new)
        np.testing.assert_array_equal(found.nearest, nearest)


def test_words_of_texts_that_change_places_are_looked_up_once(monkeypatch):
    rows = documents(("A", 0, "profit"), ("A", 1, "loss"), ("A", 2, "profit"))
    assert novelty(rows).novelty.tolist() == [1.0, 1.0, 0.0]
    monkeypatch.setattr("finstrat.text.vocabulary.clean", None)
    shifted = rows.with_texts_of(np.array([1, 2, 0]))
    assert novelty(shifted).novelty.tolist() == [1.0, 1.0, 0.0]
    assert novelty(shifted.with_texts_of(np.array([1, 2, 0]))).nearest.tolist() == [-1, 0, -1]


def test_past_of_real_tweets_stays_bit_for_bit_and_blocks_do_not_matter(shared_data, monkeypatch):
    from finstrat_plugins.sources.stocknet import StocknetTweets

    source = StocknetTweets({"path": shared_data / "stocknet"})
    tweets = source.load(Universe(("AAPL", "T")), Span(dt.date(2014, 1, 1), dt.date(2014, 3, 31)))
    vectors = np.random.default_rng(0).normal(1, 1, (len(tweets), 384)).astype(np.float32)
    first = np.arange(len(tweets)) < len(tweets) // 3
    full = novelty(tweets, vectors=vectors)
    monkeypatch.setattr("finstrat.text.novelty._PAIRS_AT_ONCE", 5000)
    cut = novelty(tweets.take(first), vectors=vectors[first])
    assert np.array_equal(full.novelty[first], cut.novelty)
    by_words = novelty(tweets)
    assert 0.05 < (by_words.novelty == 0).mean() < 0.5
    same = np.flatnonzero(by_words.novelty == 0)[0]
    assert tweets.assets[same] == tweets.assets[by_words.nearest[same]]
