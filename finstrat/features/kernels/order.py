"""Quantiles and ranks in trailing windows.

A window is kept sorted. Exchanging its oldest value for the newest is one pass of comparisons
without a branch, done for a whole group of columns in vector registers. An unknown value is kept
as +inf at the end, and the count of known ones says where the end begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import LANE, compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array

A, B, C, D = (k * LANE for k in range(4))  # old, new, carried, known values


@compiled
def quantiles(
    x: Array, out: Array, window: int, least: int, q: float, start: int, stop: int
) -> None:
    """Fill `out[:, start:stop]` with the `q`-quantile, linear between order statistics."""
    rows, m = x.shape[0], stop - start
    ordered = np.full((window + 1, m), np.inf)
    state = np.zeros(4 * LANE)
    for t in range(rows):
        row = x[t, start:stop]
        to = out[t, start:stop]
        oldest = x[max(0, t - window), start:stop]
        for j in range(m):
            leaves = t >= window and oldest[j] == oldest[j]
            comes = row[j] == row[j]
            state[j] = oldest[j] if leaves else np.inf
            state[B + j] = row[j] if comes else np.inf
            state[C + j] = -np.inf
            state[D + j] += (1.0 if comes else 0.0) - (1.0 if leaves else 0.0)
        for i in range(window):
            here, above = ordered[i], ordered[i + 1]
            for j in range(m):
                # Deleted: everything from the old value on moves down one place.
                d = here[j] if here[j] < state[j] else above[j]
                # Inserted: the new value, held between its neighbours.
                v = state[B + j]
                v = v if v < d else d  # noqa: FURB136 - min() compiles to slower code here
                c = state[C + j]
                here[j] = c if c > v else v  # noqa: FURB136 - likewise
                state[C + j] = d
        for j in range(m):
            k = state[D + j]
            if k < least:
                to[j] = np.nan
                continue
            at = q * (k - 1.0)
            below = int(at)
            part = at - below
            low = ordered[below, j]
            if part > 0.0:
                # An interval between infinities is left to the nearer end, not to inf − inf.
                high = ordered[below + 1, j]
                low = low + part * (high - low) if low != high else low
            to[j] = low


@compiled
def ranks(x: Array, out: Array, window: int, least: int, start: int, stop: int) -> None:
    """Fill `out[:, start:stop]` with (r − ½)/n, r the newest value's rank, ties averaged."""
    rows, m = x.shape[0], stop - start
    state = np.zeros(3 * LANE)
    for t in range(rows):
        row = x[t, start:stop]
        to = out[t, start:stop]
        state[:] = 0.0
        for i in range(max(0, t - window + 1), t + 1):
            other = x[i, start:stop]
            for j in range(m):
                state[j] += 1.0 if other[j] < row[j] else 0.0
                state[B + j] += 1.0 if other[j] == row[j] else 0.0
                state[C + j] += 1.0 if other[j] == other[j] else 0.0
        for j in range(m):
            k = state[C + j]
            r = (state[j] + 0.5 * state[B + j]) / k
            to[j] = r if k >= least and row[j] == row[j] else np.nan
