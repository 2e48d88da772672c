"""When a session opens, closes, and stops accepting information.

The clock is built from a real exchange calendar (half-days too). It knows nothing of prices or
documents: `align` asks it, for a moment in UTC, which session may know of it first.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import exchange_calendars as xc
import numpy as np
import pandas as pd

from finstrat.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

Every = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]


@dataclass(frozen=True)
class Span:
    """A closed range of dates, as a backtest file states it."""

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise ConfigError(f"span: start {self.start} lies after end {self.end}")


@dataclass(frozen=True)
class Universe:
    """What a source is asked for: which assets, on which exchange, in which currency.

    `assets=None` asks for all the source has.
    """

    assets: tuple[str, ...] | None = None
    calendar: str = "XNYS"
    currency: str = "USD"

    @property
    def zone(self) -> ZoneInfo:
        """The exchange's time zone."""
        return _zone(self.calendar)

    def end_of_day(self, dates: pd.Series) -> pd.Series:
        """When a date without a time of day becomes known: that day's end in the exchange's zone.

        `dates` are naive; the result is UTC. Row i is the first instant of the following day, so
        such a document counts from the next session.
        """
        midnight = pd.to_datetime(dates).dt.normalize() + pd.Timedelta(days=1)
        local = midnight.dt.tz_localize(self.zone, nonexistent="shift_forward", ambiguous=False)
        return local.dt.tz_convert("UTC").astype("datetime64[ns, UTC]")


@dataclass(frozen=True, eq=False)
class Clock:
    """The sessions of a run; every array is `[T]`, times are UTC `datetime64[ns]`.

    `cutoff[t]` is the moment after which nothing counts for the decision of session t: the
    session's actual close less the declared latency.
    """

    calendar: str
    sessions: NDArray[np.datetime64]
    open_at: NDArray[np.datetime64]
    close_at: NDArray[np.datetime64]
    cutoff: NDArray[np.datetime64]
    periods_per_year: float

    @classmethod
    def build(cls, calendar: str, span: Span, *, latency: dt.timedelta = dt.timedelta(0)) -> Clock:
        """The sessions of an exchange within `span`.

        `latency` is how long before the close a text must be known to be acted upon.
        `periods_per_year` is the average number of sessions in the calendar years `span` touches.
        """
        if calendar not in xc.get_calendar_names(include_aliases=True):
            hint = did_you_mean(calendar, xc.get_calendar_names())
            raise ConfigError(f'market.calendar: no exchange calendar "{calendar}"{hint}')
        if latency < dt.timedelta(0):
            raise ConfigError("market.latency: a negative latency would look past the close")
        # The calendar's own bounds must hold whole years, for the count of sessions a year.
        whole_start = pd.Timestamp(span.start.year, 1, 1)
        whole_end = pd.Timestamp(span.end.year, 12, 31)
        try:
            exchange = xc.get_calendar(calendar, start=whole_start, end=whole_end)
        except ValueError as error:
            raise DataError(f"market.calendar: {error}") from None
        years = span.end.year - span.start.year + 1
        inside = exchange.sessions[
            (exchange.sessions >= pd.Timestamp(span.start))
            & (exchange.sessions <= pd.Timestamp(span.end))
        ]
        if inside.empty:
            raise DataError(f"no session of {calendar} lies between {span.start} and {span.end}")
        schedule = exchange.schedule.loc[inside]
        close_at = _utc_ns(schedule["close"])
        return cls(
            calendar=calendar,
            sessions=inside.to_numpy().astype("datetime64[D]"),
            open_at=_utc_ns(schedule["open"]),
            close_at=close_at,
            cutoff=close_at - np.timedelta64(latency),
            periods_per_year=len(exchange.sessions) / years,
        )

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def zone(self) -> ZoneInfo:
        """The exchange's time zone."""
        return _zone(self.calendar)

    def slice(self, start: int, stop: int) -> Clock:
        """The same clock over the sessions `start:stop`."""
        rows = slice(start, stop)
        return Clock(
            calendar=self.calendar,
            sessions=self.sessions[rows],
            open_at=self.open_at[rows],
            close_at=self.close_at[rows],
            cutoff=self.cutoff[rows],
            periods_per_year=self.periods_per_year,
        )

    def first_session_to_know(self, known_at: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """For each moment, the first session t with `known_at < cutoff(t)`; T where there is none.

        Exactly at the cutoff is not yet visible. A missing moment (NaT) is never known: T.
        """
        moments = known_at.astype("datetime64[ns]")
        rows = np.searchsorted(self.cutoff, moments, side="right").astype(np.int64)
        rows[np.isnat(moments)] = len(self)
        return rows

    def starts_of(self, every: Every) -> NDArray[np.bool_]:
        """True on the first session of each such period, and on the first session of all.

        The first rather than the last session of a period, because only that is known without
        looking at the sessions to come.
        """
        if every == "daily":
            return np.ones(len(self), dtype=bool)
        if every == "weekly":
            # ISO weeks begin on a Monday; 1970-01-01 was a Thursday.
            period = (self.sessions.astype("int64") + 3) // 7
        else:
            months = {"monthly": 1, "quarterly": 3, "yearly": 12}[every]
            period = self.sessions.astype("datetime64[M]").astype("int64") // months
        first = np.ones(len(self), dtype=bool)
        first[1:] = period[1:] != period[:-1]
        return first


@functools.cache
def _zone(calendar: str) -> ZoneInfo:
    """The time zone of an exchange; cached, since the whole calendar is built to learn it."""
    try:
        return ZoneInfo(str(xc.get_calendar(calendar).tz))
    except xc.errors.InvalidCalendarName:
        hint = did_you_mean(calendar, xc.get_calendar_names())
        raise ConfigError(f'market.calendar: no exchange calendar "{calendar}"{hint}') from None


def _utc_ns(moments: pd.Series) -> NDArray[np.datetime64]:
    """A column of UTC moments as naive `datetime64[ns]`."""
    naive = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(naive, dtype="datetime64[ns]")
