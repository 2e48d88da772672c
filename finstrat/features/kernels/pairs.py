"""How two series move together in trailing windows: covariance and what follows from it.

Sums of deviations and of their products over the end of one block and the start of the next, as in
`moments`: nothing is subtracted out again, and deviations are from a member of the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import WIDEST, compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array

COV, CORR, BETA, RESIDUAL, R2 = range(5)

# Offsets in the scratch: sums of x, y, xx, yy, xy and the count; origins; the row of y; central
# products; the newest deviations; whether to sum again.
X, Y, XX, YY, XY, N, OX, OY, ROW, CX, CY, CXY, DX, DY, AGAIN = (k * WIDEST for k in range(15))


@compiled
def _again(x: Array, y: Array, t: int, window: int, j: int, k: int) -> tuple[float, ...]:
    """The window ending at `t` in two passes: Σdd, Σee, Σde, and the newest d and e."""
    ox, oy, sx, sy, n = np.nan, np.nan, 0.0, 0.0, 0.0
    for i in range(max(0, t - window + 1), t + 1):
        v, w = x[i, j], y[i, k]
        if v == v and w == w:
            ox, oy = (v, w) if n == 0.0 else (ox, oy)
            sx += v - ox
            sy += w - oy
            n += 1.0
    xx, yy, xy, d, e = 0.0, 0.0, 0.0, np.nan, np.nan
    for i in range(max(0, t - window + 1), t + 1):
        d, e = x[i, j] - ox - sx / n, y[i, k] - oy - sy / n
        if d == d and e == e:
            xx += d * d
            yy += e * e
            xy += d * e
    return xx, yy, xy, d, e


@compiled
def pairs(
    x: Array, y: Array, out: Array, window: int, least: int, what: int, start: int, stop: int
) -> None:
    """Fill `out[:, start:stop]` from the pairs of `x [T, M]` and `y` (`[T, M]`, or `[T, 1]`).

    A session counts where both are known. RESIDUAL is x less its regression on y, R2 its fit.
    """
    rows, m = x.shape[0], stop - start
    single = y.shape[1] == 1
    after = np.zeros((window + 1, 6 * WIDEST))
    state = np.zeros(15 * WIDEST)
    for t in range(min(window, rows) - 1, -1, -1):
        for j in range(m):
            v, w = x[t, start + j], y[t, 0 if single else start + j]
            state[OX + j] = v if v - v == 0.0 else state[OX + j]
            state[OY + j] = w if w - w == 0.0 else state[OY + j]
    for first in range(0, rows, window):
        last = min(first + window, rows)
        state[:OX] = 0.0
        for t in range(first, last):
            row = x[t, start:stop]
            to = out[t, start:stop]
            rest = after[t - first + 1]
            for j in range(m):
                state[ROW + j] = y[t, 0 if single else start + j]
            for j in range(m):
                known = row[j] == row[j] and state[ROW + j] == state[ROW + j]
                d = row[j] - state[OX + j] if known else 0.0
                e = state[ROW + j] - state[OY + j] if known else 0.0
                sx = state[X + j] + d
                sy = state[Y + j] + e
                xx = state[XX + j] + d * d
                yy = state[YY + j] + e * e
                xy = state[XY + j] + d * e
                n = state[N + j] + (1.0 if known else 0.0)
                state[X + j] = sx
                state[Y + j] = sy
                state[XX + j] = xx
                state[YY + j] = yy
                state[XY + j] = xy
                state[N + j] = n
                sx += rest[X + j]
                sy += rest[Y + j]
                xx += rest[XX + j]
                yy += rest[YY + j]
                n += rest[N + j]
                by_n = 1.0 / n
                cx = xx - sx * sx * by_n
                cy = yy - sy * sy * by_n
                state[CX + j] = cx
                state[CY + j] = cy
                state[CXY + j] = xy + rest[XY + j] - sx * sy * by_n
                state[DX + j] = row[j] - state[OX + j] - sx * by_n
                state[DY + j] = state[ROW + j] - state[OY + j] - sy * by_n
                lost = (cx * (2.0 * n + 2.0) < xx) | (cy * (2.0 * n + 2.0) < yy)
                state[AGAIN + j] = 1.0 if lost else 0.0
                to[j] = n
            if np.any(state[AGAIN : AGAIN + m]):
                for j in range(m):
                    if state[AGAIN + j] != 0.0:
                        cx, cy, xy, d, e = _again(
                            x, y, t, window, start + j, 0 if single else start + j
                        )
                        state[CX + j] = cx
                        state[CY + j] = cy
                        state[CXY + j] = xy
                        state[DX + j] = d
                        state[DY + j] = e
            if what == COV:
                for j in range(m):
                    to[j] = state[CXY + j] / (to[j] - 1.0) if to[j] >= least else np.nan
            elif what == BETA:
                for j in range(m):
                    usable = to[j] >= least and state[CY + j] > 0.0
                    to[j] = state[CXY + j] / state[CY + j] if usable else np.nan
            elif what == RESIDUAL:
                for j in range(m):
                    d = state[DX + j] - state[CXY + j] / state[CY + j] * state[DY + j]
                    to[j] = d if to[j] >= least and state[CY + j] > 0.0 else np.nan
            else:
                for j in range(m):
                    r = state[CXY + j] / np.sqrt(state[CX + j]) / np.sqrt(state[CY + j])
                    r = min(1.0, max(-1.0, r)) if r == r else r
                    usable = to[j] >= least and state[CX + j] > 0.0 and state[CY + j] > 0.0
                    r = r if what == CORR else r * r
                    to[j] = r if usable else np.nan
        if last == rows:
            return
        for t in range(first, last + 1):
            for j in range(m):
                v, w = x[t, start + j], y[t, 0 if single else start + j]
                both = v - v == 0.0 and w - w == 0.0
                state[OX + j] = v if both else state[OX + j]
                state[OY + j] = w if both else state[OY + j]
        after[window] = 0.0
        for i in range(window - 1, 0, -1):
            row = x[first + i, start:stop]
            rest, more = after[i], after[i + 1]
            for j in range(m):
                state[ROW + j] = y[first + i, 0 if single else start + j]
            for j in range(m):
                known = row[j] == row[j] and state[ROW + j] == state[ROW + j]
                d = row[j] - state[OX + j] if known else 0.0
                e = state[ROW + j] - state[OY + j] if known else 0.0
                rest[X + j] = more[X + j] + d
                rest[Y + j] = more[Y + j] + e
                rest[XX + j] = more[XX + j] + d * d
                rest[YY + j] = more[YY + j] + e * e
                rest[XY + j] = more[XY + j] + d * e
                rest[N + j] = more[N + j] + (1.0 if known else 0.0)
