"""Figures with the interval of texts drawn anew: percentiles of what the draws give.

They hold for texts like these that don't depend on each other; texts of one event do, and make them
too narrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import known, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.risk.figure import Figure

DRAWS = 1_000
LEVEL = 0.90

LEAST = 5
"""Texts of which an interval can be drawn at all."""


def mean_figure(convention: str, values: NDArray[np.float64], *, seed: int) -> Figure:
    """The mean of one number a text, `[D]`, with its interval; NaN counts as no number.

    Null where fewer than `LEAST` are left.
    """
    kept = values[~np.isnan(values)]
    n = len(kept)
    if n < LEAST:
        return unknown(convention, n=n, reason=f"{n} texts are too few; {LEAST} are needed")
    drawn = kept[draws(n, seed=seed)].mean(axis=1)
    return drawn_figure(convention, float(kept.mean()), drawn, n=n, seed=seed)


def drawn_figure(
    convention: str,
    value: float,
    drawn: NDArray[np.float64],
    *,
    n: int,
    seed: int,
    otherwise: str = "nothing was answered, or nothing had that label",
) -> Figure:
    """A measure of `n` texts with the interval of its draws; null where it is no number.

    `otherwise` is the reason then. Draws that are no number say nothing.
    """
    if np.isnan(value):
        return unknown(convention, n=n, reason=otherwise)
    drawn = drawn[~np.isnan(drawn)]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    method = f"{LEVEL:.0%} bootstrap over texts, {DRAWS:,} draws, seed {seed}"
    return known(convention, float(value), n=n, ci=(float(low), float(high)), method=method)


def draws(n: int, *, seed: int) -> NDArray[np.int64]:
    """`[DRAWS, n]` places of texts drawn anew."""
    return np.random.default_rng(seed).integers(0, n, (DRAWS, n))
