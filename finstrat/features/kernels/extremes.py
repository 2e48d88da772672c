"""The largest and smallest of trailing windows, and how long ago they were.

The same cut into blocks as for sums (van Herk 1992; Gil and Werman 1993): the extreme of a window
is that of one block's end and the next one's start, at a cost that doesn't depend on its length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import LANE, compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array

MAX, MIN, ARGMAX, ARGMIN = range(4)
A, B, C = (k * LANE for k in range(3))  # extreme, its row, known values: offsets in the scratch


@compiled
def extremes(
    x: Array, out: Array, window: int, least: int, what: int, start: int, stop: int
) -> None:
    """Fill `out[:, start:stop]` with the extreme of each trailing window, or with its age."""
    rows, m = x.shape[0], stop - start
    sign = 1.0 if what in (MAX, ARGMAX) else -1.0
    after = np.zeros((window + 1, 3 * LANE))
    after[:, :B] = -np.inf
    state = np.zeros(3 * LANE)
    for first in range(0, rows, window):
        last = min(first + window, rows)
        state[:] = 0.0
        state[:B] = -np.inf
        for t in range(first, last):
            row = x[t, start:stop]
            to = out[t, start:stop]
            rest = after[t - first + 1]
            for j in range(m):
                known = row[j] == row[j]
                v = sign * row[j] if known else -np.inf
                later = known and v >= state[j]  # of equal values, the latest
                best = v if later else state[j]
                where = t if later else state[B + j]
                k = state[C + j] + (1.0 if known else 0.0)
                state[j] = best
                state[B + j] = where
                state[C + j] = k
                older = rest[j] > best or k == 0.0
                best = rest[j] if older else best
                where = rest[B + j] if older else where
                k += rest[C + j]
                v = sign * best if what < ARGMAX else t - where
                to[j] = v if k >= least else np.nan
        if last == rows:
            return
        after[window] = 0.0
        after[window, :B] = -np.inf
        for i in range(window - 1, 0, -1):
            row = x[first + i, start:stop]
            rest, more = after[i], after[i + 1]
            for j in range(m):
                known = row[j] == row[j]
                v = sign * row[j] if known else -np.inf
                better = known and (v > more[j] or more[C + j] == 0.0)
                rest[j] = v if better else more[j]
                rest[B + j] = first + i if better else more[B + j]
                rest[C + j] = more[C + j] + (1.0 if known else 0.0)
