import datetime as dt

import numpy as np
import pandas as pd
import pytest

from finstrat.data import Documents, Span
from finstrat.errors import DataError


def frame(**columns):
    base = {
        "id": ["2", "1", "1"],
        "asset": ["BB", None, "AA"],
        "event_at": ["2015-03-02T14:00:00Z"] * 3,
        "known_at": ["2015-03-02T15:00:00Z", "2015-03-02T15:00:00Z", "2015-03-03T15:00:00Z"],
        "text": ["two", "market", "one"],
    }
    return pd.DataFrame({**base, **columns})


def documents(**columns):
    return Documents.from_frame(frame(**columns), where="f")


def test_rows_are_ordered_by_when_they_were_known_then_by_id():
    docs = documents()
    assert docs.ids == ["1", "2", "1"]
    assert docs.assets == [None, "BB", "AA"]
    assert docs.texts == ["market", "two", "one"]


def test_row_order_of_the_input_changes_nothing():
    shuffled = Documents.from_frame(frame().iloc[[2, 0, 1]], where="f")
    assert shuffled.digest() == documents().digest()


def test_digest_sees_every_column():
    changes = [
        {"id": ["2", "1", "3"]},
        {"asset": ["BB", "None", "AA"]},
        {"event_at": ["2015-03-02T14:00:00.000000001Z"] * 3},
        {"kind": ["news"] * 3},
        {"text": ["two", "market", "1"]},
        {"version": [1, 1, 2]},
    ]
    digests = {documents(**change).digest() for change in changes}
    assert len(digests | {documents().digest()}) == 7


def test_asset_kind_and_version_have_defaults():
    docs = Documents.from_frame(frame().iloc[:2].drop(columns="asset"), where="f")
    rows = docs.frame()
    assert docs.assets == [None, None]
    assert rows["kind"].tolist() == ["text", "text"]
    assert rows["version"].tolist() == [1, 1]


def test_numeric_asset_codes_become_text():
    assert documents(asset=[600000, 600001, 600002]).assets == ["600001", "600000", "600002"]


def test_one_document_may_be_about_two_assets_and_have_two_versions():
    docs = documents(id=["1", "1", "1"], asset=["AA", "BB", "AA"], version=["1", "1", "2"])
    assert len(docs) == 3


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"asset": ["AA", "AA", "AA"]}, 'row 3: document "1" appears twice'),
        ({"id": ["2", None, "1"]}, "row 2: id is missing"),
        ({"text": ["a", None, "b"]}, "row 2: text is missing"),
        ({"known_at": ["2015-03-02T15:00:00"] * 3}, "row 1: known_at .* time zone"),
        ({"event_at": [None] * 3}, "row 1: event_at is missing"),
        ({"version": [1, 1, 1.5]}, "row 3: version '1.5' is no whole number"),
    ],
)
def test_malformed_row_is_refused_by_its_number(columns, message):
    with pytest.raises(DataError, match=f"f: {message}"):
        documents(**columns)


def test_only_what_was_known_before_the_cutoff_is_visible():
    docs = documents()
    at = np.datetime64("2015-03-02T15:00:00")
    assert len(docs.visible_before(at)) == 0
    assert len(docs.visible_before(at + np.timedelta64(1, "ns"))) == 2


def test_document_known_before_its_event_waits_for_the_event():
    docs = documents(event_at=["2015-03-05T00:00:00Z"] * 3)
    assert len(docs.visible_before(np.datetime64("2015-03-04"))) == 0


def test_within_keeps_the_spans_dates_and_the_market_wide_texts():
    span = Span(dt.date(2015, 3, 2), dt.date(2015, 3, 2))
    assert documents().within(span).ids == ["1", "2"]
    assert documents().within(span, ["AA"]).assets == [None]
    wide = Span(dt.date(2015, 3, 1), dt.date(2015, 3, 4))
    assert documents().within(wide, ["AA"]).assets == [None, "AA"]


def test_times_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        documents().known_at[0] = np.datetime64("2015-01-01")


def test_no_documents_at_all():
    none = Documents.empty()
    assert len(none) == 0
    assert none.texts == []
    assert len(none.visible_before(np.datetime64("2015-01-01"))) == 0


def test_other_texts_leave_everything_else_in_place():
    docs = documents()
    assert docs.assets == [None, "BB", "AA"]  # read before, and kept
    other = docs.with_texts(["x", "y", "z"])
    assert other.texts == ["x", "y", "z"]
    assert docs.texts == ["market", "two", "one"]
    expected = docs.frame().assign(text=["x", "y", "z"])
    pd.testing.assert_frame_equal(other.frame(), expected)
    assert other.assets == docs.assets
    assert docs.with_texts_of(np.array([2, 0, 1])).texts == ["one", "market", "two"]


def test_assets_come_as_numbers_too_with_the_market_below_zero():
    codes = documents().asset_codes
    assert codes.codes.tolist() == [-1, 0, 1]
    assert codes.names == ("BB", "AA")
    assert Documents.empty().asset_codes.codes.tolist() == []


def test_documents_of_one_asset_go_to_another_and_nothing_else_changes():
    docs = documents()
    other = docs.about_others({"AA": "BB", "BB": "AA"})
    assert other.assets == [None, "AA", "BB"]
    assert other.asset_codes.codes.tolist() == docs.asset_codes.codes.tolist()
    assert [other.asset_codes.names[code] for code in other.asset_codes.codes[1:]] == ["AA", "BB"]
    expected = docs.frame().assign(asset=[None, "AA", "BB"])
    pd.testing.assert_frame_equal(other.frame(), expected)
    assert docs.assets == [None, "BB", "AA"]
