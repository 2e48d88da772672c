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
def _write(state: Array, to: Array, least: int, what: int) -> None:
    """Fill `to` with what is asked for, from MX … ALL."""
    m = to.shape[0]
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
            r = state[CXY + j] / (np.sqrt(state[CX + j]) * np.sqrt(state[CY + j]))
            r = 1.0 if r > 1.0 else r  # noqa: FURB136 - NaN must stay
            r = -1.0 if r < -1.0 else r  # noqa: FURB136 - likewise
            usable = (state[CX + j] > 0.0) & (state[CY + j] > 0.0)
            usable = usable & (state[ALL + j] >= least)
            r = r if what == CORR else r * r
            to[j] = r if usable else np.nan


@compiled
def _counted(
    x: Array,
    y: Array,
    out: Array,
    after: Array,
    state: Array,
    first: int,
    last: int,
    window: int,
    least: int,
    what: int,
    start: int,
    stop: int,
) -> None:
    """Fill the block's rows, counting the sessions in which both are known."""
    m = stop - start
    state[:OX] = 0.0
    for t in range(first, last):
        _lay_out(state, x, y, t, start, stop)
        _centre(state, m)
        _accumulate(state, m)
        _whole(state, after[t - first + 1], m)
        if np.any(state[AGAIN : AGAIN + m]):
            for j in range(m):
                if state[AGAIN + j] != 0.0:
                    k = 0 if y.shape[1] == 1 else start + j
                    cx, cy, xy, d, e = _again(x, y, t, window, start + j, k)
                    state[CX + j] = cx
                    state[CY + j] = cy
                    state[CXY + j] = xy
                    # What the residual needs is the newest pair less its means.
                    state[DX + j], state[MX + j] = d, 0.0
                    state[DY + j], state[MY + j] = e, 0.0
        _write(state, out[t, start:stop], least, what)


@compiled
def _rest_counted(
    x: Array, y: Array, after: Array, state: Array, first: int, window: int, start: int, stop: int
) -> None:
    """Fill `after` with the sums from each row of the block to its end, and their counts."""
    after[window] = 0.0
    for i in range(window - 1, 0, -1):
        _lay_out(state, x, y, first + i, start, stop)
        _centre(state, stop - start)
        _add(after[i], after[i + 1], state, stop - start)


@compiled
def _plain(
    x: Array,
    y: Array,
    out: Array,
    after: Array,
    market: Array,
    state: Array,
    first: int,
    last: int,
    least: int,
    what: int,
    start: int,
    stop: int,
) -> None:
    """The same as `_counted`, to the last bit, where nothing is unknown.

    With a single `y` its sums are the same in every column: `market` holds those of the rest.
    """
    m, window = stop - start, after.shape[0] - 1
    single = y.shape[1] == 1
    state[:OX] = 0.0
    sy, syy = 0.0, 0.0
    for t in range(first, last):
        row, other = x[t, start:stop], y[t, 0 if single else start : 1 if single else stop]
        rest = after[t - first + 1]
        n = 1.0 * (window if first > 0 else t + 1)
        by_n = 1.0 / n
        if single:
            e = other[0] - state[OY]
            sy += e
            syy += e * e
            my = (sy + market[t - first + 1, 0]) * by_n
            cy = syy + market[t - first + 1, 1] - n * my * my
            for j in range(m):
                d = row[j] - state[OX + j]
                sx = state[X + j] + d
                xy = state[XY + j] + d * e
                state[X + j] = sx
                state[XY + j] = xy
                mx = (sx + rest[X + j]) * by_n
                state[MX + j] = mx
                state[CXY + j] = xy + rest[XY + j] - n * mx * my
            state[CY : CY + m] = cy
        else:
            for j in range(m):
                d = row[j] - state[OX + j]
                sx = state[X + j] + d
                state[X + j] = sx
                state[MX + j] = (sx + rest[X + j]) * by_n
            for j in range(m):
                e = other[j] - state[OY + j]
                s = state[Y + j] + e
                yy = state[YY + j] + e * e
                state[Y + j] = s
                state[YY + j] = yy
                my = (s + rest[Y + j]) * by_n
                state[MY + j] = my
                state[CY + j] = yy + rest[YY + j] - n * my * my
            for j in range(m):
                xy = state[XY + j] + (row[j] - state[OX + j]) * (other[j] - state[OY + j])
                state[XY + j] = xy
                state[CXY + j] = xy + rest[XY + j] - n * state[MX + j] * state[MY + j]
        if what in (CORR, R2):
            for j in range(m):
                d = row[j] - state[OX + j]
                xx = state[XX + j] + d * d
                state[XX + j] = xx
                mx = state[MX + j]
                state[CX + j] = xx + rest[XX + j] - n * mx * mx
        elif what == RESIDUAL:
            _lay_out(state, x, y, t, start, stop)
            _centre(state, m)
            if single:
                state[MY : MY + m] = my
        state[ALL : ALL + m] = n
        _write(state, out[t, start:stop], least, what)
    if single:
        state[Y] = sy


@compiled
def _rest_plain(
    x: Array,
    y: Array,
    after: Array,
    market: Array,
    state: Array,
    first: int,
    what: int,
    start: int,
    stop: int,
) -> None:
    """The same as `_rest_counted` where nothing is unknown, of the sums that `_plain` needs."""
    m, window = stop - start, after.shape[0] - 1
    single = y.shape[1] == 1
    after[window] = 0.0
    market[window] = 0.0
    for i in range(window - 1, 0, -1):
        row = x[first + i, start:stop]
        other = y[first + i, 0 if single else start : 1 if single else stop]
        rest, more = after[i], after[i + 1]
        if single:
            e = other[0] - state[OY]
            market[i, 0] = market[i + 1, 0] + e
            market[i, 1] = market[i + 1, 1] + e * e
            for j in range(m):
                d = row[j] - state[OX + j]
                rest[X + j] = more[X + j] + d
                rest[XY + j] = more[XY + j] + d * e
        else:
            for j in range(m):
                d, e = row[j] - state[OX + j], other[j] - state[OY + j]
                rest[X + j] = more[X + j] + d
                rest[Y + j] = more[Y + j] + e
                rest[YY + j] = more[YY + j] + e * e
                rest[XY + j] = more[XY + j] + d * e
        if what in (CORR, R2):
            for j in range(m):
                d = row[j] - state[OX + j]
                rest[XX + j] = more[XX + j] + d * d


@compiled
def _all_finite(row: Array) -> bool:
    found = 0
    for j in range(row.shape[0]):
        found += row[j] - row[j] != 0.0
    return found == 0


@compiled
def _all_known(row: Array) -> bool:
    found = 0
    for j in range(row.shape[0]):
        found += row[j] != row[j]
    return found == 0


@compiled
def pairs(
    x: Array, y: Array, out: Array, window: int, least: int, what: int, start: int, stop: int
) -> None:
    """Fill `out[:, start:stop]` from the pairs of `x [T, M]` and `y` (`[T, M]`, or `[T, 1]`).

    A session counts where both are known. RESIDUAL is x less its regression on y, R2 its fit. A
    block is first taken to be known throughout. If that leaves its sums NaN it wasn't, and is done
    again with a count of what is known.
    """
    rows, m = x.shape[0], stop - start
    y_start, y_stop = (0, 1) if y.shape[1] == 1 else (start, stop)
    after = np.zeros((window + 1, 6 * LANE))
    market = np.zeros((window + 1, 2))
    state = np.zeros(18 * LANE)
    for t in range(min(window, rows) - 1, -1, -1):
        _lay_out(state, x, y, t, start, stop)
        _take_origin(state, m)
    before_unknown = False
    for first in range(0, rows, window):
        last = min(first + window, rows)
        # Where the first row is finite it is the origin, the same for every column of a single y.
        unknown = before_unknown or not (
            _all_finite(x[first, start:stop]) and _all_finite(y[first, y_start:y_stop])
        )
        if not unknown:
            _plain(x, y, out, after, market, state, first, last, least, what, start, stop)
            unknown = not (
                _all_known(state[X : X + m])
                and _all_known(state[Y : Y + m])
                and _all_known(state[XY : XY + m])
            )
        if unknown:
            if first > 0 and not before_unknown:
                _rest_counted(x, y, after, state, first - window, window, start, stop)
            _counted(x, y, out, after, state, first, last, window, least, what, start, stop)
            unknown = False
            for t in range(first, last):
                unknown = unknown or not (
                    _all_known(x[t, start:stop]) and _all_known(y[t, y_start:y_stop])
                )
        if last == rows:
            return
        if _all_finite(x[last, start:stop]) and _all_finite(y[last, y_start:y_stop]):
            _lay_out(state, x, y, last, start, stop)
            _take_origin(state, m)
        else:
            for t in range(first, last + 1):
                _lay_out(state, x, y, t, start, stop)
                _take_origin(state, m)
            # Then the next block counts, whatever it holds.
            unknown = True
        if unknown:
            _rest_counted(x, y, after, state, first, window, start, stop)
        else:
            _rest_plain(x, y, after, market, state, first, what, start, stop)
        before_unknown = unknown
