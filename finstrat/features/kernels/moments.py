"""Sums, means and spreads of trailing windows, for a group of columns at a time.

Time is cut into blocks as long as the window. A window is then the end of one block and the start
of the next, so its sums are a suffix sum plus a prefix sum (van Herk 1992; Gil and Werman 1993):
nothing is ever subtracted out again, nothing cancels, and an outlier or infinity is gone when it
leaves the window. Deviations are taken from the value right after the blocks' boundary, a member of
every window that crosses it: the sum of squares is then at most n + 1 times the one about the mean,
so the subtraction that is left costs a few units in the last place at any price level. Where that
value is unknown an older one stands in; if then more is lost, the window is summed again by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import LANE, compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array

SUM, MEAN, VAR, STD, ZSCORE, ALL = range(6)

# Scratch lies in one array at offsets known to the compiler: with a pointer for each quantity it
# would need more overlap checks than it is willing to make, and leave the loop scalar.
A, B, C, D, E, F, G, H = (k * LANE for k in range(8))


@compiled
def _any_unknown(x: Array, first: int, last: int, start: int, stop: int) -> bool:
    found = 0
    for t in range(first, last):
        row = x[t, start:stop]
        for j in range(stop - start):
            found += row[j] != row[j]
    return found > 0


@compiled
def _spoilt(state: Array, m: int) -> bool:
    found = 0
    for j in range(m):
        found += state[j] != state[j]
    return found > 0


@compiled
def _finite(row: Array) -> bool:
    found = 0
    for j in range(row.shape[0]):
        found += row[j] - row[j] != 0.0
    return found == 0


@compiled
def sums(x: Array, out: Array, window: int, least: int, what: int, start: int, stop: int) -> None:
    """Fill `out[:, start:stop]` with the SUM or MEAN of each trailing window of `x [T, M]`.

    A block is first taken to be known throughout. If that leaves its sums NaN it wasn't, and is
    done again with a count of what is known.
    """
    rows, m = x.shape[0], stop - start
    after = np.zeros((window + 1, 2 * LANE))  # A: sums, B: counts, of the last block's end
    state = np.zeros(2 * LANE)  # the same of this block's start
    before_unknown = False
    for first in range(0, rows, window):
        last = min(first + window, rows)
        unknown = before_unknown and _any_unknown(x, first, last, start, stop)
        if not before_unknown:
            state[:B] = 0.0
            for i in range(last - first):
                row = x[first + i, start:stop]
                to = out[first + i, start:stop]
                rest = after[i + 1]
                k = window if first > 0 else i + 1
                scale = 1.0 if what == SUM else 1.0 / k
                if k < least:
                    scale = np.nan
                for j in range(m):
                    s = state[j] + row[j]
                    state[j] = s
                    to[j] = (s + rest[j]) * scale
            unknown = _spoilt(state, m)
            if unknown and first > 0:
                for i in range(window + 1):
                    after[i, B : B + m] = window - i
        if unknown or before_unknown:
            state[:] = 0.0
            for i in range(last - first):
                row = x[first + i, start:stop]
                to = out[first + i, start:stop]
                rest = after[i + 1]
                for j in range(m):
                    known = row[j] == row[j]
                    s = state[j] + (row[j] if known else 0.0)
                    k = state[B + j] + (1.0 if known else 0.0)
                    state[j] = s
                    state[B + j] = k
                    s += rest[j]
                    k += rest[B + j]
                    s *= 1.0 if what == SUM else 1.0 / k
                    to[j] = s if k >= least else np.nan
        if last == rows:
            return
        after[window] = 0.0
        for i in range(window - 1, 0, -1):
            row = x[first + i, start:stop]
            rest, more = after[i], after[i + 1]
            if unknown:
                for j in range(m):
                    known = row[j] == row[j]
                    rest[j] = more[j] + (row[j] if known else 0.0)
                    rest[B + j] = more[B + j] + (1.0 if known else 0.0)
            else:
                for j in range(m):
                    rest[j] = more[j] + row[j]
        before_unknown = unknown


@compiled
def _again(x: Array, state: Array, t: int, window: int, least: int, start: int, m: int) -> None:
    """Where H is set: the window ending at `t` in two passes, about its first known value."""
    for j in range(m):
        if state[H + j] == 0.0:
            continue
        origin, s, n = np.nan, 0.0, 0.0
        for i in range(max(0, t - window + 1), t + 1):
            v = x[i, start + j]
            if v == v:
                origin = v if n == 0.0 else origin
                s += v - origin
                n += 1.0
        u, c = s / n, 0.0
        for i in range(max(0, t - window + 1), t + 1):
            v = x[i, start + j]
            if v == v:
                c += (v - origin - u) * (v - origin - u)
        state[G + j] = origin
        state[E + j] = u if n >= least else np.nan
        state[F + j] = c / (n - 1.0) if n >= least else np.nan


@compiled
def _write(
    x: Array,
    state: Array,
    out: Array,
    means: Array,
    zscores: Array,
    t: int,
    what: int,
    start: int,
    stop: int,
) -> None:
    """Fill the row `t` of what is asked for from means and variances in E, F and G."""
    row, to, m = x[t, start:stop], out[t, start:stop], stop - start
    if what == VAR:
        for j in range(m):
            to[j] = state[F + j]
    elif what == STD:
        for j in range(m):
            to[j] = np.sqrt(state[F + j])
    elif what == ZSCORE:
        for j in range(m):
            z = (row[j] - state[G + j] - state[E + j]) / np.sqrt(state[F + j])
            to[j] = z if state[F + j] > 0.0 else np.nan
    else:
        mean = means[t, start:stop]
        for j in range(m):
            mean[j] = state[G + j] + state[E + j]
        zscore = zscores[t, start:stop]
        for j in range(m):
            v = np.sqrt(state[F + j])
            to[j] = v
            z = (row[j] - state[G + j] - state[E + j]) / v
            zscore[j] = z if v > 0.0 else np.nan


@compiled
def spreads(
    x: Array,
    out: Array,
    means: Array,
    zscores: Array,
    window: int,
    least: int,
    what: int,
    start: int,
    stop: int,
) -> None:
    """Fill `out[:, start:stop]` with the VAR, STD or ZSCORE of each trailing window of `x [T, M]`.

    ALL fills `out` with standard deviations, and `means` and `zscores` beside it.
    """
    rows, m = x.shape[0], stop - start
    after = np.zeros((window + 1, 3 * LANE))  # A: sums, B: squares, C: counts, of the last block
    # The same of this block; D: its origin, E: mean − G, F: variance, G: origin, H: sum again.
    state = np.zeros(8 * LANE)
    for t in range(min(window, rows) - 1, -1, -1):
        row = x[t, start:stop]
        for j in range(m):
            state[D + j] = row[j] if row[j] - row[j] == 0.0 else state[D + j]
    before_unknown = False
    for first in range(0, rows, window):
        last = min(first + window, rows)
        unknown = before_unknown and _any_unknown(x, first, last, start, stop)
        state[G : G + m] = state[D : D + m]
        if not before_unknown:
            state[:C] = 0.0
            for i in range(last - first):
                row = x[first + i, start:stop]
                rest = after[i + 1]
                k = 1.0 * (window if first > 0 else i + 1)
                by_n = 1.0 / k if k >= least else np.nan
                by_less = 1.0 / (k - 1.0)
                for j in range(m):
                    d = row[j] - state[D + j]
                    s = state[j] + d
                    q = state[B + j] + d * d
                    state[j] = s
                    state[B + j] = q
                    s += rest[j]
                    q += rest[B + j]
                    u = s * by_n
                    c = q - s * u
                    state[E + j] = u
                    state[F + j] = c * by_less
                _write(x, state, out, means, zscores, first + i, what, start, stop)
            unknown = _spoilt(state, m)
            if unknown and first > 0:
                for i in range(window + 1):
                    after[i, C : C + m] = window - i
        if unknown or before_unknown:
            state[:D] = 0.0
            again = False
            for i in range(last - first):
                row = x[first + i, start:stop]
                rest = after[i + 1]
                if again:
                    state[G : G + m] = state[D : D + m]
                for j in range(m):
                    known = row[j] == row[j]
                    d = row[j] - state[D + j] if known else 0.0
                    s = state[j] + d
                    q = state[B + j] + d * d
                    k = state[C + j] + (1.0 if known else 0.0)
                    state[j] = s
                    state[B + j] = q
                    state[C + j] = k
                    s += rest[j]
                    q += rest[B + j]
                    k += rest[C + j]
                    u = s * (1.0 / k)
                    c = q - s * u
                    state[E + j] = u if k >= least else np.nan
                    state[F + j] = c * (1.0 / (k - 1.0)) if k >= least else np.nan
                    state[H + j] = 1.0 if c * (2.0 * k + 2.0) < q else 0.0
                again = False
                if np.any(state[H : H + m]):
                    again = True
                    _again(x, state, first + i, window, least, start, m)
                _write(x, state, out, means, zscores, first + i, what, start, stop)
        if last == rows:
            return
        # The origin is the next block's first value, or the last finite one before it: no window of
        # that block ends earlier, so no later row is looked at.
        row = x[first + window, start:stop]
        if _finite(row):
            for j in range(m):
                state[D + j] = row[j]
        else:
            for i in range(window + 1):
                row = x[first + i, start:stop]
                for j in range(m):
                    state[D + j] = row[j] if row[j] - row[j] == 0.0 else state[D + j]
        after[window] = 0.0
        for i in range(window - 1, 0, -1):
            row = x[first + i, start:stop]
            rest, more = after[i], after[i + 1]
            if unknown:
                for j in range(m):
                    known = row[j] == row[j]
                    d = row[j] - state[D + j] if known else 0.0
                    rest[j] = more[j] + d
                    rest[B + j] = more[B + j] + d * d
                    rest[C + j] = more[C + j] + (1.0 if known else 0.0)
            else:
                for j in range(m):
                    d = row[j] - state[D + j]
                    rest[j] = more[j] + d
                    rest[B + j] = more[B + j] + d * d
        before_unknown = unknown
