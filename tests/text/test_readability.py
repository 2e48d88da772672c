import math

import pytest

from finstrat.text.readability import prose, reading

# Two sentences, of 9 and 8 words; three syllables or more: uncertain, liability, litigation,
# company, uncertain. "may" is uncertain; "litigation" and "lawsuit" are litigious.
TEXT = (
    "The uncertain liability of the litigation may be large. "
    "The company has an uncertain lawsuit this year."
)


def test_fog_is_gunnings():
    found = reading(TEXT)
    assert (found.words, found.sentences, found.complex_words) == (17, 2, 5)
    assert found.fog == pytest.approx(0.4 * (17 / 2 + 100 * 5 / 17))


def test_shares_are_of_all_words():
    found = reading(TEXT)
    assert found.uncertainty == pytest.approx(3 / 17)
    assert found.litigiousness == pytest.approx(2 / 17)
    assert found.log_size == pytest.approx(math.log(len(TEXT)))


def test_tables_headings_and_page_numbers_are_no_prose():
    table = "Total revenue 1,234 5,678 9,012 3,456 7,890 1,234 5,678"
    text = f"Item 7. Management\n{TEXT}\n{table}\n17\n| a | b | c | d | e | f | g | h |"
    assert prose(text) == [TEXT]
    assert reading(text).words == 17


def test_names_and_numbers_are_no_words():
    assert reading("Zyxwv said 12 of the many units of Qqqq were sold").words == 8


def test_without_prose_nothing_is_known_but_the_size():
    found = reading("17")
    assert math.isnan(found.fog)
    assert math.isnan(found.uncertainty)
    assert math.isnan(found.litigiousness)
    assert found.log_size == pytest.approx(math.log(2))
    assert math.isnan(reading("").log_size)
