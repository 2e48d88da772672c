"""Stamps that look made up: filled in afterwards, too round, or older than what they stamp.

A wrong stamp is the one leak that no run shows, since it is the same in every version of the data.
Here it can only be suspected: each doubt is a warning with a count, the first example, and what it
may mean. Nothing is corrected and nothing is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.data.finding import Finding
from finstrat.data.snowflake import LAST_SEQUENTIAL_ID, id_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.data.documents import Documents

LATE = np.timedelta64(7, "D")
"""Public later than this after the event: news and posts take seconds, filings days."""

AT_ONCE, AT_ONCE_SHARE = 20, 0.10
"""As many documents, and this share of all, at one moment to the nanosecond: a load, not news. A
year of dates alone gives each day 0.4 %; of 79,859 tweets at most nine share a second."""

MIDNIGHTS, MIDNIGHT_SHARE = 10, 0.10
"""As many documents, and this share of all, at 00:00:00 UTC: stamps cut to the hour fall there one
time in 24, true ones one time in 86,400."""

LIKE_IDS = np.timedelta64(1, "D")
"""Whole numbers as ids are taken to embed times where most of those lie this near their stamps: by
chance no other numbering does."""

AFTER_ID = np.timedelta64(60, "s")
"""A stamp this much before its id was issued is wrong; clocks differ by seconds."""

MEANINGS = {
    "late stamp": (
        "known more than 7 days after the event: filled in later by the vendor, or a slow source"
    ),
    "known before the event": "stamped as known before the event; counted from the event",
    "one stamp for many": (
        "known at the very same moment: loaded at once, which says nothing of when each could "
        "first be read"
    ),
    "date passing as a time": (
        "stamped 00:00:00 UTC: likely dates alone, which then count up to a day too early; give a "
        "date as a date, and it counts from its end"
    ),
    "id newer than its stamp": (
        "stamped more than a minute before its id was issued: a wrong zone, or dated back"
    ),
}
"""What each doubt may mean."""


def stamp_findings(documents: Documents, *, source: str) -> tuple[Finding, ...]:
    """Warnings about `known_at`, each with its first example."""
    known_at, event_at = documents.known_at, documents.event_at
    midnight = known_at == known_at.astype("datetime64[D]")
    # A correction is later than the event by its nature.
    late = (documents.table.column("version").to_numpy() == 1) & (known_at - event_at > LATE)
    doubts = {
        "late stamp": late,
        "known before the event": known_at < event_at,
        "one stamp for many": _many(known_at == _most_common(known_at), AT_ONCE, AT_ONCE_SHARE),
        "date passing as a time": _many(midnight, MIDNIGHTS, MIDNIGHT_SHARE),
        "id newer than its stamp": _issued(documents) > known_at + AFTER_ID,
    }
    return tuple(
        Finding(
            source,
            check,
            int(cells.sum()),
            f"{MEANINGS[check]}; first: {_example(documents, cells)}",
            "warning",
        )
        for check, cells in doubts.items()
        if cells.any()
    )


def _many(cells: NDArray[np.bool_], fewest: int, share: float) -> NDArray[np.bool_]:
    """`cells` where they are enough to mean anything, else none."""
    count = int(cells.sum())
    return cells if count >= fewest and count >= share * len(cells) else np.zeros_like(cells)


def _most_common(moments: NDArray[np.datetime64]) -> np.datetime64:
    """The moment that most share, the earliest of several; NaT where there is none."""
    if not len(moments):
        return np.datetime64("NaT")
    distinct, counts = np.unique(moments, return_counts=True)
    found: np.datetime64 = distinct[counts.argmax()]
    return found


def _issued(documents: Documents) -> NDArray[np.datetime64]:
    """When each id was issued, `[D]`; NaT throughout where ids don't embed times."""
    issued = np.full(len(documents), np.datetime64("NaT"), dtype="datetime64[ns]")
    numbers = np.array([int(each) if _is_long_number(each) else 0 for each in documents.ids])
    timed = numbers > LAST_SEQUENTIAL_ID
    if not timed.any():
        return issued
    issued[timed] = id_times(numbers.astype(np.int64))[timed]
    near = np.abs(issued[timed] - documents.known_at[timed]) < LIKE_IDS
    return issued if near.mean() > 0.5 else np.full_like(issued, np.datetime64("NaT"))


def _is_long_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _example(documents: Documents, cells: NDArray[np.bool_]) -> str:
    row = int(np.argmax(cells))
    both = documents.known_at[row], documents.event_at[row]
    known, event = (np.datetime_as_string(each, unit="s") for each in both)
    told = f"{documents.ids[row]}, known {known}Z"
    return told if known == event else f"{told}, event {event}Z"
