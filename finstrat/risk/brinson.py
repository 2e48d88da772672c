"""Brinson and Fachler's attribution: which groups were held, and what was held within them.

Effects of single sessions are linked over time by Cariño's logarithms, so that they add up to the
difference of the compounded returns. Nothing here knows where a group comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.risk.conventions import Floats

CASH = "cash"


@dataclass(frozen=True)
class GroupEffect:
    """One group's part of the difference to the benchmark, fractions of the initial capital.

    Attributes:
        weight, benchmark_weight: means over the sessions.
        allocation: of holding more or less of the group than the benchmark does.
        selection: of what was held within it, interaction included.
    """

    group: str
    weight: float
    benchmark_weight: float
    allocation: float
    selection: float


@dataclass(frozen=True)
class Brinson:
    """The effects of all groups, cash among them; they sum to `excess`.

    Attributes:
        excess: compounded return of the weights less that of the benchmark's weights.
    """

    effects: tuple[GroupEffect, ...]
    excess: float


def brinson_fachler(
    weights: Floats, benchmark: Floats, returns: Floats, groups: Sequence[str]
) -> Brinson:
    """The attribution of weights `[T, N]` held into each session against a benchmark's `[T, N]`.

    `returns` `[T, N]` are simple; an unknown one counts as 0. `groups` names each asset's. What
    either side doesn't hold is cash, which earns nothing. With W and R a group's weight and return,
    B for the benchmark: allocation (W − W_B)(R_B − r_B), selection W (R − R_B) (Brinson and
    Fachler, 1985, with interaction in the selection), linked by k_t / k, k = (ln(1 + r) −
    ln(1 + r_B)) / (r − r_B) (Cariño, 1999). A group that the benchmark doesn't hold is given the
    benchmark's own return there, so that all its effect is selection.
    """
    earned = np.nan_to_num(returns)
    names = sorted(set(groups))
    member = np.array([[name == group for group in groups] for name in names], dtype=float)
    own, other = weights @ member.T, benchmark @ member.T
    own_part, other_part = (weights * earned) @ member.T, (benchmark * earned) @ member.T
    total, total_other = own_part.sum(axis=1), other_part.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        other_return = np.where(other != 0.0, other_part / other, total_other[:, None])
    allocation = (own - other) * (other_return - total_other[:, None])
    selection = own_part - own * other_return
    cash, cash_other = 1.0 - own.sum(axis=1), 1.0 - other.sum(axis=1)
    cash_effect = (cash - cash_other) * (0.0 - total_other)
    grown, grown_other = (float(np.prod(1.0 + each)) for each in (total, total_other))
    link = _log_slope(total, total_other) / _log_slope(
        np.array([grown - 1.0]), np.array([grown_other - 1.0])
    )
    effects = [
        GroupEffect(
            name,
            float(own[:, place].mean()),
            float(other[:, place].mean()),
            float(link @ allocation[:, place]),
            float(link @ selection[:, place]),
        )
        for place, name in enumerate(names)
    ]
    effects.append(
        GroupEffect(
            CASH, float(cash.mean()), float(cash_other.mean()), float(link @ cash_effect), 0.0
        )
    )
    return Brinson(tuple(effects), grown - grown_other)


def _log_slope(own: Floats, other: Floats) -> Floats:
    """(ln(1 + r) − ln(1 + r_B)) / (r − r_B), and its limit where both are equal."""
    gap = own - other
    same = np.abs(gap) < 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (np.log1p(own) - np.log1p(other)) / gap
    return np.where(same, 1.0 / (1.0 + other), slope)
