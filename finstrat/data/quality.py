"""What was wrong with the data, counted.

A `Finding` travels with the data it is about (`panel.findings`, `documents.findings`) into the
run's manifest and report, so that nothing is ever dropped in silence. This module judges data;
it doesn't repair it, and it knows nothing of sessions beyond the panel's own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from finstrat.data.coverage import coverage_findings, survivors
from finstrat.data.finding import Finding, Severity
from finstrat.data.stamps import stamp_findings

if TYPE_CHECKING:
    from finstrat.data.documents import Documents
    from finstrat.data.panel import Panel

JUMP = 0.5
"""An absolute one-session return above this is listed: a split missed more often than a move."""

STALE_SESSIONS = 10
"""As many unchanged closes in a row are listed as a stale price."""


def panel_findings(panel: Panel, *, source: str) -> tuple[Finding, ...]:
    """Counts of missing, jumping, stale and inconsistent prices, and whether all assets survive."""
    found: list[Finding] = []

    def note(check: str, cells: np.ndarray, detail: str, severity: Severity = "warning") -> None:
        """Record how many cells failed, and in which assets."""
        if not cells.any():
            return
        worst = [panel.assets[i] for i in np.argsort(-cells.sum(axis=0))[:3] if cells[:, i].any()]
        found.append(
            Finding(
                source, check, int(cells.sum()), f"{detail} (most: {', '.join(worst)})", severity
            )
        )

    close = panel.adjusted("close")
    note("member without a price", panel.member & np.isnan(close), "kept as unknown")
    with np.errstate(invalid="ignore", divide="ignore"):
        jump = np.zeros_like(panel.member)
        jump[1:] = np.abs(close[1:] / close[:-1] - 1.0) > JUMP
    note("one-session move above 50 %", jump, "kept; check for a missed split")
    stale = np.zeros_like(panel.member)
    if len(close) > STALE_SESSIONS:
        same = close[1:] == close[:-1]
        runs = np.lib.stride_tricks.sliding_window_view(same, STALE_SESSIONS, axis=0).all(axis=-1)
        stale[STALE_SESSIONS:] = runs
    note(f"close unchanged for {STALE_SESSIONS} sessions", stale, "kept")
    if {"open", "high", "low"} <= set(panel.fields):
        low, high = panel.field("low"), panel.field("high")
        tolerance = 1e-9 * np.abs(high)
        outside = np.zeros_like(panel.member)
        for name in ("open", "close"):
            price = panel.field(name)
            outside |= (price > high + tolerance) | (price < low - tolerance)
        note("open or close outside low–high", outside, "kept")
    alive = survivors(panel, source=source)
    return (*found, alive) if alive else tuple(found)


def document_findings(documents: Documents, *, source: str) -> tuple[Finding, ...]:
    """Counts of empty and repeated texts, and of stamps that look filled in afterwards."""
    found: list[Finding] = []
    texts = documents.texts
    empty = sum(not text.strip() for text in texts)
    if empty:
        found.append(Finding(source, "empty text", empty, "kept; scores are unknown", "warning"))
    repeated = sum(count - 1 for count in Counter(texts).values())
    if repeated:
        found.append(Finding(source, "repeated text", repeated, "kept; each text is scored once"))
    found += stamp_findings(documents, source=source)
    found += coverage_findings(documents, source=source)
    return tuple(found)
