"""Whether a signal's or strategy's past stays what it was, whatever the future brings.

Every part runs the component on a changed world and compares the rows that must not change. What
no part can see: a leak inside the data themselves (check the source), state kept outside the
instance between calls, and a dependence that the data at hand never bring out.
"""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from finstrat.components import Signal, Strategy
from finstrat.errors import FinstratError, PluginError
from finstrat.validate.causality.cuts import cut_rows
from finstrat.validate.causality.futures import FUTURES
from finstrat.validate.causality.report import Change, Check, Report
from finstrat.validate.causality.scorers import scores_alone
from finstrat.validate.causality.subject import (
    NotRunError,
    Subject,
    fresh,
    outputs,
    rows,
    seeded,
    told,
)
from finstrat.validate.causality.world import Scoring, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from finstrat.validate.causality.subject import Outputs

    Changes = Iterator[Change | None]

CUTS = 16
"""Cuts that are always tried; more while time is left."""

FEW = 6
"""Rows or assets that the costlier parts try."""

HOLES = 0.02
"""The share of cells made unknown for the part "holes"."""

SPLIT = 0.25
"""A power of two: ratios of rescaled prices stay the same to the last bit."""


def check_past(
    component: Signal | Strategy, world: World, *, seconds: float = 10.0, seed: int = 0
) -> Report:
    """The causality of a signal or strategy, tried on `world`.

    Cuts are tried at `CUTS` sessions, chosen where a mistake would show, and then at as many of
    the others as `seconds` allow. The global random states are left as they were.
    """
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        seeded(0)
        checks = tuple(_checks(component, world, seconds=seconds, seed=seed))
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])
    return Report(component.kind, component.name, component.version, checks)


def _checks(
    component: Signal | Strategy, world: World, *, seconds: float, seed: int
) -> Iterator[Check]:
    asked: set[str] = set()

    def score(name: str, texts: Sequence[str]) -> torch.Tensor:
        asked.add(name)
        return world.score(name, texts)

    subject = Subject(component, replace(world, score=score), np.random.default_rng(seed))
    contract = _contract(subject)
    yield contract
    if contract.outcome == "failed" or not subject.ran:
        return
    cuts = cut_rows(world, _first_known(subject.base), subject.rng)
    if len(cuts) < FEW:
        yield Check("prefix", "inconclusive", f"{len(cuts)} sessions with a value; too few to cut")
        return
    few = cuts[:FEW]
    yield _tried("repeat", _repeats(subject), "run again, with other global random seeds")
    yield _prefix(subject, cuts, seconds=seconds)
    yield _tried("future", _futures(subject, few), "other futures after the same past")
    yield _tried("holes", _holes(subject, few), f"cut where {HOLES:.0%} of the cells are unknown")
    yield _start(subject)
    yield _tried("assets", _permutations(subject), "assets in another order")
    yield _tried("rescaling", _rescalings(subject), "one asset's adjusted history rescaled")
    if len(world.documents):
        yield _tried("documents", _ties(subject), "documents of one moment in another order")
    if isinstance(world.score, Scoring) and asked:
        scorers = [world.score.used[name] for name in sorted(asked)]
        yield scores_alone(scorers, world.documents.texts)


def _tried(name: str, trials: Iterable[Change | None], detail: str) -> Check:
    """The outcome of some comparisons, of which the first change ends it."""
    count = 0
    try:
        for change in trials:
            count += 1
            if change is not None:
                return Check(name, "failed", detail, count, change)
    except NotRunError as error:
        return Check(name, "inconclusive", f"{detail}: it raised {error}", count)
    return Check(name, "passed", f"{detail} ({count} tried)", count)


def _contract(subject: Subject) -> Check:
    """Whether it runs at all, gives what it declares, and gives something that can be compared."""
    name = "contract"
    try:
        base = subject.base
    except PluginError as error:
        return Check(name, "failed", str(error), 1)
    except FinstratError as error:
        return Check(name, "inconclusive", f"it can't run on these data: {error}", 1)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        return Check(name, "failed", f"it raised {told(error)}", 1)
    unknown = [output for output, values in base.items() if np.isnan(values).all()]
    if unknown:
        which = ", ".join(unknown)
        return Check(name, "inconclusive", f"{which}: unknown throughout on these data", 1)
    if all(np.nanmin(values) == np.nanmax(values) for values in base.values()):
        return Check(name, "inconclusive", "one value throughout on these data", 1)
    known = min(float(1 - np.isnan(values).mean()) for values in base.values())
    return Check(name, "passed", f"shape, dtype and device as declared; {known:.0%} known", 1)


def _repeats(subject: Subject) -> Changes:
    """Twice on one instance and once on another, under other global seeds."""
    exactly = subject.world.device.type == "cpu"
    instance = fresh(subject.component)
    for seed in (1, 2):
        seeded(seed)
        try:
            again = outputs(instance, subject.world)
        except Exception as error:
            raise NotRunError(told(error)) from error
        yield subject.first_change(
            subject.base,
            again,
            world=subject.world,
            changed_by="it ran again with other global random seeds",
            exactly=exactly,
        )
    seeded(0)


def _prefix(subject: Subject, cuts: Sequence[int], *, seconds: float) -> Check:
    """Cut at the first `CUTS`, then at more until the time is over."""
    end = time.monotonic() + seconds

    def in_time() -> Iterator[int]:
        for count, row in enumerate(cuts):
            if count >= CUTS and time.monotonic() > end:
                return
            yield row

    check = _tried("prefix", _cut(subject, subject.world, subject.base, in_time()), "cut")
    if check.outcome != "passed":
        return check
    return Check("prefix", "passed", f"cut at {check.tried} of {len(cuts)} sessions", check.tried)


def _cut(subject: Subject, world: World, base: Outputs, cuts: Iterable[int]) -> Changes:
    for row in cuts:
        part = world.until(row)
        yield subject.first_change(
            rows(base, 0, row + 1),
            subject.on(part),
            world=part,
            changed_by=f"the data ended with {world.clock.sessions[row]}",
        )


def _futures(subject: Subject, cuts: Iterable[int]) -> Changes:
    for row, (words, future) in itertools.product(cuts, FUTURES.items()):
        yield subject.first_change(
            rows(subject.base, 0, row + 1),
            rows(subject.on(future(subject.world, row, subject.rng)), 0, row + 1),
            world=subject.world,
            changed_by=f"{subject.world.clock.sessions[row]} was the same and {words}",
        )


def _holes(subject: Subject, cuts: Sequence[int]) -> Changes:
    """Cuts of the same world with holes in it, some of which begin at a cut."""
    shape = subject.world.panel.shape
    holes = subject.rng.random(shape) < HOLES
    for row in cuts:
        holes[max(0, row - 1) : row + 1, subject.rng.integers(shape[1])] = True
    world = subject.world.with_holes(holes)
    yield from _cut(subject, world, subject.on(world), cuts)


def _start(subject: Subject) -> Check:
    """Begin later: with finite memory, rows beyond the warm-up must not notice."""
    component, world = subject.component, subject.world
    if not isinstance(component, Signal) or component.memory == "expanding":
        why = (
            "declares expanding memory"
            if isinstance(component, Signal)
            else "a strategy declares none"
        )
        return Check("start", "not applicable", f"no finite memory to hold it to: {why}")
    last = len(world.clock) - component.warmup - 1
    if last < 1:
        needed = f"{component.warmup + 2} sessions needed, {len(world.clock)} there"
        return Check("start", "inconclusive", f"too few sessions for its warm-up: {needed}")
    starts = np.unique(subject.rng.integers(1, last + 1, FEW)).tolist()
    return _tried(
        "start",
        _later_starts(subject, component.warmup, starts),
        f"data that begin later, beyond a warm-up of {component.warmup} sessions",
    )


def _later_starts(subject: Subject, warmup: int, starts: Iterable[int]) -> Changes:
    for row in starts:
        part = subject.world.since(row)
        kept = part.since(warmup)
        change = subject.first_change(
            rows(subject.base, row + warmup),
            rows(subject.on(part), warmup),
            world=kept,
            changed_by=(
                f"the data began with {part.clock.sessions[0]}, {warmup} sessions of warm-up "
                "before the first that counts"
            ),
        )
        yield change


def _permutations(subject: Subject) -> Changes:
    count = len(subject.world.panel.assets)
    if count < 2:
        return
    for order in (np.arange(count)[::-1].copy(), subject.rng.permutation(count)):
        given = subject.on(subject.world.with_assets(order))
        back = np.argsort(order)
        yield subject.first_change(
            subject.base,
            {name: v[:, back] if v.ndim > 1 else v for name, v in given.items()},
            world=subject.world,
            changed_by="the assets came in another order",
        )


def _rescalings(subject: Subject) -> Changes:
    world = subject.world
    priced = np.flatnonzero((~np.isnan(world.panel.field("close"))).any(axis=0))
    for column in subject.rng.permutation(priced)[:FEW].tolist():
        yield subject.first_change(
            subject.base,
            subject.on(world.rescaled(column, SPLIT)),
            world=world,
            changed_by=(
                f"a later split multiplied all adjusted prices of {world.panel.assets[column]} "
                f"by {SPLIT}"
            ),
        )


def _ties(subject: Subject) -> Changes:
    yield subject.first_change(
        subject.base,
        subject.on(subject.world.with_ties_reversed()),
        world=subject.world,
        changed_by="documents of one moment came in another order",
    )


def _first_known(outputs: Outputs) -> int:
    """The first row in which any output has a known value; there is one."""
    known = [
        int(np.argmax((~np.isnan(values)).reshape(len(values), -1).any(axis=1)))
        for values in outputs.values()
        if not np.isnan(values).all()
    ]
    return min(known)
