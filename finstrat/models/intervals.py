"""Means over texts with the interval of texts drawn anew, as `evaluate` draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.models.evaluate import DRAWS, LEVEL
from finstrat.risk.conventions import known, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.risk.figure import Figure

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
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    method = f"{LEVEL:.0%} bootstrap over texts, {DRAWS:,} draws, seed {seed}"
    return known(convention, float(kept.mean()), n=n, ci=(float(low), float(high)), method=method)


def draws(n: int, *, seed: int) -> NDArray[np.int64]:
    """`[DRAWS, n]` places of texts drawn anew."""
    return np.random.default_rng(seed).integers(0, n, (DRAWS, n))
