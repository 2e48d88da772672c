import datetime as dt

import numpy as np
import pandas as pd
import pytest

from finstrat.data import Facts
from finstrat.errors import DataError


def frame(**columns):
    base = {
        "asset": ["AA", "AA"],
        "item": ["eps", "eps"],
        "value": ["1.0", "0.8"],
        "period_end": ["2014-12-31", "2014-12-31"],
        "known_at": ["2015-02-02T21:30:00Z", "2015-06-01T12:00:00Z"],
        "version": ["1", "2"],
    }
    return pd.DataFrame({**base, **columns})


def test_restatement_leaves_the_first_report_in_place():
    facts = Facts.from_frame(frame(), where="f")
    assert facts.visible_before(np.datetime64("2015-03-01")).frame["value"].tolist() == [1.0]
    assert facts.visible_before(np.datetime64("2015-07-01")).frame["value"].tolist() == [1.0, 0.8]


def test_fact_exactly_at_the_cutoff_is_not_visible():
    facts = Facts.from_frame(frame(), where="f")
    assert len(facts.visible_before(np.datetime64("2015-02-02T21:30:00"))) == 0


def test_fact_known_before_its_period_ends_waits_for_the_end():
    facts = Facts.from_frame(frame(period_end=["2015-12-31"] * 2), where="f")
    assert len(facts.visible_before(np.datetime64("2015-12-31"))) == 0
    assert len(facts.visible_before(np.datetime64("2015-12-31T00:00:01"))) == 2


def test_until_keeps_what_was_known_long_before():
    facts = Facts.from_frame(frame(), where="f")
    assert len(facts.until(dt.date(2015, 5, 31))) == 1
    assert len(facts.until(dt.date(2015, 6, 1))) == 2
    assert len(facts.until(dt.date(2015, 6, 1), ["BB"])) == 0


def test_row_order_changes_nothing_and_a_value_does():
    facts = Facts.from_frame(frame(), where="f")
    assert Facts.from_frame(frame().iloc[::-1], where="f").digest() == facts.digest()
    other = Facts.from_frame(frame(value=["1.0", "0.81"]), where="f")
    assert other.digest() != facts.digest()


def test_empty_value_is_unknown():
    assert Facts.from_frame(frame(value=[None, "0.8"]), where="f").frame["value"].isna().sum() == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"value": ["1.0", "n/a"]}, "row 2: value 'n/a' is no finite number"),
        ({"value": ["1.0", "inf"]}, "row 2: value 'inf' is no finite number"),
        ({"period_end": ["2014-12-31", None]}, "row 2: period_end is missing"),
        ({"period_end": ["2014-12-31", "Q4"]}, "row 2: period_end 'Q4' is no date"),
        ({"known_at": ["2015-02-02T21:30:00"] * 2}, "row 1: known_at .* time zone"),
        ({"version": ["1", "x"]}, "row 2: version 'x' is no whole number"),
        ({"version": ["1", "1"]}, "row 2: AA eps appears twice"),
        ({"asset": ["AA", None]}, "row 2: asset is missing"),
    ],
)
def test_malformed_row_is_refused_by_its_number(columns, message):
    with pytest.raises(DataError, match=f"f: {message}"):
        Facts.from_frame(frame(**columns), where="f")


def test_no_facts_at_all():
    assert len(Facts.empty()) == 0
    assert len(Facts.empty().digest()) == 64
