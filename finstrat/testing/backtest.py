"""The market of a backtest, as the causality check wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from finstrat.components import Signal
from finstrat.market import load_market
from finstrat.pipeline import pick_device
from finstrat.signals import compute_signals
from finstrat.testing.scoring import installed_scorer
from finstrat.validate.causality import Scoring, World

if TYPE_CHECKING:
    from finstrat.components import Component
    from finstrat.config import Plan
    from finstrat.host import Host
    from finstrat.signals import Progress
    from finstrat.text.cache import ScoreCache


def uses(plan: Plan, component: type[Component]) -> Component | None:
    """The component of this class in a plan, with the options it has there; None without one."""
    parts: list[Component | None] = [
        *(plan.prices, *plan.documents.values(), *plan.facts.values()),
        *(*plan.scorers.values(), *plan.signals.values(), plan.strategy),
    ]
    return next((part for part in parts if type(part) is component), None)


def backtest_world(
    plan: Plan,
    component: Component,
    *,
    host: Host,
    sessions: int,
    cache: ScoreCache | None = None,
    progress: Progress = lambda _step, _done, _total: None,
) -> World:
    """What a run of `plan` would hand to `component`, of the last sessions only.

    As many as `sessions` beyond twice the component's warm-up, where there are so many. Scorers are
    the plan's, and beside them any that `host` knows.

    Raises:
        FinstratError: as a run would.
    """
    progress("data", 0, 1)
    market = load_market(plan)
    progress("data", 1, 1)
    world = World(
        panel=market.panel,
        clock=market.clock,
        documents=market.documents,
        facts=market.facts,
        score=Scoring(
            lambda name: plan.scorers.get(name) or installed_scorer(host, name),
            cache=cache,
            progress=lambda done, total: progress("scoring", done, total),
        ),
        device=pick_device("cpu"),
        fill=plan.config.execution.fill,
    )
    warmup = component.warmup if isinstance(component, Signal) else 0
    world = world.since(max(0, len(world.clock) - sessions - 2 * warmup))
    needs = component.needs if isinstance(component, Signal) else ("every.signal",)
    if any("." in need for need in needs):
        others = {name: each for name, each in plan.signals.items() if each is not component}
        world = replace(
            world, features=compute_signals(replace(plan, signals=others), world.inputs())
        )
    return world
