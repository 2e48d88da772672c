import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finstrat.data import Clock, Documents, Facts, Panel, Span, align

# Monday 2 to Friday 6 March 2015, closes at 21:00 UTC.
CLOCK = Clock.build("XNYS", Span(dt.date(2015, 3, 2), dt.date(2015, 3, 6)))


def documents(*known_at, event_at=None, asset=None):
    return Documents.from_frame(
        pd.DataFrame(
            {
                "id": [str(i) for i in range(len(known_at))],
                "asset": asset or [None] * len(known_at),
                "event_at": event_at or known_at,
                "known_at": known_at,
                "text": "a text",
            }
        ),
        where="f",
    )


def test_planted_document_at_the_cutoff_counts_from_the_next_session():
    cutoff = pd.Timestamp(CLOCK.cutoff[1], tz="UTC")
    docs = documents(cutoff - pd.Timedelta(1, "ns"), cutoff)
    assert align.document_sessions(docs, CLOCK).tolist() == [1, 2]
    assert len(docs.visible_before(CLOCK.cutoff[1])) == 1
    assert len(docs.visible_before(CLOCK.cutoff[2])) == 2


@given(st.integers(min_value=0, max_value=6 * 86_400))
def test_first_session_is_the_first_that_sees_the_document(second):
    docs = documents(pd.Timestamp("2015-03-01", tz="UTC") + pd.Timedelta(second, "s"))
    (session,) = align.document_sessions(docs, CLOCK)
    seen = [len(docs.visible_before(cutoff)) == 1 for cutoff in CLOCK.cutoff]
    assert seen == [t >= session for t in range(len(CLOCK))]


def test_document_waits_for_the_later_of_event_and_knowledge():
    docs = documents("2015-03-02T12:00:00Z", event_at=["2015-03-04T12:00:00Z"])
    assert align.document_sessions(docs, CLOCK).tolist() == [2]


def test_document_outside_the_clock_counts_first_or_never():
    docs = documents("2015-02-01T12:00:00Z", "2015-03-06T21:00:00Z")
    assert align.document_sessions(docs, CLOCK).tolist() == [0, 5]


def test_document_about_no_column_is_about_the_market():
    docs = documents(*["2015-03-02T12:00:00Z"] * 3, asset=["BB", None, "ZZ"])
    assert align.document_assets(docs, ["AA", "BB"]).tolist() == [1, -1, -1]


def test_panel_gets_the_clocks_sessions_and_counts_what_it_lacks_or_drops():
    # Tuesday is missing, Saturday is no session, and January is merely outside.
    times = ["2015-01-05", "2015-03-02", "2015-03-04", "2015-03-05", "2015-03-06"]
    panel = Panel.from_fields(
        np.array([*times, "2015-03-07"], dtype="datetime64[D]"),
        ["AA"],
        {"close": np.arange(1.0, 7.0)[:, None]},
    )
    found = align.panel_on_sessions(panel, CLOCK)
    assert (found.times == CLOCK.sessions).all()
    np.testing.assert_array_equal(found.field("close")[:, 0], [2, np.nan, 3, 4, 5])
    assert found.member[:, 0].tolist() == [True, False, True, True, True]
    assert [(f.check, f.count) for f in found.findings] == [("session without a row", 1)]


def test_price_on_a_closed_day_is_dropped_and_counted():
    times = np.array(["2015-03-06", "2015-03-07", "2015-03-09"], dtype="datetime64[D]")
    panel = Panel.from_fields(times, ["AA"], {"close": np.ones((3, 1))})
    clock = Clock.build("XNYS", Span(dt.date(2015, 3, 6), dt.date(2015, 3, 9)))
    found = align.panel_on_sessions(panel, clock)
    assert found.shape == (2, 1)
    assert [(f.check, f.count) for f in found.findings] == [("row on no session", 1)]


def facts(*rows):
    names = ["asset", "item", "value", "period_end", "known_at", "version"]
    return Facts.from_frame(pd.DataFrame(rows, columns=names), where="f")


def as_of(*rows):
    return align.facts_as_of(facts(*rows), "eps", clock=CLOCK, assets=["AA", "BB"])


def test_fact_counts_from_its_own_moment_and_stays():
    # After the close of Tuesday.
    values = as_of(("BB", "eps", 1.5, "2014-12-31", "2015-03-03T21:30:00Z", 1))
    np.testing.assert_array_equal(values[:, 1], [np.nan, np.nan, 1.5, 1.5, 1.5])
    assert np.isnan(values[:, 0]).all()


def test_restatement_replaces_from_its_own_moment_only():
    values = as_of(
        ("AA", "eps", 1.0, "2014-12-31", "2015-02-01T12:00:00Z", 1),
        ("AA", "eps", 0.8, "2014-12-31", "2015-03-04T12:00:00Z", 2),
    )
    assert values[:, 0].tolist() == [1.0, 1.0, 0.8, 0.8, 0.8]


def test_old_periods_restatement_does_not_displace_a_newer_period():
    values = as_of(
        ("AA", "eps", 1.0, "2014-09-30", "2014-11-01T12:00:00Z", 1),
        ("AA", "eps", 2.0, "2014-12-31", "2015-03-03T12:00:00Z", 1),
        ("AA", "eps", 0.5, "2014-09-30", "2015-03-04T12:00:00Z", 2),
    )
    assert values[:, 0].tolist() == [1.0, 2.0, 2.0, 2.0, 2.0]


def test_fact_stamped_before_its_period_ends_waits_for_the_end():
    values = as_of(("AA", "eps", 1.0, "2015-03-04", "2015-03-02T12:00:00Z", 1))
    np.testing.assert_array_equal(values[:, 0], [np.nan, np.nan, 1.0, 1.0, 1.0])


def test_other_items_and_assets_are_not_mixed_in():
    values = as_of(
        ("AA", "sales", 9.0, "2014-12-31", "2015-02-01T12:00:00Z", 1),
        ("ZZ", "eps", 9.0, "2014-12-31", "2015-02-01T12:00:00Z", 1),
    )
    assert np.isnan(values).all()


@pytest.mark.parametrize("cut", range(1, 5))
def test_facts_visible_at_a_cutoff_give_the_same_past(cut):
    everything = facts(
        ("AA", "eps", 1.0, "2014-09-30", "2014-11-01T12:00:00Z", 1),
        ("BB", "eps", 2.0, "2014-12-31", "2015-03-03T12:00:00Z", 1),
        ("AA", "eps", 0.5, "2014-09-30", "2015-03-04T21:00:00Z", 2),
    )
    clock = CLOCK.slice(0, cut)
    seen = everything.visible_before(clock.cutoff[-1])
    whole = align.facts_as_of(everything, "eps", clock=CLOCK, assets=["AA", "BB"])
    past = align.facts_as_of(seen, "eps", clock=clock, assets=["AA", "BB"])
    np.testing.assert_array_equal(past, whole[:cut])
