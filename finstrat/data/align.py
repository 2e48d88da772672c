"""Where time is joined, and the only place: prices, documents and facts onto sessions.

Row t of everything made here uses nothing known at or after `cutoff(t)`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.data.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.data.clock import Clock
    from finstrat.data.documents import Documents
    from finstrat.data.facts import Facts
    from finstrat.data.panel import Panel


def panel_on_sessions(panel: Panel, clock: Clock) -> Panel:
    """`panel` with exactly the clock's sessions as rows.

    A price dated on no session is dropped and counted; a session without a row becomes NaN, is
    nobody's membership, and is counted.
    """
    known = np.isin(panel.times, clock.sessions)
    present = np.isin(clock.sessions, panel.times)
    findings = list(panel.findings)
    outside = (panel.times < clock.sessions[0]) | (panel.times > clock.sessions[-1])
    strays = ~known & ~outside
    if strays.any():
        first = panel.times[strays][0]
        findings.append(
            Finding(
                "prices",
                "row on no session",
                int(strays.sum()),
                f"dropped; {clock.calendar} was closed (first: {first})",
                "warning",
            )
        )
    if not present.all():
        first = clock.sessions[~present][0]
        findings.append(
            Finding(
                "prices",
                "session without a row",
                int((~present).sum()),
                f"kept as unknown (first: {first})",
                "warning",
            )
        )
    values = np.full((len(clock), len(panel.assets), len(panel.fields)), np.nan)
    values[present] = panel.values[known]
    member = np.zeros((len(clock), len(panel.assets)), dtype=bool)
    member[present] = panel.member[known]
    return replace(
        panel, times=clock.sessions, values=values, member=member, findings=tuple(findings)
    )


def document_sessions(documents: Documents, clock: Clock) -> NDArray[np.int64]:
    """The first session that may use each document, `[D]`; T where no session of the clock may."""
    return clock.first_session_to_know(documents.visible_at)


def document_assets(documents: Documents, assets: Sequence[str]) -> NDArray[np.int64]:
    """The column each document is about, `[D]`; -1 for the market or an asset not in `assets`."""
    column = {name: i for i, name in enumerate(assets)}
    named = documents.asset_codes
    # One place more at the end, where the code -1 finds the market.
    columns = np.array([*(column.get(name, -1) for name in named.names), -1], dtype=np.int64)
    return columns[named.codes]


def facts_as_of(
    facts: Facts, item: str, *, clock: Clock, assets: Sequence[str]
) -> NDArray[np.float64]:
    """The latest known value of one item, `[T, N]`; NaN before the first is known.

    "Latest" is by period first and by version second, among what `cutoff(t)` allows: an old
    period's restatement doesn't displace a newer period.
    """
    result = np.full((len(clock), len(assets)), np.nan)
    column = {name: i for i, name in enumerate(assets)}
    rows = facts.frame[(facts.frame["item"] == item) & facts.frame["asset"].isin(column)]
    known_at = rows["known_at"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    # A period can't be reported before it ends: count from the later of the two.
    period_end = rows["period_end"].to_numpy().astype("datetime64[ns]")
    session = clock.first_session_to_know(np.maximum(known_at, period_end))
    newest: dict[int, tuple[int, int]] = {}
    order = np.argsort(session, kind="stable")
    versions = rows["version"].to_numpy()
    values = rows["value"].to_numpy()
    columns = rows["asset"].map(column).to_numpy()
    for i in order:
        if session[i] == len(clock):
            break
        rank = (int(period_end[i].astype("int64")), int(versions[i]))
        if rank >= newest.get(columns[i], rank):
            newest[columns[i]] = rank
            result[session[i] :, columns[i]] = values[i]
    return result
