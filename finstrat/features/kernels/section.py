"""Comparing the assets of one session: ranks with ties, limits, projections. Groups are of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array, Index


@compiled
def _quantile(ordered: Array, n: int, q: float) -> float:
    at = q * (n - 1)
    below = int(at)
    low: float = ordered[below]
    part = at - below
    if part > 0.0 and ordered[below + 1] != low:
        high: float = ordered[below + 1]
        return low + part * (high - low)
    return low


@compiled
def average_ranks(x: Array, order: Index, out: Array, start: int, stop: int) -> None:
    """Fill `out[start:stop]` with (r − ½)/n from the `order` that sorts each row, NaN last."""
    for t in range(start, stop):
        row, by, to = x[t], order[t - start], out[t]
        n = row.shape[0]
        while n > 0 and row[by[n - 1]] != row[by[n - 1]]:
            n -= 1
            to[by[n]] = np.nan
        i = 0
        scale = 0.5 / n
        while i < n:
            v = row[by[i]]
            k = i + 1
            while k < n and row[by[k]] == v:
                k += 1
            r = (i + k) * scale
            for at in range(i, k):
                to[by[at]] = r
            i = k


@compiled
def held(x: Array, ordered: Array, out: Array, limit: float, start: int, stop: int) -> None:
    """Fill `out[start:stop]` with rows held between their own quantiles `limit` and 1 − `limit`."""
    for t in range(start, stop):
        row, by, to = x[t], ordered[t - start], out[t]
        n = row.shape[0]
        while n > 0 and by[n - 1] != by[n - 1]:
            n -= 1
        bounds = (np.nan, np.nan)
        if n > 0:
            bounds = (_quantile(by, n, limit), _quantile(by, n, 1.0 - limit))
        for j in range(row.shape[0]):
            v = row[j]
            v = bounds[0] if v < bounds[0] else v  # noqa: FURB136 - NaN must stay
            to[j] = bounds[1] if v > bounds[1] else v  # noqa: FURB136 - likewise


@compiled
def _product(a: Array, b: Array, w: Array) -> float:
    """Σ w·a·b, in eight sums side by side: one after the other would wait for each addition."""
    n = a.shape[0]
    whole = n - n % 8
    s0, s1, s2, s3, s4, s5, s6, s7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(0, whole, 8):
        s0 += w[j] * a[j] * b[j]
        s1 += w[j + 1] * a[j + 1] * b[j + 1]
        s2 += w[j + 2] * a[j + 2] * b[j + 2]
        s3 += w[j + 3] * a[j + 3] * b[j + 3]
        s4 += w[j + 4] * a[j + 4] * b[j + 4]
        s5 += w[j + 5] * a[j + 5] * b[j + 5]
        s6 += w[j + 6] * a[j + 6] * b[j + 6]
        s7 += w[j + 7] * a[j + 7] * b[j + 7]
    for j in range(whole, n):
        s0 += w[j] * a[j] * b[j]
    return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))


@compiled
def residuals(
    y: Array, groups: Index, styles: Array, weights: Array, out: Array, start: int, stop: int
) -> None:
    """Fill `out[start:stop]` with what group dummies and K styles leave of each row of `y`.

    Weighted least squares by Frisch, Waugh and Lovell: group means come off everything first, then
    each style in turn (modified Gram and Schmidt); one that the others already span is left out.
    `groups` and `weights` are `[T, N]`, or `[1, N]` for all rows alike; -1 is no group.
    """
    n, count = y.shape[1], styles.shape[2]
    kinds = 0
    for i in range(groups.shape[0]):
        for j in range(n):
            kinds = max(kinds, groups[i, j] + 1)
    work = np.zeros((count + 1, n))
    weight = np.zeros(n)
    of = np.zeros(n, dtype=np.int64)
    scale = np.zeros(count)
    total = np.zeros((kinds + 1, count + 2))  # the last row takes those of no group, or unknown
    for t in range(start, stop):
        group = groups[t if groups.shape[0] > 1 else 0]
        w = weights[t if weights.shape[0] > 1 else 0]
        row, style = y[t], styles[t]
        total[:] = 0.0
        for j in range(n):
            usable = (row[j] == row[j]) & (group[j] >= 0) & (w[j] > 0.0)
            weight[j] = w[j] if usable else 0.0
        for k in range(count):
            for j in range(n):
                weight[j] = weight[j] if style[j, k] == style[j, k] else 0.0
        for j in range(n):
            of[j] = group[j] if weight[j] > 0.0 else kinds
            total[of[j], count + 1] += weight[j]
        for k in range(count + 1):
            own = work[k]
            for j in range(n):
                z = row[j] if k == count else style[j, k]
                # Who takes no part may be infinite, and 0 · ∞ would be unknown for all.
                z = z if weight[j] > 0.0 else 0.0
                own[j] = z
                total[of[j], k] += weight[j] * z
        for g in range(kinds):
            for k in range(count + 1):
                total[g, k] /= total[g, count + 1]
        for k in range(count + 1):
            own = work[k]
            size = _product(own, own, weight) if k < count else 0.0
            for j in range(n):
                own[j] -= total[of[j], k]
            for before in range(k):
                if scale[before] > 0.0:
                    other = work[before]
                    share = _product(own, other, weight) / scale[before]
                    for j in range(n):
                        own[j] -= share * other[j]
            if k < count:
                left = _product(own, own, weight)
                scale[k] = left if left > 1e-20 * size else 0.0
        to, left_over = out[t], work[count]
        for j in range(n):
            to[j] = left_over[j] if weight[j] > 0.0 else np.nan
