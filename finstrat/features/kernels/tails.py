"""Skewness and excess kurtosis of trailing windows.

Power sums about a member of the window over two blocks, as in `moments`; central moments follow by
the binomial expansion, which costs a factor of about n² in rounding and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import LANE, compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array

SKEW, KURT = range(2)
# Offsets in the scratch: power sums, the count, the origin, whether to sum again.
S1, S2, S3, S4, N, ORIGIN, AGAIN = (k * LANE for k in range(7))


@compiled
def _value(what: int, n: float, m2: float, m3: float, m4: float) -> float:
    if what == SKEW:
        v = n * np.sqrt(n - 1.0) / (n - 2.0) * m3 / (m2 * np.sqrt(m2))
    else:
        v = n * (n + 1.0) * (n - 1.0) * m4 / (m2 * m2)
        v = (v - 3.0 * (n - 1.0) * (n - 1.0)) / ((n - 2.0) * (n - 3.0))
    return v if m2 > 0.0 else np.nan


@compiled
def _again(x: Array, t: int, window: int, column: int, what: int) -> float:
    """The same of the window ending at `t`, in two passes about its first known value."""
    origin, s, n = np.nan, 0.0, 0.0
    for i in range(max(0, t - window + 1), t + 1):
        v = x[i, column]
        if v == v:
            origin = v if n == 0.0 else origin
            s += v - origin
            n += 1.0
    m2, m3, m4 = 0.0, 0.0, 0.0
    for i in range(max(0, t - window + 1), t + 1):
        v = x[i, column] - origin - s / n
        if v == v:
            m2 += v * v
            m3 += v * v * v
            m4 += v * v * v * v
    return _value(what, n, m2, m3, m4)


@compiled
def tails(x: Array, out: Array, window: int, least: int, what: int, start: int, stop: int) -> None:
    """Fill `out[:, start:stop]` with the sample SKEW or excess KURT of each trailing window."""
    rows, m = x.shape[0], stop - start
    after = np.zeros((window + 1, 5 * LANE))
    state = np.zeros(7 * LANE)
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
                v = _value(what, n, m2, m3, m4)
                to[j] = v if n >= least else np.nan
                state[AGAIN + j] = 1.0 if m2 * (2.0 * n + 2.0) < s2 and n >= least else 0.0
            if np.any(state[AGAIN : AGAIN + m]):
                for j in range(m):
                    if state[AGAIN + j] != 0.0:
                        to[j] = _again(x, t, window, start + j, what)
        if last == rows:
            return
        for i in range(window + 1):
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
