import math

import pytest

from finstrat.text.filing import parse_filing
from finstrat.text.filing_change import added_sentences, change, comparable

CALM = "Our suppliers in several countries may raise their prices without much notice.\n"
FLOOD = "A flood could close our only factory near Springfield for many months.\n"


def annual(period, risks=CALM, form="10-K"):
    return parse_filing(
        f"FORM {form}\nFor the fiscal year ended {period}\nItem 1. Business\nWe make and sell "
        f"wooden toys to shops in many cities.\nItem 1A. Risk Factors\n{risks}"
        "Item 2. Properties\nNone.\n"
    )


OLD = annual("December 31, 2013")
NEW = annual("December 31, 2014", CALM + FLOOD)


def test_the_same_text_is_the_same():
    found = change(OLD, annual("December 31, 2013"))
    assert found.cosine == pytest.approx(1.0)
    assert (found.jaccard, found.risks_added) == (1.0, 0.0)


def test_similarity_is_over_words_without_stop_words():
    before = parse_filing("The cat and the dog and the bird are there")
    now = parse_filing("The cat and the dog and the dog are there")
    # cat 1 1, dog 2 1, bird 0 1
    assert change(now, before).cosine == pytest.approx(3 / math.sqrt(5 * 3))
    assert change(now, before).jaccard == pytest.approx(2 / 3)


def test_added_risks_are_counted_by_words():
    # Without stop words: calm has suppliers, countries, raise, prices, notice; flood has flood,
    # close, factory, near, springfield, months.
    found = change(NEW, OLD).risks_added
    assert added_sentences(CALM + FLOOD, CALM) == [FLOOD.strip()]
    assert found == pytest.approx(6 / 11)
    assert change(OLD, NEW).risks_added == 0.0


def test_a_sentence_that_hardly_changes_is_not_new():
    moved = CALM.replace("several", "four")
    assert added_sentences(moved, CALM) == []
    assert added_sentences(moved, "") == [moved.strip()]
    assert added_sentences("", CALM) == []


def test_without_risk_factors_their_change_is_unknown():
    bare = parse_filing("FORM 10-K\nItem 1. Business\nWe make toys.")
    assert math.isnan(change(NEW, bare).risks_added)
    assert math.isnan(change(parse_filing(""), parse_filing("")).cosine)


def test_an_annual_report_is_compared_with_the_last_years():
    earlier = [annual("December 31, 2012"), OLD, annual("December 31, 2011")]
    assert comparable(NEW, earlier) == 1
    assert comparable(OLD, [NEW]) is None


def test_a_year_of_52_weeks_is_a_year():
    assert comparable(annual("September 28, 2024"), [annual("September 30, 2023")]) == 0


def test_a_quarter_is_compared_with_the_same_quarter():
    quarters = [annual(f"{day}, 2013", form="10-Q") for day in ("March 31", "June 30")]
    assert comparable(annual("June 30, 2014", form="10-Q"), quarters) == 1
    assert comparable(annual("June 30, 2014"), quarters) is None


def test_amendments_are_left_out():
    amended = annual("December 31, 2013", form="10-K/A")
    assert comparable(NEW, [amended]) is None
    assert comparable(annual("December 31, 2014", form="10-K/A"), [OLD]) is None


def test_of_two_that_fit_the_last_counts():
    assert comparable(NEW, [OLD, annual("December 31, 2013")]) == 1


def test_without_a_period_there_is_nothing_to_compare_with():
    assert comparable(parse_filing("FORM 10-K"), [OLD]) is None
