"""Near copies are found as an exact comparison of all pairs would find them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finstrat.errors import ConfigError
from finstrat.text.near import near_groups

REPORT = "Oracle shares rise four percent after quarterly profit beats analysts' estimates"


def exact_overlap(a, b):
    sets = [
        {each[i : i + 5] for i in range(max(1, len(each) - 4))}
        for each in (" ".join(text.casefold().split()) for text in (a, b))
    ]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_one_changed_word_is_near_and_another_event_is_not():
    texts = [
        REPORT,
        "Bank of Japan keeps its rates",
        REPORT.replace("four", "five"),
        "Profit of the smelter fell on weak metal prices in the third quarter",
    ]
    assert near_groups(texts).tolist() == [0, 1, 0, 3]


def test_case_and_spaces_do_not_count():
    assert near_groups([REPORT, f"  {REPORT.upper()} "]).tolist() == [0, 0]


def test_groups_reach_through_a_third_text():
    # abcdefgh… by steps: the ends overlap by less than 0.7, each with the middle by more
    middle = "".join(chr(97 + i % 26) + chr(97 + i // 26) for i in range(40))
    left, right = middle[8:], middle[:-8]
    assert exact_overlap(left, middle) > 0.7 < exact_overlap(right, middle)
    assert exact_overlap(left, right) < 0.7 + 0.1
    assert near_groups([left, right, middle], similarity=0.85).tolist() == [0, 0, 0]


def test_a_long_text_is_hashed_in_pieces_as_in_one():
    text = " ".join(str(number) for number in range(20_000))
    assert near_groups([text, text + " end"]).tolist() == [0, 0]


def test_empty_and_short_texts_are_near_their_like_alone():
    assert near_groups(["", "up", "up", "down", ""]).tolist() == [0, 1, 1, 3, 0]
    assert near_groups([]).tolist() == []


def test_similarity_beyond_its_range_is_refused():
    with pytest.raises(ConfigError, match="similarity"):
        near_groups(["a"], similarity=0.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("ab cd", min_size=12, max_size=40), min_size=2, max_size=8))
def test_what_is_not_near_any_other_stays_alone(texts):
    found = near_groups(texts)
    for place, text in enumerate(texts):
        others = [each for at, each in enumerate(texts) if at != place]
        if all(exact_overlap(text, each) < 0.7 for each in others):
            assert (np.array(found) == found[place]).sum() == 1
