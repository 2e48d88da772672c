import datetime as dt

import numpy as np
import pandas as pd
import pytest

from finstrat.data import Clock, Span, Universe
from finstrat.errors import ConfigError, DataError


def clock(start, end, **options):
    return Clock.build(
        "XNYS", Span(dt.date.fromisoformat(start), dt.date.fromisoformat(end)), **options
    )


def utc(*moments):
    return np.array(moments, dtype="datetime64[ns]")


def test_sessions_skip_weekends_and_holidays():
    # 2015-07-03 was the observed Independence Day, a Friday.
    sessions = clock("2015-07-01", "2015-07-07").sessions
    assert sessions.astype(str).tolist() == ["2015-07-01", "2015-07-02", "2015-07-06", "2015-07-07"]


def test_close_follows_daylight_saving_time():
    # New York moved its clocks on Sunday 2015-03-08; the close is 16:00 local.
    closes = clock("2015-03-06", "2015-03-09").close_at
    assert (closes == utc("2015-03-06T21:00", "2015-03-09T20:00")).all()


def test_half_day_closes_at_one():
    # The Friday after Thanksgiving, 13:00 in New York.
    assert (clock("2015-11-27", "2015-11-27").cutoff == utc("2015-11-27T18:00")).all()


def test_document_after_a_half_days_close_waits_for_the_next_session():
    days = clock("2015-11-27", "2015-11-30")
    assert days.first_session_to_know(utc("2015-11-27T17:59", "2015-11-27T19:00")).tolist() == [
        0,
        1,
    ]


def test_moment_exactly_at_the_cutoff_belongs_to_the_next_session():
    days = clock("2015-03-02", "2015-03-03")
    cutoff = days.cutoff[0]
    moments = np.array([cutoff - np.timedelta64(1, "ns"), cutoff])
    assert days.first_session_to_know(moments).tolist() == [0, 1]


def test_moment_after_the_last_cutoff_is_known_to_no_session():
    days = clock("2015-03-02", "2015-03-03")
    assert days.first_session_to_know(days.cutoff[-1:]).tolist() == [2]


def test_missing_moment_is_never_known():
    assert clock("2015-03-02", "2015-03-03").first_session_to_know(utc("NaT")).tolist() == [2]


def test_weekend_counts_on_monday():
    days = clock("2015-03-06", "2015-03-09")
    assert days.first_session_to_know(utc("2015-03-07T12:00", "2015-03-08T23:00")).tolist() == [
        1,
        1,
    ]


def test_latency_moves_the_cutoff_before_the_close():
    days = clock("2015-03-02", "2015-03-02", latency=dt.timedelta(minutes=10))
    assert days.close_at[0] - days.cutoff[0] == np.timedelta64(10, "m")


def test_negative_latency_is_refused():
    with pytest.raises(ConfigError, match="past the close"):
        clock("2015-03-02", "2015-03-02", latency=dt.timedelta(minutes=-1))


def test_unknown_calendar_names_the_nearest():
    with pytest.raises(ConfigError, match='did you mean "XNYS"'):
        Clock.build("XNYX", Span(dt.date(2015, 1, 1), dt.date(2015, 2, 1)))


def test_unknown_calendar_of_a_universe_is_a_config_error():
    with pytest.raises(ConfigError, match='no exchange calendar "XNYX"'):
        _ = Universe(calendar="XNYX").zone


def test_span_beyond_the_calendars_holidays_is_refused():
    with pytest.raises(DataError, match="XKRX"):
        Clock.build("XKRX", Span(dt.date(2015, 1, 1), dt.date(2080, 2, 1)))


def test_span_without_a_session_is_refused():
    with pytest.raises(DataError, match="no session"):
        clock("2015-03-07", "2015-03-08")


def test_span_ends_after_it_starts():
    with pytest.raises(ConfigError, match="lies after"):
        Span(dt.date(2015, 1, 2), dt.date(2015, 1, 1))


def test_periods_per_year_are_the_calendars_own():
    assert clock("2015-06-01", "2015-06-30").periods_per_year == 252
    always = Clock.build("24/7", Span(dt.date(2015, 6, 1), dt.date(2015, 6, 2)))
    assert always.periods_per_year == 365


def test_date_alone_ends_at_local_midnight_in_winter_and_summer():
    ends = Universe().end_of_day(pd.Series(pd.to_datetime(["2015-01-30", "2015-07-01"])))
    assert ends.tolist() == [
        pd.Timestamp("2015-01-31T05:00Z"),
        pd.Timestamp("2015-07-02T04:00Z"),
    ]


def test_date_alone_counts_from_the_next_session():
    days = clock("2015-03-02", "2015-03-04")
    end = Universe().end_of_day(pd.Series(pd.to_datetime(["2015-03-02"])))
    assert days.first_session_to_know(end.dt.tz_localize(None).to_numpy()).tolist() == [1]


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        # Monday 29 June to Tuesday 7 July 2015, without Friday the 3rd.
        ("daily", [True] * 6),
        ("weekly", [True, False, False, False, True, False]),
        ("monthly", [True, False, True, False, False, False]),
    ],
)
def test_period_starts_are_known_on_the_day(every, expected):
    assert clock("2015-06-29", "2015-07-07").starts_of(every).tolist() == expected


def test_slice_keeps_rows_together():
    days = clock("2015-03-02", "2015-03-06")
    part = days.slice(1, 3)
    assert len(part) == 2
    assert (part.cutoff == days.cutoff[1:3]).all()
    assert part.periods_per_year == days.periods_per_year
