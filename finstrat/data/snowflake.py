"""The moment that a post's id carries, and posts' stamps checked against it.

It knows the layout of Twitter's "snowflake" ids and nothing of a file or a source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.data.finding import Finding
from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

EPOCH_MS = 1_288_834_974_657
"""Milliseconds from 1970 to the ids' zero: `twepoch` in github.com/twitter-archive/snowflake."""

LAST_SEQUENTIAL_ID = 29_700_859_247
"""Ids up to this one, of 4 November 2010, were counted, not timed (TweetedAt, ODU WS-DL, 2019)."""

TOLERANCE = np.timedelta64(60, "s")
"""A stamp this far from its id's time is taken to be wrong: a zone, or a later edit."""

TRUNCATION = np.timedelta64(1, "s")
"""Stamps are cut to the whole second, so a post may be up to this much later than its stamp."""


def id_times(ids: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """When each id was issued, UTC `datetime64[ns]`, to the millisecond; NaT for a sequential id.

    A snowflake id holds, above 22 bits for machine and sequence, the milliseconds since `EPOCH_MS`.
    """
    milliseconds = (ids >> 22) + EPOCH_MS
    times = milliseconds.astype("datetime64[ms]").astype("datetime64[ns]")
    times[ids <= LAST_SEQUENTIAL_ID] = np.datetime64("NaT")
    return times


@dataclass(frozen=True, eq=False)
class PostTimes:
    """When posts were certainly out, `[D]` UTC `datetime64[ns]`, and what checking it showed."""

    known_at: NDArray[np.datetime64]
    findings: tuple[Finding, ...]


def post_times(stamps: NDArray[np.datetime64], ids: NDArray[np.int64], *, source: str) -> PostTimes:
    """The later of each stamp's whole second and its id's time, after comparing the two.

    The id's time alone counts where they disagree by more than `TOLERANCE`. `stamps` are UTC,
    `[D]`; so are the results.

    Raises:
        DataError: a stamp is missing, or most stamps disagree (a wrong zone, say) and some posts
            have no timed id to correct them by.
    """
    stamps = stamps.astype("datetime64[ns]")
    if np.isnat(stamps).any():
        row = int(np.argmax(np.isnat(stamps))) + 1
        raise DataError(f"{source}: row {row}: the post has no time")
    embedded = id_times(ids)
    timed = ~np.isnat(embedded)
    untimed = int((~timed).sum())
    if not timed.any():
        return PostTimes(stamps + TRUNCATION, _untested(untimed, source))
    difference = (stamps - embedded)[timed]
    wrong = np.zeros(len(stamps), dtype=bool)
    wrong[timed] = np.abs(difference) > TOLERANCE
    seconds = difference / np.timedelta64(1, "s")
    compared = (
        f"stamp less id's time: {seconds.min():.2f} to {seconds.max():.2f} s, "
        f"median {np.median(seconds):.2f} s; {untimed} posts without a timed id"
    )
    if untimed and wrong.sum() * 2 > timed.sum():
        raise DataError(
            f"{source}: most stamps disagree with their ids ({compared}), and those without can't "
            "be corrected; give the stamps in UTC"
        )
    known_at = np.where(wrong, embedded, np.fmax(stamps + TRUNCATION, embedded))
    findings = [Finding(source, "stamp checked against the id", int(timed.sum()), compared)]
    if wrong.any():
        detail = f"more than {TOLERANCE} apart; the id's time was taken"
        findings.append(
            Finding(source, "stamp at odds with the id", int(wrong.sum()), detail, "warning")
        )
    return PostTimes(known_at, tuple(findings))


def _untested(count: int, source: str) -> tuple[Finding, ...]:
    if not count:
        return ()
    detail = "no id carries a time; the stamps are taken on trust"
    return (Finding(source, "stamp not checked", count, detail, "warning"),)
