"""The newest yearly statement known at each session, items side by side, and the year before's.

It joins facts to sessions as `align` does, but keeps the items of one year together: a balance
sheet of March isn't set against the earnings of December. It computes no ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.data.clock import Clock
    from finstrat.data.facts import Facts

    Floats = NDArray[np.float64]

YEARLY = "_year"
"""The ending of an item that is counted over a year; such an item says where years end."""

_YEAR_BEFORE = (345, 385)
"""Days back from one year's end to the last's: 52- and 53-week years fit."""


@dataclass(frozen=True, eq=False)
class Years:
    """What was known of the newest year at each session; NaN where an item wasn't.

    Attributes:
        now: each item `[T, N]` of that year, or at its end.
        before: the same of the year before.
        ended: the year's last day `[T, N]`, `datetime64[D]`; NaT where no year is known.
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
    shape = (len(clock), len(assets))
    now = {item: np.full(shape, np.nan) for item in items}
    before = {item: np.full(shape, np.nan) for item in items}
    ended = np.full(shape, np.datetime64("NaT"), dtype="datetime64[D]")
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
        years: set[int] = set()
        for told in (part for _, part in of_asset[asset].groupby("session", sort=True)):
            for item, value, day in zip(told["item"], told["value"], told["day"], strict=True):
                book.setdefault(day, {})[item] = value
                if item.endswith(YEARLY):
                    years.add(day)
            if not years:
                continue
            newest = max(years)
            past = [day for day in years if _YEAR_BEFORE[0] <= newest - day <= _YEAR_BEFORE[1]]
            last = book[max(past)] if past else {}
            after = slice(int(told["session"].iloc[0]), None)
            ended[after, column] = np.datetime64(newest, "D")
            for item in items:
                now[item][after, column] = book[newest].get(item, np.nan)
                before[item][after, column] = last.get(item, np.nan)
    return Years(now, before, ended)
