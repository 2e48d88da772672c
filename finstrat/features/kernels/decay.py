"""Memory that fades: one step a session for every column, all columns of a group side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.features.compiled import LANE, compiled

if TYPE_CHECKING:
    from finstrat.features.compiled import Array, Index

A, B, C = (k * LANE for k in range(3))


@compiled
def average(x: Array, out: Array, decay: float, start: int, stop: int) -> None:
    """Fill `out[:, start:stop]` with the weighted mean of the known values so far."""
    m = stop - start
    state = np.zeros(2 * LANE)  # A: weighted sum, B: weights
    for t in range(x.shape[0]):
        row = x[t, start:stop]
        to = out[t, start:stop]
        for j in range(m):
            known = row[j] == row[j]
            s = state[j] * decay + (row[j] if known else 0.0)
            k = state[B + j] * decay + (1.0 if known else 0.0)
            state[j] = s
            state[B + j] = k
            to[j] = s / k  # 0 / 0, unknown, before the first


@compiled
def deviation(x: Array, out: Array, decay: float, start: int, stop: int) -> None:
    """Fill `out[:, start:stop]` with the weighted standard deviation of the known values so far.

    The weighted sum of squares about the mean is carried on itself (West 1979): it never cancels.
    """
    m = stop - start
    state = np.zeros(4 * LANE)  # weights, mean, squares about it, squared weights
    for t in range(x.shape[0]):
        row = x[t, start:stop]
        to = out[t, start:stop]
        for j in range(m):
            known = row[j] == row[j]
            old = state[j] * decay
            k = old + (1.0 if known else 0.0)
            d = row[j] - state[B + j] if known else 0.0
            share = d / k if known else 0.0
            squares = state[C + j] * decay + old * d * share
            ww = state[3 * LANE + j] * decay * decay + (1.0 if known else 0.0)
            state[j] = k
            state[B + j] += share
            state[C + j] = squares
            state[3 * LANE + j] = ww
            # Unbiased for weights that express reliability: one value alone says nothing.
            left = k * k - ww
            v = squares * k / left
            to[j] = np.sqrt(v) if left > 1e-14 * k * k else np.nan


@compiled
def events(
    values: Array, sessions: Index, assets: Index, out: Array, decay: float, start: int, stop: int
) -> None:
    """Fill `out[:, start:stop]` with the faded sum of the events of each column so far."""
    rows = out.shape[0]
    for t in range(rows):
        out[t, start:stop] = 0.0
    for i in range(values.shape[0]):
        t, n = sessions[i], assets[i]
        if start <= n < stop and 0 <= t < rows and values[i] == values[i]:
            out[t, n] += values[i]
    for t in range(1, rows):
        to = out[t, start:stop]
        before = out[t - 1, start:stop]
        for j in range(stop - start):
            to[j] += decay * before[j]


@compiled
def event_means(
    values: Array,
    weights: Array,
    sessions: Index,
    assets: Index,
    out: Array,
    decay: float,
    start: int,
    stop: int,
) -> None:
    """Fill `out[:, start:stop]` with the faded, weighted mean of each column's events so far."""
    rows, m = out.shape[0], stop - start
    come = np.zeros((rows, m))
    for t in range(rows):
        out[t, start:stop] = 0.0
    for i in range(values.shape[0]):
        t, n = sessions[i], assets[i]
        if start <= n < stop and 0 <= t < rows and values[i] == values[i]:
            out[t, n] += values[i] * weights[i]
            come[t, n - start] += weights[i]
    total = np.zeros(m)
    weight = np.zeros(m)
    for t in range(rows):
        to = out[t, start:stop]
        new = come[t]
        for j in range(m):
            s = total[j] * decay + to[j]
            k = weight[j] * decay + new[j]
            total[j] = s
            weight[j] = k
            to[j] = s / k if k >= 1e-12 else np.nan
