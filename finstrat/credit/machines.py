"""Fitted models as plain arrays: what a trained credit model stores, and how it is applied.

Each gives a margin, high = risky; what a margin is worth as a probability is `calibration`'s to
say. scikit-learn fits them (`families`); nothing here needs it, so a stored model outlives its
version.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.special import logit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CHUNK = 512


class Machine(Protocol):
    """A fitted model."""

    def margin(self, rows: Floats) -> Floats:
        """`[D]` for encoded rows `[D, E]`; high = risky."""
        ...


@dataclass(frozen=True, eq=False)
class Linear:
    """Weights `[E]` and a constant `[1]`."""

    weight: Floats
    constant: Floats

    def margin(self, rows: Floats) -> Floats:
        """Log odds."""
        found: Floats = rows @ self.weight + self.constant[0]
        return found


@dataclass(frozen=True, eq=False)
class Kernel:
    """A support-vector machine with a radial kernel: vectors `[S, E]`, their weights `[S]`."""

    vectors: Floats
    weight: Floats
    constant: Floats
    gamma: Floats

    def margin(self, rows: Floats) -> Floats:
        """The signed distance from the border, in the machine's own unit."""
        lengths = (self.vectors**2).sum(axis=1)
        found: Floats = np.empty(len(rows))
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            apart = (part**2).sum(axis=1)[:, None] + lengths - 2.0 * part @ self.vectors.T
            found[start : start + _CHUNK] = np.exp(-self.gamma[0] * apart) @ self.weight
        found += self.constant[0]
        return found


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees end to end: node i sends a row left where its number ≤ `threshold[i]`.

    Attributes:
        first: the root of each tree `[K + 1]`, and the number of nodes.
        feature: the column asked about `[M]`; −1 at a leaf.
        threshold, left, right: `[M]`; children count from the first node of all.
        holes_left: whether an unknown number goes left.
        value: `[M]`: at a leaf, what the tree adds (boosting), or the share that defaulted.
        constant: what the sum starts from `[1]`; NaN means that the trees are averaged.
        single: 1 where numbers are compared in single precision, as they were when learnt.
    """

    first: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    holes_left: NDArray[np.int64]
    value: Floats
    constant: Floats
    single: NDArray[np.int64]

    def margin(self, rows: Floats) -> Floats:
        """Log odds; of an average p over K trees, those of (pK + ½)/(K + 1), which are finite."""
        seen = rows.astype(np.float32).astype(np.float64) if self.single[0] else rows
        total: Floats = np.zeros(len(rows))
        for root in self.first[:-1]:
            total += self.value[self._leaves(int(root), seen)]
        if not np.isnan(self.constant[0]):
            total += self.constant[0]
            return total
        count = len(self.first) - 1
        return np.asarray(logit((total + 0.5) / (count + 1.0)))

    def _leaves(self, root: int, rows: Floats) -> NDArray[np.int64]:
        """The leaf of one tree that each row ends in."""
        node = np.full(len(rows), root, dtype=np.int64)
        moving = np.arange(len(rows))
        while len(moving):
            here = node[moving]
            inner = self.feature[here] >= 0
            moving, here = moving[inner], here[inner]
            number = rows[moving, self.feature[here]]
            goes_left = np.where(
                np.isnan(number), self.holes_left[here] > 0, number <= self.threshold[here]
            )
            node[moving] = np.where(goes_left, self.left[here], self.right[here])
        return node


MACHINES: dict[str, type[Linear | Kernel | Trees]] = {
    "linear": Linear,
    "kernel": Kernel,
    "trees": Trees,
}


def arrays_of(machine: Machine) -> dict[str, NDArray[np.generic]]:
    """A machine's arrays, by name; `kind_of` says what they make."""
    assert isinstance(machine, Linear | Kernel | Trees)
    return {
        field.name: np.ascontiguousarray(getattr(machine, field.name)) for field in fields(machine)
    }


def kind_of(machine: Machine) -> str:
    """The key of `MACHINES` for a machine."""
    return next(key for key, kind in MACHINES.items() if isinstance(machine, kind))


def machine_from(kind: str, arrays: Mapping[str, NDArray[Any]]) -> Machine:
    """What `arrays_of` and `kind_of` described.

    Raises:
        KeyError: the kind is unknown, or an array is missing.
    """
    made = MACHINES[kind]
    return made(**{field.name: arrays[field.name] for field in fields(made)})
