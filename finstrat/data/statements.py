"""The newest statement known at each session, items side by side, and those of the years before.

It joins facts to sessions as `align` does, but keeps the items of one year or quarter together: a
balance sheet of March isn't set against the earnings of December. It computes no ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.data.items import BY_NAME, SPANS
from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.data.clock import Clock
    from finstrat.data.facts import Facts

    Floats = NDArray[np.float64]
    Book = Mapping[int, Mapping[str, float]]
    """Items by the last day of their period, counted from 1970."""

YEARLY = "_year"
"""The ending of an item that is counted over a year; such an item says where years end."""

_YEAR_BEFORE = (345, 385)
"""Days back from one year's end to the last's: 52- and 53-week years fit."""

_LONGER = (("year", "nine_months"), ("nine_months", "half"), ("half", "quarter"))
"""A quarter that isn't reported by itself is the first less the second."""


@dataclass(frozen=True, eq=False)
class Years:
    """What was known of the newest year at each session; NaN where an item wasn't.

    Attributes:
        now: each item `[T, N]` of that year, or at its end.
        before: the same of the year before.
        earlier: the same of the year before that.
        ended: the year's last day `[T, N]`, `datetime64[D]`; NaT where no year is known.
    """

    now: dict[str, Floats]
    before: dict[str, Floats]
    earlier: dict[str, Floats]
    ended: NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Quarters:
    """What was known of the newest quarter at each session; NaN where an item wasn't.

    Attributes:
        now: each flow `[T, N]` of that quarter.
        before: the same of the same quarter a year before.
        ended: the quarter's last day `[T, N]`, `datetime64[D]`; NaT where no quarter is known.
    """

    now: dict[str, Floats]
    before: dict[str, Floats]
    ended: NDArray[np.datetime64]


def years_as_of(
    facts: Facts, items: Sequence[str], *, clock: Clock, assets: Sequence[str]
) -> Years:
    """The newest year that each session knows of, by the items that end in "_year".

    A year counts from the session that knows any such item of it; its other items follow as they
    become known, and a restatement displaces what it restates. Row t uses nothing known at or
    after cutoff t.

    Raises:
        DataError: none of the items is counted over a year.
    """
    if not any(item.endswith(YEARLY) for item in items):
        raise DataError(
            f"no item of {', '.join(items)} ends in {YEARLY}: none says where years end"
        )
    now, before, earlier = (_unknown(items, clock, assets) for _ in range(3))
    ended = np.full((len(clock), len(assets)), np.datetime64("NaT"), dtype="datetime64[D]")
    for column, session, book in _books(facts, items, clock=clock, assets=assets):
        years = {day for day, told in book.items() if any(name.endswith(YEARLY) for name in told)}
        if not years:
            continue
        newest = max(years)
        last = _year_before(years, newest)
        ended[session:, column] = np.datetime64(newest, "D")
        for day, into in (
            (newest, now),
            (last, before),
            (None if last is None else _year_before(years, last), earlier),
        ):
            told = {} if day is None else book[day]
            for item in items:
                into[item][session:, column] = told.get(item, np.nan)
    return Years(now, before, earlier, ended)


def quarters_as_of(
    facts: Facts, flows: Sequence[str], *, clock: Clock, assets: Sequence[str]
) -> Quarters:
    """The newest quarter that each session knows any of the flows of, like "revenue".

    A quarter that isn't reported by itself, as the fourth never is, is what the longer span has
    beyond the one that ends a quarter earlier. Row t uses nothing known at or after cutoff t.

    Raises:
        DataError: one of `flows` is no flow of money, of which alone a difference has a meaning.
    """
    for name in flows:
        if name not in BY_NAME or BY_NAME[name].kind != "flow" or BY_NAME[name].unit != "money":
            raise DataError(f'"{name}" is no flow of money; known are those in docs/data.md')
    now, before = (_unknown(flows, clock, assets) for _ in range(2))
    ended = np.full((len(clock), len(assets)), np.datetime64("NaT"), dtype="datetime64[D]")
    items = [f"{name}_{span}" for name in flows for span in SPANS]
    for column, session, book in _books(facts, items, clock=clock, assets=assets):
        told = {day: {name: _quarter(book, day, name) for name in flows} for day in book}
        known = {day for day, values in told.items() if not all(map(np.isnan, values.values()))}
        if not known:
            continue
        newest = max(known)
        last = _year_before(known, newest)
        ended[session:, column] = np.datetime64(newest, "D")
        for name in flows:
            now[name][session:, column] = told[newest][name]
            before[name][session:, column] = np.nan if last is None else told[last][name]
    return Quarters(now, before, ended)


def _quarter(book: Book, day: int, name: str) -> float:
    """A flow over the quarter that ends on a day; NaN where it can't be known."""
    told = book[day]
    if f"{name}_quarter" in told:
        return told[f"{name}_quarter"]
    least, most = SPANS["quarter"]
    for whole, part in _LONGER:
        if f"{name}_{whole}" not in told:
            continue
        for other, earlier in book.items():
            if least <= day - other <= most and f"{name}_{part}" in earlier:
                return told[f"{name}_{whole}"] - earlier[f"{name}_{part}"]
    return float("nan")


def _unknown(items: Sequence[str], clock: Clock, assets: Sequence[str]) -> dict[str, Floats]:
    return {item: np.full((len(clock), len(assets)), np.nan) for item in items}


def _year_before(days: set[int], day: int) -> int | None:
    """The one of `days` that lies a year before `day`, or None."""
    least, most = _YEAR_BEFORE
    return max((each for each in days if least <= day - each <= most), default=None)


def _books(
    facts: Facts, items: Sequence[str], *, clock: Clock, assets: Sequence[str]
) -> Iterator[tuple[int, int, Book]]:
    """Column, session, and all that the session knows of the asset, wherever that changes."""
    rows = facts.frame[facts.frame["item"].isin(items)]
    known_at = rows["known_at"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    period_end = rows["period_end"].to_numpy().astype("datetime64[ns]")
    # As in `facts_as_of`: a period can't be reported before it ends.
    rows = rows.assign(
        session=clock.first_session_to_know(np.maximum(known_at, period_end)),
        day=period_end.astype("datetime64[D]").astype(np.int64),
    )
    rows = rows[rows["session"] < len(clock)].sort_values(["session", "version"], kind="stable")
    of_asset = dict(iter(rows.groupby("asset", sort=False)))
    for column, asset in enumerate(assets):
        if asset not in of_asset:
            continue
        book: dict[int, dict[str, float]] = {}
        for told in (part for _, part in of_asset[asset].groupby("session", sort=True)):
            for item, value, day in zip(told["item"], told["value"], told["day"], strict=True):
                book.setdefault(day, {})[item] = value
            yield column, int(told["session"].iloc[0]), book
