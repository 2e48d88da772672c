"""Skewness and excess kurtosis of trailing windows.

Power sums about a member of the window over two blocks, as in `moments`; central moments follow by
the binomial expansion, which costs a factor of about n² in rounding and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import WIDEST, compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array

SKEW, KURT = range(2)
S1, S2, S3, S4, N, ORIGIN = (k * WIDEST for k in range(6))  # power sums, count, origin
NOISE = 4.5e-16


@compiled
def tails(x: Array, out: Array, window: int, least: int, what: int, start: int, stop: int) -> None:
    """Fill `out[:, start:stop]` with the sample SKEW or excess KURT of each trailing window."""
    rows, m = x.shape[0], stop - start
    after = np.zeros((window + 1, 5 * WIDEST))
    state = np.zeros(6 * WIDEST)
    for t in range(min(window, rows) - 1, -1, -1):
        row = x[t, start:stop]
        for j in range(m):
            state[ORIGIN + j] = row[j] if row[j] - row[j] == 0.0 else state[ORIGIN + j]
    for first in range(0, rows, window):
        last = min(first + window, rows)
        state[:ORIGIN] = 0.0
        for t in range(first, last):
            row = x[t, start:stop]
            to = out[t, start:stop]
            rest = after[t - first + 1]
            for j in range(m):
                known = row[j] == row[j]
                d = row[j] - state[ORIGIN + j] if known else 0.0
                dd = d * d
                s1 = state[S1 + j] + d
                s2 = state[S2 + j] + dd
                s3 = state[S3 + j] + dd * d
                s4 = state[S4 + j] + dd * dd
                n = state[N + j] + (1.0 if known else 0.0)
                state[S1 + j] = s1
                state[S2 + j] = s2
                state[S3 + j] = s3
                state[S4 + j] = s4
                state[N + j] = n
                s1 += rest[S1 + j]
                s2 += rest[S2 + j]
                s3 += rest[S3 + j]
                s4 += rest[S4 + j]
                n += rest[N + j]
                u = s1 / n
                m2 = s2 - s1 * u
                m3 = s3 - 3.0 * u * s2 + 2.0 * n * u * u * u
                m4 = s4 - 4.0 * u * s3 + 6.0 * u * u * s2 - 3.0 * n * u * u * u * u
                if what == SKEW:
                    v = n * np.sqrt(n - 1.0) / (n - 2.0) * m3 / (m2 * np.sqrt(m2))
                else:
                    v = n * (n + 1.0) * (n - 1.0) * m4 / (m2 * m2)
                    v = (v - 3.0 * (n - 1.0) * (n - 1.0)) / ((n - 2.0) * (n - 3.0))
                to[j] = v if n >= least and m2 > n * NOISE * s2 else np.nan
        if last == rows:
            return
        for i in range(window):
            row = x[first + i, start:stop]
            for j in range(m):
                state[ORIGIN + j] = row[j] if row[j] - row[j] == 0.0 else state[ORIGIN + j]
        after[window] = 0.0
        for i in range(window - 1, 0, -1):
            row = x[first + i, start:stop]
            rest, more = after[i], after[i + 1]
            for j in range(m):
                known = row[j] == row[j]
                d = row[j] - state[ORIGIN + j] if known else 0.0
                dd = d * d
                rest[S1 + j] = more[S1 + j] + d
                rest[S2 + j] = more[S2 + j] + dd
                rest[S3 + j] = more[S3 + j] + dd * d
                rest[S4 + j] = more[S4 + j] + dd * dd
                rest[N + j] = more[N + j] + (1.0 if known else 0.0)
