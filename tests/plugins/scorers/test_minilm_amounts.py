"""The direction of compared amounts is written into a text, and nothing else is touched."""

import random
import string

import pytest
from finstrat_plugins.scorers.minilm_amounts import with_directions


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "Sales were EUR 9.1 mn, compared with EUR 8.7 mn in 2009.",
            "Sales were EUR 9.1 mn (up), compared with EUR 8.7 mn in 2009.",
        ),
        ("EBIT was 3.1 (4.2) million.", "EBIT was 3.1 (down) (4.2) million."),
        ("EBITDA was $49m ($58m).", "EBITDA was $49m (down) ($58m)."),
        (
            "Turnover rose from 59 million to 66 million.",
            "Turnover rose from 59 million to 66 million (up).",
        ),
        ("EPS was 0.31 against 0.31.", "EPS was 0.31 (flat) against 0.31."),
        ("It sold 12,500 units versus 9,800.", "It sold 12,500 (up) units versus 9,800."),
    ],
)
def test_later_amount_gets_its_direction(text, read):
    assert with_directions(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "The strategy runs from 2009 to 2011.",
        "A profit of EUR 3 mn, compared with a loss of EUR 2 mn.",  # the words say it
        "Sales were EUR 9.1 mn against 40 % of the plan.",  # no common unit
        "Sales were EUR 9.1 mn. In May it moved from 12 offices.",  # two sentences
        "Shares trade at 12.40.",
        "Flight 370 from gate B12",
        "",
    ],
)
def test_text_without_a_comparison_stays(text):
    assert with_directions(text) == text


def test_removing_the_marks_gives_the_text_back_whatever_it_is():
    rng = random.Random(0)
    parts = ["from ", "to ", "EUR ", " mn", "(", ")", ", ", "1", "2.5", "3,000", " vs ", "against "]
    for _ in range(500):
        text = "".join(rng.choices([*parts, *string.printable[:40]], k=rng.randint(0, 40)))
        read = with_directions(text)
        for mark in (" (up)", " (down)", " (flat)"):
            read = read.replace(mark, "")
        assert read == text


def test_long_text_of_numbers_is_read_in_linear_time():
    with_directions("1,234 from " * 20_000)  # an exponential pattern would never end
