import pytest
from hypothesis import given
from hypothesis import strategies as st

from finstrat.text.lexicon import Tally, WordLists, tally

LISTS = WordLists(
    positive=frozenset({"GAIN", "GAINS", "STRONG", "ABLE"}),
    negative=frozenset({"SHARPLY", "LOSS", "LOSSES", "DECLINED", "WEAK", "BANKRUPTCY"}),
)


def signs(text):
    found = tally(text, LISTS)
    return found.positive, found.negative


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Strong quarter", (1, 0)),
        ("Weak quarter", (0, 1)),
        ("The meeting is on Tuesday", (0, 0)),
        # directions count by what moved
        ("Profit rose", (1, 0)),
        ("Profit fell", (0, 1)),
        ("Costs rose", (0, 1)),
        ("The company cut costs", (1, 0)),
        ("The company cuts its outlook", (0, 1)),
        ("A rise in net profit", (1, 0)),
        ("Operating profit was EUR 13.1 mn , up from EUR 8.7 mn", (1, 0)),
        ("Loss narrowed", (1, 0)),
        ("Loss widened", (0, 1)),
        ("Loss narrowed sharply", (1, 0)),
        ("Sharply criticised", (0, 1)),
        ("Costs declined", (1, 0)),
        # each quantity is spoken for once
        ("Profit rose and costs fell", (2, 0)),
        ("Sales fell but profit rose", (1, 1)),
        # no quantity near: only strong movements speak for themselves
        ("The flag was up", (0, 0)),
        ("Acme soars", (1, 0)),
        ("Acme plunges on Monday", (0, 1)),
        # negation
        ("No gains", (0, 1)),
        ("Not really a strong quarter", (0, 1)),
        ("without losses", (0, 0)),
        ("Profit did not rise", (0, 1)),
        ("The firm wasn't able to pay", (0, 1)),
        ("Costs never rose", (1, 0)),
        # a clause ends negation and direction
        ("No. Gains", (1, 0)),
        ("It is up. Profit is the word", (0, 0)),
        ("Profit of 13.1 rose", (1, 0)),
    ],
)
def test_mentions_in_context(text, expected):
    assert signs(text) == expected


def test_words_are_counted_and_numbers_are_not():
    assert tally("Acme's profit rose 3 % (EUR 1.2 mn)", LISTS) == Tally(5, 1, 0)
    assert tally("12 % – 3", LISTS) == Tally(0, 0, 0)


def test_capitals_and_typographic_apostrophes_do_not_matter():
    assert signs("profit DIDN’T rise") == (0, 1)


@given(st.text(alphabet="abc no rise profit loss gains.;!' ", max_size=200))
def test_mentions_never_outnumber_words_and_a_text_repeated_counts_twice(text):
    once, twice = tally(text, LISTS), tally(f"{text} . {text}", LISTS)
    assert once.positive + once.negative <= once.words
    assert twice == Tally(2 * once.words, 2 * once.positive, 2 * once.negative)


def test_a_megabyte_is_read_in_good_time():
    found = tally("profit rose without losses " * 40_000, LISTS)
    assert found.words == 160_000
