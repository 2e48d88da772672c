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
def residuals(
    y: Array, groups: Index, styles: Array, weights: Array, out: Array, start: int, stop: int
) -> None:
    """Fill `out[start:stop]` with what group dummies and K styles leave of each row of `y`.

    Weighted least squares by Frisch, Waugh and Lovell: group means come off everything first, then
    each style in turn (modified Gram and Schmidt); one that the others already span is left out.
    `groups` is int64 `[N]` or `[T, N]` rows broadcast by the caller, -1 for none.
    """
    n, count = y.shape[1], styles.shape[2]
    kinds = 0
    for i in range(groups.shape[0]):
        for j in range(n):
            kinds = max(kinds, groups[i, j] + 1)
    work = np.zeros((count + 1, n))
    scale = np.zeros(count)
    weight = np.zeros(n)
    total = np.zeros((count + 2, kinds))
    for t in range(start, stop):
        group = groups[t if groups.shape[0] > 1 else 0]
        w = weights[t if weights.shape[0] > 1 else 0]
        total[:] = 0.0
        for j in range(n):
            usable = y[t, j] == y[t, j] and group[j] >= 0 and w[j] > 0.0
            for k in range(count):
                usable = usable and styles[t, j, k] == styles[t, j, k]
            weight[j] = w[j] if usable else 0.0
            if usable:
                work[count, j] = y[t, j]
                total[count + 1, group[j]] += w[j]
                total[count, group[j]] += w[j] * y[t, j]
                for k in range(count):
                    work[k, j] = styles[t, j, k]
                    total[k, group[j]] += w[j] * styles[t, j, k]
            else:
                work[:, j] = 0.0
        for k in range(count + 1):
            for g in range(kinds):
                total[k, g] /= total[count + 1, g]
            size, left = 0.0, 0.0
            for j in range(n):
                if weight[j] > 0.0:
                    size += weight[j] * work[k, j] * work[k, j]
                    work[k, j] -= total[k, group[j]]
                    left += weight[j] * work[k, j] * work[k, j]
            for before in range(k):
                if scale[before] == 0.0:
                    continue
                product = 0.0
                for j in range(n):
                    product += weight[j] * work[k, j] * work[before, j]
                product /= scale[before]
                left = 0.0
                for j in range(n):
                    work[k, j] -= product * work[before, j]
                    left += weight[j] * work[k, j] * work[k, j]
            if k < count:
                scale[k] = left if left > 1e-20 * size else 0.0
        for j in range(n):
            out[t, j] = work[count, j] if weight[j] > 0.0 else np.nan
