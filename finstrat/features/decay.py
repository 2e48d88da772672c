"""Memory that fades: exponential averages of series, and of events that come at any time.

A half-life counts sessions: what is `half_life` sessions old weighs one half. Row t uses rows and
events up to t only.
"""

from __future__ import annotations

import math

import torch

from finstrat.errors import DataError
from finstrat.features.tensors import empty, matrix, result, within

TINY_WEIGHT = 1e-12
"""Below this total weight, events are so long past that their mean is unknown again."""


def decay_of(half_life: float) -> float:
    """The weight that one session leaves, `0.5 ** (1 / half_life)`."""
    return 0.5 ** (1.0 / within(half_life, "half_life", low=0.0, high=math.inf))


def decaying_sum(x: torch.Tensor, decay: float) -> torch.Tensor:
    """`y[t] = x[t] + decay · y[t − 1]`, in place, by doubling: log₂ T passes instead of T steps."""
    step, factor = 1, decay
    while step < len(x) and factor > 0.0:
        x[step:] += factor * x[:-step]
        step, factor = step * 2, factor * factor
    return x


def ewma(x: torch.Tensor, half_life: float, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """The exponentially weighted mean of the known values so far, of the shape of `x`.

    Weights are `0.5 ** (age / half_life)` by age in sessions and add up to one (pandas'
    `ewm(halflife).mean()`). An unknown value is skipped and the mean carried on; NaN before the
    first known value. An infinity stays in the mean from then on.
    """
    decay = decay_of(half_life)
    values = matrix(x)
    known = ~values.isnan()
    weighted = decaying_sum(torch.where(known, values, 0.0), decay)
    weights = decaying_sum(known.to(torch.float64), decay)
    filled = result(x, out) if out is not None else empty(tuple(x.shape), x.device)
    filled.view(values.shape).copy_(torch.where(weights > 0, weighted / weights, math.nan))
    return filled


def decayed_sum(
    values: torch.Tensor,
    sessions: torch.Tensor,
    shape: tuple[int, int],
    *,
    assets: torch.Tensor | None = None,
    half_life: float,
) -> torch.Tensor:
    """Σ value · 0.5 ** (age / half_life) over the events so far, `[T, N]`, or `[T]` for a market.

    Args:
        values: of D events, `[D]`; an unknown value is skipped.
        sessions: the first session that may use each event, int64 `[D]`; T = none, skipped.
        shape: `(T, N)`.
        assets: the column of each event, int64 `[D]`, −1 skipped; None: all count for the market.
        half_life: in sessions.

    0 where no event has come yet. Row t uses the events with session ≤ t.
    """
    decay = decay_of(half_life)
    rows, columns = shape[0], 1 if assets is None else shape[1]
    events = matrix(values, "values").view(-1)
    at = torch.zeros_like(sessions) if assets is None else assets
    for name, index in {"sessions": sessions, "assets": at}.items():
        if index.shape != events.shape or index.dtype != torch.int64:
            raise DataError(
                f"{name}: expected int64 {tuple(events.shape)},"
                f" got {index.dtype} {tuple(index.shape)}"
            )
    counts = ~events.isnan() & (sessions < rows) & (at >= 0)
    if bool((counts & ((sessions < 0) | (at >= columns))).any()):
        raise DataError(f"events: expected sessions in [0, {rows}] and assets in [-1, {columns})")
    sums = torch.zeros((rows, columns), dtype=torch.float64, device=events.device)
    # Accumulating by index_put_ adds in one fixed order on CUDA too; scatter_add_ does not.
    sums.index_put_((sessions[counts], at[counts]), events[counts], accumulate=True)
    faded = decaying_sum(sums, decay)
    return faded.squeeze(1) if assets is None else faded


def decayed_mean(
    values: torch.Tensor,
    sessions: torch.Tensor,
    shape: tuple[int, int],
    *,
    assets: torch.Tensor | None = None,
    half_life: float,
) -> torch.Tensor:
    """The events' mean so far, weighted by 0.5 ** (age / half_life): `[T, N]`, or `[T]`.

    Arguments are those of `decayed_sum`. NaN where no event has come yet, or where all are so old
    that their weights add up to less than 1e-12.
    """
    known = torch.where(values.isnan(), math.nan, 1.0).to(torch.float64)
    weights = decayed_sum(known, sessions, shape, assets=assets, half_life=half_life)
    sums = decayed_sum(values, sessions, shape, assets=assets, half_life=half_life)
    return torch.where(weights >= TINY_WEIGHT, sums / weights, math.nan)
