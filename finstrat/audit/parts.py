"""Whether any source, signal or strategy of a run looks ahead, each examined by itself.

The same parts as in `finstrat plugins check`, on the run's own data and with the run's own options:
other futures, holes, later starts, other orders, files as they were. A run that ends earlier shows
none of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat.components import Signal
from finstrat.data import Span, Universe
from finstrat.validate.causality import Scoring, World, check_past, check_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from finstrat.audit.case import Case
    from finstrat.components import FactSource, MarketSource, Strategy, TextSource
    from finstrat.validate.causality import Report

    Source = MarketSource | TextSource | FactSource

SESSIONS = 250
"""The last sessions of a run on which a component is examined, beyond twice its warm-up: a year
holds every kind of day, and the run as a whole is ended early at dates of all its span."""


def examined(case: Case) -> Iterator[tuple[str, Report]]:
    """The causality of each component, by its key in the file, in the order of the pipeline."""
    plan, config = case.plan, case.plan.config
    universe = Universe(config.universe.assets, config.market.calendar, config.market.currency)
    span = Span(config.span.start, config.span.end)
    sources: dict[str, Source] = {
        "prices": plan.prices,
        **{f"documents.{name}": each for name, each in plan.documents.items()},
        **{f"facts.{name}": each for name, each in plan.facts.items()},
    }
    parts: dict[str, Signal | Strategy] = {
        **{f"signals.{name}": each for name, each in plan.signals.items()},
        "strategy": plan.strategy,
    }
    total = len(sources) + len(parts)
    for done, (key, source) in enumerate(sources.items()):
        case.progress("components", done, total)
        yield key, check_source(source, universe, span, seed=case.seed)
    world = _world(case)
    for done, (key, part) in enumerate(parts.items(), start=len(sources)):
        case.progress("components", done, total)
        warmup = part.warmup if isinstance(part, Signal) else 0
        start = max(0, len(world.clock) - SESSIONS - 2 * warmup)
        yield key, check_past(part, world.since(start), seconds=0.0, seed=case.seed)
    case.progress("components", total, total)


def _world(case: Case) -> World:
    """What the run hands to its components, as a world that can be changed."""
    market = case.market
    return World(
        panel=market.panel,
        clock=market.clock,
        documents=market.documents,
        facts=market.facts,
        features=case.features,
        score=Scoring(lambda name: case.plan.scorers[name], cache=case.cache),
        device=case.inputs.device,
        fill=case.plan.config.execution.fill,
    )
