"""How often what was best in one half of the time is nothing special in the other.

Combinatorially symmetric cross-validation over the returns of everything that was tried. It knows
nothing of parameters, nor of why one configuration differs from another.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.performance import FLAT

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCKS = 16
"""Stretches of time, as Bailey et al. take: 12,870 ways to choose half of them."""

AT_ONCE = 256
"""Ways looked at together; a few megabytes for a thousand configurations."""


@dataclass(frozen=True)
class Overfitting:
    """What became of the best of one half in the other half, over every way to halve the time.

    Attributes:
        probability: share of the ways in which it was no better than the median there.
        loss: share of the ways in which it lost money there.
        inside, outside: its mean Sharpe ratio, per session, where it was chosen and where not.
        ways: how many there were.
    """

    probability: float
    loss: float
    inside: float
    outside: float
    ways: int


def overfitting(returns: NDArray[np.float64], *, blocks: int = BLOCKS) -> Overfitting | None:
    """The probability of backtest overfitting of `returns` `[T, C]`, C configurations.

    Time is cut into `blocks` stretches of equal length; each half of them in turn chooses the
    configuration with the highest Sharpe ratio, whose rank ω = rank / (C + 1) among the ratios of
    the other half is looked at. The probability is that of ln(ω / (1 − ω)) ≤ 0. A configuration
    that never moves has ratio 0; equal ratios share their mean rank, and the first of equals is
    chosen. None for fewer than two configurations, or fewer than two sessions a stretch.

    Source: Bailey, Borwein, López de Prado and Zhu (2017), J. Computational Finance 20(4).
    """
    sessions, count = returns.shape
    if count < 2 or sessions < 2 * blocks:
        return None
    stretches = np.array_split(returns, blocks)
    lengths = np.array([len(each) for each in stretches], dtype=np.float64)
    sums = np.stack([each.sum(axis=0) for each in stretches])
    squares = np.stack([np.square(each).sum(axis=0) for each in stretches])
    halves = np.array(list(itertools.combinations(range(blocks), blocks // 2)))
    below, lost, inside, outside = 0, 0, 0.0, 0.0
    for start in range(0, len(halves), AT_ONCE):
        part = halves[start : start + AT_ONCE]
        chosen = np.zeros((len(part), blocks))
        np.put_along_axis(chosen, part, 1.0, axis=1)
        here, there = (
            _sharpe(mask @ sums, mask @ squares, (mask @ lengths)[:, None])
            for mask in (chosen, 1.0 - chosen)
        )
        best = here.argmax(axis=1)
        rows = np.arange(len(part))
        its = there[rows, best]
        ties = (there == its[:, None]).sum(axis=1)
        rank = (there < its[:, None]).sum(axis=1) + (ties + 1) / 2
        below += int((rank <= (count + 1) / 2).sum())
        lost += int((its < 0).sum())
        inside += float(here[rows, best].sum())
        outside += float(its.sum())
    ways = len(halves)
    return Overfitting(below / ways, lost / ways, inside / ways, outside / ways, ways)


def _sharpe(
    total: NDArray[np.float64], square: NDArray[np.float64], n: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sharpe ratios per session from sums over `n` sessions; 0 where nothing moves."""
    mean = total / n
    deviation = np.sqrt(np.maximum(square - n * mean**2, 0.0) / (n - 1))
    return np.divide(mean, deviation, out=np.zeros_like(mean), where=deviation > FLAT)
