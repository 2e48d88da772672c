import numpy as np
import pandas as pd

from finstrat.text.summary import embedded_summary, summary
from finstrat.text.words import sentences

TEXT = (
    "Revenue rose 5 percent. Good afternoon, everyone. Revenue growth came from services revenue. "
    "Revenue rose 5 percent. Margins in services widened as revenue grew."
)


def test_summary_holds_sentences_of_the_text_in_their_order():
    found = sentences(summary(TEXT, count=3))
    assert len(found) == 3
    places = [TEXT.index(each) for each in found]
    assert places == sorted(places)
    assert "Good afternoon, everyone." not in found
    assert len(set(found)) == 3


def test_short_and_empty_texts_are_their_own_summary():
    assert summary("One. Two.", count=2) == "One. Two."
    assert summary("", count=2) == ""
    assert summary("The. And. Or. But.", count=2) == "The. And."


def test_abbreviations_and_numbers_end_no_sentence():
    text = (
        "J.P. Morgan Chase & Co. Inc. sees $3.5 billion. Mr. Dimon said so! Why? U.S. stocks fell."
    )
    assert sentences(text) == [
        "J.P. Morgan Chase & Co. Inc. sees $3.5 billion.",
        "Mr. Dimon said so!",
        "Why?",
        "U.S. stocks fell.",
    ]


def test_embedded_summary_avoids_what_was_said():
    vectors = np.array([[1, 0], [1, 0], [0.8, 0.6]], dtype=np.float32)
    assert embedded_summary(["A.", "B.", "C."], vectors, count=2) == "A. C."


def test_summary_of_a_real_call_is_a_small_part_of_it(shared_data):
    calls = pd.read_parquet(shared_data / "calls_fomc" / "earnings_calls_2015.parquet")
    text = calls["text"].iloc[0]
    found = summary(text, count=3)
    assert 0 < len(found) < len(text) / 5
    assert summary(text, count=3) == found
