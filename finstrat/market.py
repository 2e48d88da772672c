"""Everything a run may see, loaded once and put on one clock.

Prices, documents and facts of the evaluated span, and of the warm-up before it. What the sources
lacked or had too much of is counted here; nothing is computed from it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.data import Clock, Documents, Facts, Finding, Panel, Span, Universe, align, quality
from finstrat.errors import DataError
from finstrat.faults import told_of
from finstrat.holdout import Lock
from finstrat.signals import lead_sessions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.config import Plan
    from finstrat.holdout import Look


@dataclass(frozen=True, eq=False)
class Market:
    """Everything a run may see, on one clock; rows before `first` are warm-up only.

    `looks` are those at opened holdouts that loading it took.
    """

    clock: Clock
    panel: Panel
    documents: Documents
    facts: Facts
    first: int
    findings: tuple[Finding, ...]
    digests: dict[str, str]
    looks: tuple[Look, ...] = ()


def load_market(plan: Plan) -> Market:
    """Prices, documents and facts of the evaluated span and of the warm-up before it.

    Raises:
        DataError: there is no price in the span, a currency is not the market's, or a locked
            holdout lies in what would be loaded.
    """
    config = plan.config
    universe = Universe(config.universe.assets, config.market.calendar, config.market.currency)
    latency = dt.timedelta(minutes=config.market.latency_minutes)
    lead = lead_sessions(plan)
    # Sessions come at most 5 in 7 days; ten days more cover holidays at the edge.
    lead_days = dt.timedelta(days=0 if lead == 0 else lead * 8 // 5 + 10)
    wide = Span(config.span.start - lead_days, config.span.end)
    clock = Clock.build(config.market.calendar, wide, latency=latency)
    first = int(np.searchsorted(clock.sessions, np.datetime64(config.span.start, "D")))
    clock = clock.slice(max(0, first - lead), len(clock))
    loaded_from = Span(clock.sessions[0].astype(dt.date), config.span.end)
    looks = Lock(plan.root).admit([plan], loaded_from.start)

    with told_of(plan, "prices"):
        panel = plan.prices.load(universe, loaded_from)
    if universe.assets is not None:
        panel = panel.select(universe.assets)
    if panel.currency != universe.currency:
        raise DataError(
            f'prices: source "{plan.prices.name}" is in {panel.currency}, market.currency is '
            f"{universe.currency}; one run has one currency"
        )
    priced = panel.times[panel.member.any(axis=1)]
    if not np.isin(priced, clock.sessions).any():
        raise DataError(
            f'prices: source "{plan.prices.name}" has no price between {config.span.start} and '
            f"{config.span.end}"
        )
    # Before its first price and after its last, a source is silent, not full of holes.
    start, stop = np.searchsorted(clock.sessions, [priced[0], priced[-1] + 1])
    findings = list(_span_findings(plan, priced))
    clock = clock.slice(int(start), int(stop))
    panel = align.panel_on_sessions(panel, clock)
    first = int(np.searchsorted(clock.sessions, np.datetime64(config.span.start, "D")))
    if first >= len(clock):
        raise DataError(f"prices: no session with prices from {config.span.start} on")

    documents = _joined_documents(plan, universe, loaded_from)
    facts = _joined_facts(plan, universe, loaded_from)
    findings += [
        *panel.findings,
        *quality.panel_findings(panel, source=plan.prices.name),
        *documents.findings,
        *facts.findings,
    ]
    digests = {"prices": panel.digest(), "documents": documents.digest(), "facts": facts.digest()}
    return Market(clock, panel, documents, facts, first, tuple(findings), digests, tuple(looks))


def _joined_documents(plan: Plan, universe: Universe, span: Span) -> Documents:
    """The documents of every text source together, their ids led by the source's name."""
    parts = {}
    for name, source in plan.documents.items():
        with told_of(plan, f"documents.{name}"):
            parts[name] = _known_by(source.load(universe, span), span.end)
    if not parts:
        return Documents.empty()
    findings = [
        finding
        for name, part in parts.items()
        for finding in (*part.findings, *quality.document_findings(part, source=name))
    ]
    if len(parts) == 1:
        return replace(next(iter(parts.values())), findings=tuple(findings))
    frames = []
    for name, part in parts.items():
        frame = part.frame()
        frames.append(frame.assign(id=name + "/" + frame["id"]))
    return Documents.from_frame(
        pd.concat(frames, ignore_index=True), where="documents", findings=tuple(findings)
    )


def _known_by(documents: Documents, end: dt.date) -> Documents:
    """The documents known by the day `end`, in UTC; a source may hand out more than it is asked."""
    late = documents.known_at.astype("datetime64[D]") > np.datetime64(end)
    return documents.take(~late) if late.any() else documents


def _joined_facts(plan: Plan, universe: Universe, span: Span) -> Facts:
    """The facts of every fact source together."""
    parts = []
    for name, source in plan.facts.items():
        with told_of(plan, f"facts.{name}"):
            parts.append(source.load(universe, span))
    if not parts:
        return Facts.empty()
    findings = tuple(finding for part in parts for finding in part.findings)
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    return Facts.from_frame(frame, where="facts", findings=findings)


def _span_findings(plan: Plan, priced: NDArray[np.datetime64]) -> list[Finding]:
    """Whether prices cover the evaluated span at all."""
    span = plan.config.span
    begin, end = priced[0].astype(dt.date), priced[-1].astype(dt.date)
    found = []
    # A week covers weekends and holidays at either end.
    if begin > span.start + dt.timedelta(days=7):
        detail = f"prices begin on {begin}; the run starts there"
        found.append(Finding(plan.prices.name, "late start", 1, detail, "warning"))
    if end < span.end - dt.timedelta(days=7):
        detail = f"prices end on {end}; the run ends there"
        found.append(Finding(plan.prices.name, "early end", 1, detail, "warning"))
    return found
