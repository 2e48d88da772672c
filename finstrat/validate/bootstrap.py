"""Confidence intervals that respect autocorrelation: the stationary bootstrap.

Resamples whole stretches of sessions, of random length around an automatic mean, so that
volatility clusters survive. It knows nothing of what the statistic means; the seed is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LEVEL = 0.90
"""Confidence level of every bootstrapped interval."""

REPLICATIONS = 1_000

FEWEST = 60
"""Sessions, about a quarter: resampling fewer repeats a few weeks, and is too sure of them."""


@dataclass(frozen=True)
class Interval:
    """A percentile interval, and how it was made; `method` says it in words."""

    low: float
    high: float
    block_length: int
    seed: int

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper bound."""
        return self.low, self.high

    @property
    def method(self) -> str:
        """How the interval was computed, for a figure."""
        return (
            f"{LEVEL:.0%} stationary bootstrap, {REPLICATIONS:,} draws, mean block "
            f"{self.block_length} sessions, seed {self.seed}"
        )


def bootstrap_interval(
    rows: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], float], *, seed: int
) -> Interval | None:
    """The 90 % interval of `statistic` over resampled `rows`, or None where it can't be had.

    `rows` is `[T]` or `[T, J]` (columns stay paired), without NaN. None for fewer than `FEWEST`
    rows, for rows that never vary, and where the statistic is NaN in some draw.

    Source: Politis & Romano (1994); the mean block length is the longest over the columns of
    Politis & White (2004), as corrected by Patton, Politis & White (2009).
    """
    drawn = _draws(rows, statistic, seed=seed)
    return None if drawn is None else _interval(drawn.values, drawn.block_length, seed)


def interval_of_difference(
    one: NDArray[np.float64], other: NDArray[np.float64], *, seed: int
) -> Interval | None:
    """The 90 % interval of the mean of `one` less that of `other`, or None where it can't be had.

    Two stretches of different sessions, `[T1]` and `[T2]` without NaN, are resampled each by
    itself. None where either is shorter than `FEWEST` or neither varies; one that never varies has
    the same mean in every draw. The interval's block length is the longer of the two.
    """
    if min(len(one), len(other)) < FEWEST:
        return None
    first, second = (
        _draws(rows, np.mean, seed=own) for rows, own in ((one, seed), (other, seed + 1))
    )
    if first is None and second is None:
        return None
    left = one.mean() if first is None else first.values
    right = other.mean() if second is None else second.values
    longest = max(each.block_length for each in (first, second) if each is not None)
    return _interval(np.asarray(left - right), longest, seed)


@dataclass(frozen=True, eq=False)
class _Draws:
    """A statistic over resampled rows, `[REPLICATIONS]`, and the mean block length."""

    values: NDArray[np.float64]
    block_length: int


def _draws(
    rows: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], float], *, seed: int
) -> _Draws | None:
    """The statistic of every resample; None as `bootstrap_interval` says."""
    table = rows.reshape(len(rows), -1)
    if len(table) < FEWEST or (np.ptp(table, axis=0) == 0.0).all():
        return None
    # Most of a second to import, which only a report should pay.
    from arch.bootstrap import StationaryBootstrap, optimal_block_length

    varying = table[:, np.ptp(table, axis=0) > 0.0]
    lengths = optimal_block_length(varying)["stationary"].to_numpy()
    # Where autocorrelation can't be told from none the rule may give less than one session.
    block_length = math.ceil(np.clip(np.nanmax(lengths, initial=1.0), 1.0, len(table) / 4))

    def draw(sample: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([statistic(sample)])

    draws = StationaryBootstrap(block_length, rows, seed=seed).apply(draw, REPLICATIONS)
    if np.isnan(draws).any():
        return None
    return _Draws(draws, block_length)


def _interval(draws: NDArray[np.float64], block_length: int, seed: int) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), block_length, seed)
