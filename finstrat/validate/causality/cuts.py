"""Which sessions to cut at: those where a mistake would show come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.validate.causality.world import World

EACH = 3
"""Sessions taken for each reason before any is taken at random."""


def cut_rows(world: World, first: int, rng: np.random.Generator) -> list[int]:
    """Every row from `first` to the last but one, in the order in which to try them.

    Up to `EACH` for every reason in turn, then all the rest at random: sessions on whose date a
    document came after the cutoff; sessions between a period's end and its report; the last before
    a membership or the presence of a price changes; the last but one of all.
    """
    last = len(world.clock) - 2
    if last < first:
        return []
    order = [last]
    for reason in _reasons(world):
        rows = np.unique(reason[(reason >= first) & (reason <= last)])
        order += rng.permutation(rows)[:EACH].tolist()
    order += rng.permutation(np.arange(first, last + 1)).tolist()
    return list(dict.fromkeys(order))


def _reasons(world: World) -> list[NDArray[np.int64]]:
    """Rows after which something happens that a wrong date would bring forward."""
    clock = world.clock
    dates = world.documents.known_at.astype("datetime64[D]")
    known_from = clock.first_session_to_know(world.document_moments())
    # The latest session on or before the document's date, where that session may not use it.
    same_day = np.searchsorted(clock.sessions, dates, side="right") - 1
    late = same_day[(same_day >= 0) & (same_day < known_from)]

    frame = world.facts.frame
    ended = frame["period_end"].to_numpy().astype("datetime64[D]")
    reported = clock.first_session_to_know(world.fact_moments())
    pending = reported[np.searchsorted(clock.sessions, ended) < reported] - 1

    member = world.panel.member
    joins = np.flatnonzero((member[1:] != member[:-1]).any(axis=1))
    present = ~np.isnan(world.panel.field("close"))
    appears = np.flatnonzero((present[1:] != present[:-1]).any(axis=1))
    return [late, pending, joins, appears]
