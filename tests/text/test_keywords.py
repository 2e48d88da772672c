import numpy as np
import pandas as pd
import pytest

from finstrat.errors import DataError
from finstrat.text.keywords import candidates, embedding_keywords, term_weights
from finstrat.text.words import words

TEXTS = ["Apple profit", "Apple loss", "Apple profit profit", "The"]
DAYS = np.array([0, 1, 1, 2])


def test_weights_use_earlier_periods_only():
    found = term_weights(TEXTS, DAYS)
    # Day 1: one earlier document, which uses "apple" and "profit".
    once = 1 + np.log(2 / 2)
    np.testing.assert_allclose(found.of("apple"), [1.0, once, once, np.nan])
    np.testing.assert_allclose(found.of("loss"), [0, 1 + np.log(2), 0, np.nan])
    np.testing.assert_allclose(found.of("profit"), [1.0, 0, (1 + np.log(2)) * once, np.nan])
    np.testing.assert_array_equal(found.of("absent"), [0, 0, 0, np.nan])


def test_keywords_are_the_heaviest_terms_and_numbers_are_none():
    texts = ["apple 2014", "apple recall 2015 recall"]
    (_, second) = term_weights(texts, np.array([0, 1])).keywords(count=2)
    assert [each.term for each in second] == ["recall", "apple"]


def test_a_longer_history_does_not_change_the_past(shared_data):
    rows = pd.read_parquet(shared_data / "reuters" / "headlines.parquet").head(2000)
    days = rows["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    texts = rows["headline"].tolist()
    cut = int(np.searchsorted(days, days[1000]))
    full, past = term_weights(texts, days), term_weights(texts[:cut], days[:cut])
    assert full.keywords()[:cut] == past.keywords()


def test_order_within_a_period_does_not_matter():
    order = np.array([0, 2, 1, 3])
    turned = term_weights([TEXTS[i] for i in order], DAYS[order]).of("profit")
    np.testing.assert_array_equal(turned[order], term_weights(TEXTS, DAYS).of("profit"))


def test_texts_without_a_word_have_no_keywords():
    found = term_weights(["", "the"], np.array([0, 1]))
    assert found.keywords() == [(), ()]
    assert np.isnan(found.of("profit")).all()


def test_periods_must_number_the_texts():
    with pytest.raises(DataError, match=r"expected int64 \[1\]"):
        term_weights(["a"], np.array([0.0]))


def test_words_are_lower_case_without_endings_or_stop_words():
    assert words("Apple’s 2nd-quarter results WON'T be the same: 苹果") == [
        *("apple", "2nd", "quarter", "results", "won", "苹", "果")
    ]


def test_phrases_stay_within_punctuation_and_stop_words():
    found = candidates("Bank of America cuts jobs, shares fall. The end")
    assert "Bank of America" in found
    assert "jobs shares" not in found
    assert not any("The" in each or each.endswith("of") for each in found)


def test_embedding_keywords_are_near_the_document_and_apart():
    near, twin, far = [0.999, 0.0447], [1.0, 0.0], [0.6, 0.8]
    vectors, document = np.float32([near, twin, far]), np.float32([0.96, 0.28])
    found = embedding_keywords(["near", "twin", "far"], vectors, document, count=2)
    assert [each.term for each in found] == ["near", "far"]
    assert found[1].weight == pytest.approx(0.8)
    assert embedding_keywords([], vectors[:0], np.float32([1, 0])) == ()
