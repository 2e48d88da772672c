"""Memory that fades: exponential averages of series, and of events that come at any time.

A half-life counts sessions: what is `half_life` sessions old weighs one half. Row t uses rows and
events up to t only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from finstrat.errors import DataError
from finstrat.features import compiled
from finstrat.features.kernels import decay as kernels
from finstrat.features.tensors import empty, matrix, result, within

if TYPE_CHECKING:
    from collections.abc import Callable

TINY_WEIGHT = 1e-12
"""Below this total weight, events are so long past that their mean is unknown again."""


def decay_of(half_life: float) -> float:
    """The weight that one session leaves, `0.5 ** (1 / half_life)`."""
    return math.pow(0.5, 1.0 / within(half_life, "half_life", low=0.0, high=math.inf))


def _earlier(x: torch.Tensor, step: int) -> torch.Tensor:
    return torch.cat([x.new_zeros((step, x.shape[1])), x[:-step]])


def _decaying_sum(x: torch.Tensor, decay: float) -> torch.Tensor:
    """`y[t] = x[t] + decay · y[t − 1]` by doubling: log₂ T passes instead of T steps."""
    step, factor = 1, decay
    while step < len(x) and factor > 0.0:
        x = x + factor * _earlier(x, step)
        step, factor = step * 2, factor * factor
    return x


def _average(x: torch.Tensor, decay: float) -> torch.Tensor:
    known = ~x.isnan()
    weighted = _decaying_sum(torch.where(known, x, 0.0), decay)
    return weighted / _decaying_sum(known.to(x.dtype), decay)


def _deviation(x: torch.Tensor, decay: float) -> torch.Tensor:
    """The same by doubling: two stretches of time merge as Chan, Golub and LeVeque (1983) do."""
    known = ~x.isnan()
    weight = known.to(x.dtype)
    weights, mean, squares, ww = weight, torch.where(known, x, 0.0), torch.zeros_like(x), weight
    step, factor = 1, decay
    while step < len(x) and factor > 0.0:
        older = factor * _earlier(weights, step)
        both = weights + older
        share = torch.where(both > 0, older / both, 0.0)
        gap = torch.where((older > 0) & (weights > 0), _earlier(mean, step) - mean, 0.0)
        squares = squares + factor * _earlier(squares, step) + gap.square() * share * weights
        mean = torch.where(weights > 0, mean + gap * share, _earlier(mean, step))
        ww = ww + factor * factor * _earlier(ww, step)
        weights = both
        step, factor = step * 2, factor * factor
    left = weights.square() - ww
    enough = left > 1e-14 * weights.square()
    return torch.where(enough, (squares * weights / left).sqrt(), math.nan)


def _faded(
    x: torch.Tensor,
    half_life: float,
    out: torch.Tensor | None,
    *,
    kernel: Callable[..., None],
    otherwise: Callable[[torch.Tensor, float], torch.Tensor],
) -> torch.Tensor:
    decay = decay_of(half_life)
    values = matrix(x)
    filled = result(x, out)
    target = filled.view(values.shape)
    if compiled.serves(values):
        source, to = values.numpy(), target.numpy()
        compiled.over_groups(
            lambda start, stop: kernel(source, to, decay, start, stop),
            source.shape[1],
            size=source.size,
        )
    else:
        target.copy_(otherwise(values, decay))
    return filled


def ewma(x: torch.Tensor, half_life: float, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """The exponentially weighted mean of the known values so far, of the shape of `x`.

    Weights are `0.5 ** (age / half_life)` by age in sessions and add up to one (pandas'
    `ewm(halflife).mean()`). An unknown value is skipped and the mean carried on; NaN before the
    first known value. An infinity stays in the mean from then on.
    """
    return _faded(x, half_life, out, kernel=kernels.average, otherwise=_average)


def ewm_std(x: torch.Tensor, half_life: float, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """The exponentially weighted standard deviation of the known values so far, bias-corrected.

    Weights as in `ewma`; NaN until two values are known, and while all but one have faded to
    nothing (pandas' `ewm(halflife).std()`). An infinity makes it NaN from then on.
    """
    return _faded(x, half_life, out, kernel=kernels.deviation, otherwise=_deviation)


def sessions_since(event: torch.Tensor) -> torch.Tensor:
    """Sessions since `event` (bool, `[T, N]` or `[T]`) last held: 0 = now, NaN before the first."""
    if event.dtype != torch.bool or event.dim() not in (1, 2, 3):
        raise DataError(f"event: expected bool [time, asset], got {event.dtype}")
    rows = torch.arange(len(event), device=event.device).view(-1, *[1] * (event.dim() - 1))
    if len(event) == 0:
        return event.to(torch.float64)
    latest = torch.where(event, rows, -1).cummax(0).values
    return torch.where(latest >= 0, (rows - latest).to(torch.float64), math.nan)


def _events(
    events: tuple[torch.Tensor, ...],
    sessions: torch.Tensor,
    shape: tuple[int, int],
    *,
    assets: torch.Tensor | None,
    half_life: float,
    kernel: Callable[..., None],
    otherwise: Callable[..., torch.Tensor],
) -> torch.Tensor:
    """`kernel` on the CPU, `otherwise` elsewhere, of events: values, perhaps weights."""
    decay = decay_of(half_life)
    rows, columns = shape[0], 1 if assets is None else shape[1]
    values = events[0]
    at = torch.zeros_like(sessions) if assets is None else assets
    for name, index in {"sessions": sessions, "assets": at}.items():
        if index.shape != values.shape or index.dtype != torch.int64:
            raise DataError(
                f"{name}: expected int64 {tuple(values.shape)},"
                f" got {index.dtype} {tuple(index.shape)}"
            )
    for name, index, low, high in (
        ("sessions", sessions, 0, rows),
        ("assets", at, -1, columns - 1),
    ):
        # On the CPU by NumPy: waking torch's threads takes longer than the look itself.
        known = index.numpy() if index.device.type == "cpu" else index
        if len(index) and not low <= int(known.min()) <= int(known.max()) <= high:
            raise DataError(f"{name}: expected from {low} to {high} in a shape of {shape}")
    if compiled.serves(values):
        faded = empty((rows, columns), values.device)
        arrays = [part.contiguous().numpy() for part in (*events, sessions, at)]
        to = faded.numpy()
        compiled.over_groups(
            lambda start, stop: kernel(*arrays, to, decay, start, stop), columns, size=to.size
        )
    else:
        counts = ~values.isnan() & (sessions < rows) & (at >= 0)
        parts = (part[counts] for part in (*events, sessions, at))
        faded = otherwise(*parts, shape=(rows, columns), decay=decay)
    return faded.squeeze(1) if assets is None else faded


def _sum_of_events(
    events: torch.Tensor,
    sessions: torch.Tensor,
    assets: torch.Tensor,
    *,
    shape: tuple[int, int],
    decay: float,
) -> torch.Tensor:
    sums = events.new_zeros(shape)
    # Accumulating by index_put_ adds in one fixed order on CUDA too; scatter_add_ does not.
    sums.index_put_((sessions, assets), events, accumulate=True)
    return _decaying_sum(sums, decay)


def _mean_of_events(
    events: torch.Tensor,
    weights: torch.Tensor,
    sessions: torch.Tensor,
    assets: torch.Tensor,
    *,
    shape: tuple[int, int],
    decay: float,
) -> torch.Tensor:
    sums = _sum_of_events(events * weights, sessions, assets, shape=shape, decay=decay)
    total = _sum_of_events(weights, sessions, assets, shape=shape, decay=decay)
    return torch.where(total >= TINY_WEIGHT, sums / total, math.nan)


def _weights(weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """`weights` as float64, once they are known to be one a value, and none negative or infinite.

    Raises:
        DataError: for others.
    """
    if weights.shape != values.shape or weights.device != values.device:
        raise DataError(
            f"weights: expected {tuple(values.shape)} on {values.device},"
            f" got {tuple(weights.shape)} on {weights.device}"
        )
    given = matrix(weights, "weights").view(-1)
    if (given < 0).any() or given.isinf().any():
        raise DataError("weights: expected finite numbers of at least 0, or NaN for unknown")
    return given


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

    Raises:
        DataError: for positions outside the shape, or that aren't int64 `[D]`.
    """
    return _events(
        (matrix(values, "values").view(-1),),
        sessions,
        shape,
        assets=assets,
        half_life=half_life,
        kernel=kernels.events,
        otherwise=_sum_of_events,
    )


def decayed_mean(
    values: torch.Tensor,
    sessions: torch.Tensor,
    shape: tuple[int, int],
    *,
    assets: torch.Tensor | None = None,
    half_life: float,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """The events' mean so far, weighted by weight · 0.5 ** (age / half_life): `[T, N]`, or `[T]`.

    `weights` are what each event counts before it ages, `[D]`, by default 1; an event with an
    unknown weight is skipped. The other arguments and errors are those of `decayed_sum`. NaN where
    no event has come yet, or where weights add up to less than 1e-12, all being so old or light.

    Raises:
        DataError: as `decayed_sum`, and for a weight that is negative or infinite.
    """
    known = matrix(values, "values").view(-1)
    weight = torch.ones_like(known) if weights is None else _weights(weights, values)
    return _events(
        (torch.where(weight.isnan(), math.nan, known), weight),
        sessions,
        shape,
        assets=assets,
        half_life=half_life,
        kernel=kernels.event_means,
        otherwise=_mean_of_events,
    )
