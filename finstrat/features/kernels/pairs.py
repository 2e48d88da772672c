"""How two series move together in trailing windows: covariance and what follows from it.

Sums of deviations and of their products over the end of one block and the start of the next, as in
`moments`: nothing is subtracted out again, and deviations are from a member of the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import LANE, compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array

COV, CORR, BETA, RESIDUAL, R2 = range(5)

# Offsets in the scratch: sums of x, y, xx, yy, xy and the count; origins; the rows of x and y less
# those; whether both are known; means; central products; the whole count; whether to sum again.
X, Y, XX, YY, XY, N, OX, OY, DX, DY, KNOWN, MX, MY, CX, CY, CXY, ALL, AGAIN = (
    k * LANE for k in range(18)
)
# Loops stay short on purpose: past a hundred comparisons of addresses the compiler gives up showing
# that they don't overlap, and with it vector registers.


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
def _lay_out(state: Array, x: Array, y: Array, t: int, start: int, stop: int) -> None:
    """Put the rows `t` into DX and DY, a single `y` for every column."""
    row = x[t, start:stop]
    for j in range(stop - start):
        state[DX + j] = row[j]
    if y.shape[1] == 1:
        state[DY : DY + stop - start] = y[t, 0]
        return
    row = y[t, start:stop]
    for j in range(stop - start):
        state[DY + j] = row[j]


@compiled
def _centre(state: Array, m: int) -> None:
    """Take the origins off DX and DY, 0 where either is unknown."""
    for j in range(m):
        v, w = state[DX + j], state[DY + j]
        # Without short-circuits, which would be branches, and keep the loop scalar.
        known = (v == v) & (w == w)
        v, w = v - state[OX + j], w - state[OY + j]
        state[DX + j] = v if known else 0.0
        state[DY + j] = w if known else 0.0
        state[KNOWN + j] = 1.0 if known else 0.0


@compiled
def _add(to: Array, former: Array, state: Array, m: int) -> None:
    """Put into `to` the sums in `former` and one session more."""
    for j in range(m):
        to[X + j] = former[X + j] + state[DX + j]
        to[Y + j] = former[Y + j] + state[DY + j]
        to[N + j] = former[N + j] + state[KNOWN + j]
    for j in range(m):
        d, e = state[DX + j], state[DY + j]
        to[XX + j] = former[XX + j] + d * d
        to[YY + j] = former[YY + j] + e * e
        to[XY + j] = former[XY + j] + d * e


@compiled
def _accumulate(state: Array, m: int) -> None:
    """Add one session to this block's sums: `_add` in place, which it could not do in registers."""
    for j in range(m):
        state[X + j] += state[DX + j]
        state[Y + j] += state[DY + j]
        state[N + j] += state[KNOWN + j]
    for j in range(m):
        d, e = state[DX + j], state[DY + j]
        state[XX + j] += d * d
        state[YY + j] += e * e
        state[XY + j] += d * e


@compiled
def _whole(state: Array, rest: Array, m: int) -> None:
    """Put into MX … AGAIN what this block's sums and the `rest` of the window say together."""
    for j in range(m):
        state[MX + j] = state[X + j] + rest[X + j]
        state[MY + j] = state[Y + j] + rest[Y + j]
        state[ALL + j] = state[N + j] + rest[N + j]
    for j in range(m):
        state[CX + j] = state[XX + j] + rest[XX + j]
        state[CY + j] = state[YY + j] + rest[YY + j]
        state[CXY + j] = state[XY + j] + rest[XY + j]
    for j in range(m):
        by_n = 1.0 / state[ALL + j]
        state[MX + j] *= by_n
        state[MY + j] *= by_n
    for j in range(m):
        n, mx, my = state[ALL + j], state[MX + j], state[MY + j]
        xx, yy = state[CX + j], state[CY + j]
        cx, cy = xx - n * mx * mx, yy - n * my * my
        n = 2.0 * n + 2.0
        lost = 1.0 if cx * n < xx else 0.0
        state[AGAIN + j] = lost if cy * n >= yy else 1.0
        state[CX + j] = cx
        state[CY + j] = cy
    for j in range(m):
        state[CXY + j] -= state[ALL + j] * state[MX + j] * state[MY + j]


@compiled
def _take_origin(state: Array, m: int) -> None:
    """Make the pair in DX and DY the origin where both are finite."""
    for j in range(m):
        v, w = state[DX + j], state[DY + j]
        both = (v - v == 0.0) & (w - w == 0.0)
        state[OX + j] = v if both else state[OX + j]
        state[OY + j] = w if both else state[OY + j]


@compiled
def pairs(
    x: Array, y: Array, out: Array, window: int, least: int, what: int, start: int, stop: int
) -> None:
    """Fill `out[:, start:stop]` from the pairs of `x [T, M]` and `y` (`[T, M]`, or `[T, 1]`).

    A session counts where both are known. RESIDUAL is x less its regression on y, R2 its fit.
    """
    rows, m = x.shape[0], stop - start
    single = y.shape[1] == 1
    after = np.zeros((window + 1, 6 * LANE))
    state = np.zeros(18 * LANE)
    for t in range(min(window, rows) - 1, -1, -1):
        _lay_out(state, x, y, t, start, stop)
        _take_origin(state, m)
    for first in range(0, rows, window):
        last = min(first + window, rows)
        state[:OX] = 0.0
        for t in range(first, last):
            _lay_out(state, x, y, t, start, stop)
            _centre(state, m)
            _accumulate(state, m)
            _whole(state, after[t - first + 1], m)
            if np.any(state[AGAIN : AGAIN + m]):
                for j in range(m):
                    if state[AGAIN + j] != 0.0:
                        k = 0 if single else start + j
                        cx, cy, xy, d, e = _again(x, y, t, window, start + j, k)
                        state[CX + j] = cx
                        state[CY + j] = cy
                        state[CXY + j] = xy
                        # What the residual needs is the newest pair less its means.
                        state[DX + j], state[MX + j] = d, 0.0
                        state[DY + j], state[MY + j] = e, 0.0
            to = out[t, start:stop]
            if what == COV:
                for j in range(m):
                    n = state[ALL + j]
                    to[j] = state[CXY + j] / (n - 1.0) if n >= least else np.nan
            elif what == BETA:
                for j in range(m):
                    usable = (state[ALL + j] >= least) & (state[CY + j] > 0.0)
                    to[j] = state[CXY + j] / state[CY + j] if usable else np.nan
            elif what == RESIDUAL:
                for j in range(m):
                    e = (state[DY + j] - state[MY + j]) * state[CXY + j] / state[CY + j]
                    usable = (state[ALL + j] >= least) & (state[CY + j] > 0.0)
                    usable = usable & (state[KNOWN + j] > 0.0)
                    to[j] = state[DX + j] - state[MX + j] - e if usable else np.nan
            else:
                for j in range(m):
                    r = state[CXY + j] / np.sqrt(state[CX + j]) / np.sqrt(state[CY + j])
                    r = 1.0 if r > 1.0 else r  # noqa: FURB136 - NaN must stay
                    r = -1.0 if r < -1.0 else r  # noqa: FURB136 - likewise
                    usable = (state[CX + j] > 0.0) & (state[CY + j] > 0.0)
                    usable = usable & (state[ALL + j] >= least)
                    r = r if what == CORR else r * r
                    to[j] = r if usable else np.nan
        if last == rows:
            return
        for t in range(first, last + 1):
            _lay_out(state, x, y, t, start, stop)
            _take_origin(state, m)
        after[window] = 0.0
        for i in range(window - 1, 0, -1):
            _lay_out(state, x, y, first + i, start, stop)
            _centre(state, m)
            _add(after[i], after[i + 1], state, m)
