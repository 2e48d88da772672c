"""A signal or strategy under examination: run on worlds, its outputs compared.

It decides what counts as a change. It doesn't know which worlds are worth trying.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from finstrat.components import Component, Signal, Strategy
from finstrat.portfolio.decision import checked
from finstrat.validate.causality.report import Change
from finstrat.validate.output import checked_output

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.components import Decision
    from finstrat.validate.causality.world import World

C = TypeVar("C", bound=Component)

RELATIVE = 1e-9
"""What a value may move, as a fraction of itself or of its output's median size.

A cut changes the shapes of arrays, so sums and matrix products may be split up another way and
round another way: about 1e-16 an operation, 1e-12 after a year of running sums. A leak below 1e-9
of the value moves no order. Where nothing about the computation changes, equality is exact.
"""

Outputs = Mapping[str, "NDArray[np.float64]"]
"""By name, `[T, N]` or `[T]`; NaN = unknown."""


class NotRunError(Exception):
    """The component raised on a world; the message says what."""


def fresh(component: C) -> C:
    """A new instance with the same options, so that nothing is remembered from another world."""
    return type(component)(component.config)


def seeded(seed: int) -> None:
    """Set every global random state."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is examined
    torch.manual_seed(seed)


def told(error: BaseException) -> str:
    """An error in its own words, and the last line of code that isn't finstrat's or a library's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    at = f" ({own[-1].filename.rpartition('/')[2]}:{own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{at}"


@dataclass(frozen=True)
class Subject:
    """A component, and what it gives on the world as it is."""

    component: Signal | Strategy
    world: World
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def on(self, world: World) -> Outputs:
        """What a new instance gives on `world`.

        Raises:
            NotRunError: it raised.
        """
        component = fresh(self.component)
        try:
            return outputs(component, world)
        except Exception as error:
            raise NotRunError(told(error)) from error

    @cached_property
    def base(self) -> Outputs:
        """What it gives on the world as it is."""
        return outputs(fresh(self.component), self.world)

    @property
    def ran(self) -> bool:
        """Whether the world as it is gave values that can be compared at all."""
        try:
            base = self.base
        except Exception:  # noqa: BLE001 - a plugin may raise anything
            return False
        return any(not np.isnan(values).all() for values in base.values())

    @cached_property
    def sizes(self) -> dict[str, float]:
        """The median size of each output's known values that aren't zero; 0 where there is none."""
        result = {}
        for name, values in self.base.items():
            size = np.abs(values[~np.isnan(values) & (values != 0.0)])
            result[name] = float(np.median(size)) if size.size else 0.0
        return result

    def first_change(
        self,
        before: Outputs,
        after: Outputs,
        *,
        world: World,
        changed_by: str,
        exactly: bool = False,
    ) -> Change | None:
        """The earliest value of `before` that isn't the same in `after`; both on `world`'s rows."""
        found: list[tuple[int, str, int | None]] = []
        if set(before) != set(after):
            name = min(set(before) ^ set(after))
            given = "given" if name in before else "not given"
            other = "not given" if name in before else "given"
            return Change(changed_by, name, str(world.clock.sessions[0]), None, given, other)
        for name, old in before.items():
            new = after[name]
            relative = 0.0 if exactly else RELATIVE
            allowed = relative * (np.maximum(np.abs(old), np.abs(new)) + self.sizes[name])
            with np.errstate(invalid="ignore"):
                moved = ~(np.abs(old - new) <= allowed)
            # NaN compares as moved; unknown in both is the same.
            moved &= ~(np.isnan(old) & np.isnan(new))
            if moved.any():
                where = np.argwhere(moved)[0]
                found.append((int(where[0]), name, int(where[1]) if len(where) > 1 else None))
        if not found:
            return None
        row, name, column = min(found, key=lambda each: (each[0], each[1]))
        cell = row if column is None else (row, column)
        return Change(
            changed_by,
            name,
            str(world.clock.sessions[row]),
            None if column is None else world.panel.assets[column],
            _number(before[name][cell]),
            _number(after[name][cell]),
        )


def outputs(component: Signal | Strategy, world: World) -> Outputs:
    """What a signal or strategy gives on `world`, each output by its name."""
    inputs = world.inputs()
    if isinstance(component, Signal):
        whole = checked_output(component, component.compute(inputs), inputs).cpu().numpy()
        return {name: whole[..., k] for k, name in enumerate(component.outputs)}
    decision = component.decide(inputs)
    return _decided(decision, component, world)


def _decided(decision: Decision, strategy: Strategy, world: World) -> Outputs:
    full = checked(
        decision,
        world.panel,
        strategy=strategy.name,
        has_optimizer=decision.weights is None,
    )
    parts = {
        "alpha": full.alpha,
        "weights": full.weights,
        "eligible": full.eligible,
        "exposure": full.exposure,
        "rebalance": full.rebalance,
    }
    return {name: part.astype(np.float64) for name, part in parts.items() if part is not None}


def rows(given: Outputs, start: int, stop: int | None = None) -> Outputs:
    """The rows `start:stop` of every output."""
    return {name: values[start:stop] for name, values in given.items()}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
