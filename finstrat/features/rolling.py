"""Statistics of the trailing window of each series.

A window counts its known values only; with fewer than `min_periods` of them (default: the whole
window) the result is NaN. An infinity spoils the windows it is in and no other. Row t uses the rows
t − window + 1 to t and nothing later.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from finstrat.features import compiled, windows
from finstrat.features.kernels import extremes, moments, order, tails
from finstrat.features.tensors import matrix, result, whole, within

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from finstrat.features.compiled import Array

    Kernel = Callable[[Array, Array, int, int, int, int], None]
    Reduction = Callable[..., torch.Tensor]

_NOTHING = np.empty((0, 0))


def least_known(window: int, min_periods: int | None, *, fewest: int) -> int:
    """How many known values a window must hold: `min_periods`, by default all of it.

    Raises:
        DataError: for a `window` below `fewest`, or `min_periods` outside `[1, window]`.
    """
    whole(window, "window", least=fewest)
    if min_periods is None:
        return window
    whole(min_periods, "min_periods")
    within(min_periods, "min_periods", low=0, high=window + 1)
    return max(min_periods, fewest)


def _rolling(
    x: torch.Tensor,
    kernel: Kernel,
    reduction: Reduction,
    *,
    window: int,
    min_periods: int | None,
    out: torch.Tensor | None,
    fewest: int = 1,
    in_flight: int = 2,
) -> torch.Tensor:
    """`kernel` on the CPU, `reduction` elsewhere, of every trailing window of `x`."""
    least = least_known(window, min_periods, fewest=fewest)
    values = matrix(x)
    filled = result(x, out)
    target = filled.view(values.shape)
    window = min(window, max(1, len(values)))
    if compiled.serves(values):
        source, to = values.numpy(), target.numpy()
        compiled.over_groups(
            lambda start, stop: kernel(source, to, window, least, start, stop),
            source.shape[1],
            size=source.size,
            in_flight=window * in_flight,
        )
    else:
        windows.by_windows(
            (values,),
            lambda w: windows.at_least(reduction(w), windows.count(w), least),
            window=window,
            out=target,
        )
    return filled


def _sums(what: int) -> Kernel:
    return lambda x, out, window, least, start, stop: moments.sums(
        x, out, window, least, what, start, stop
    )


def _spreads(what: int) -> Kernel:
    return lambda x, out, window, least, start, stop: moments.spreads(
        x, out, _NOTHING, _NOTHING, window, least, what, start, stop
    )


def _extremes(what: int) -> Kernel:
    return lambda x, out, window, least, start, stop: extremes.extremes(
        x, out, window, least, what, start, stop
    )


def _tails(what: int) -> Kernel:
    return lambda x, out, window, least, start, stop: tails.tails(
        x, out, window, least, what, start, stop
    )


def _quantiles(q: float) -> Kernel:
    return lambda x, out, window, least, start, stop: order.quantiles(
        x, out, window, least, q, start, stop
    )


def rolling_sum(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Σ of the window's known values."""
    kernel = _sums(moments.SUM)
    return _rolling(x, kernel, windows.total, window=window, min_periods=min_periods, out=out)


def rolling_mean(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The mean of the window's known values."""
    kernel = _sums(moments.MEAN)
    return _rolling(x, kernel, windows.mean, window=window, min_periods=min_periods, out=out)


def rolling_var(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The variance of the window's known values, with n − 1."""
    return _rolling(
        x,
        _spreads(moments.VAR),
        windows.variance,
        window=window,
        min_periods=min_periods,
        out=out,
        fewest=2,
        in_flight=3,
    )


def rolling_std(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The standard deviation of the window's known values, with n − 1."""
    return _rolling(
        x,
        _spreads(moments.STD),
        windows.std,
        window=window,
        min_periods=min_periods,
        out=out,
        fewest=2,
        in_flight=3,
    )


def rolling_zscore(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """(x_t − mean) / standard deviation of the window that ends at t; NaN where that is 0."""
    return _rolling(
        x,
        _spreads(moments.ZSCORE),
        windows.zscore,
        window=window,
        min_periods=min_periods,
        out=out,
        fewest=2,
        in_flight=3,
    )


@dataclass(frozen=True)
class Moments:
    """What one pass over the windows of a series says: each of the shape of the series."""

    mean: torch.Tensor
    std: torch.Tensor
    zscore: torch.Tensor


def rolling_moments(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: Moments | None = None,
) -> Moments:
    """`rolling_mean`, `rolling_std` and `rolling_zscore` in one pass over `x`."""
    least = least_known(window, min_periods, fewest=2)
    values = matrix(x)
    if out is None:
        out = Moments(result(x, None), result(x, None), result(x, None))
    means, stds, zscores = (
        result(x, part).view(values.shape) for part in (out.mean, out.std, out.zscore)
    )
    if not compiled.serves(values):
        for function, to in ((rolling_mean, means), (rolling_std, stds), (rolling_zscore, zscores)):
            function(values, window, min_periods=least, out=to)
        return out
    window = min(window, max(1, len(values)))
    source, m, s, z = values.numpy(), means.numpy(), stds.numpy(), zscores.numpy()
    compiled.over_groups(
        lambda start, stop: moments.spreads(
            source, s, m, z, window, least, moments.ALL, start, stop
        ),
        source.shape[1],
        size=source.size,
        in_flight=window * 3,
    )
    return out


def rolling_skew(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The window's skewness, adjusted Fisher–Pearson (bias-corrected); NaN where constant."""
    return _rolling(
        x,
        _tails(tails.SKEW),
        windows.skew,
        window=window,
        min_periods=min_periods,
        out=out,
        fewest=3,
        in_flight=6,
    )


def rolling_kurt(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The window's excess kurtosis, bias-corrected (0 for a normal law); NaN where constant."""
    return _rolling(
        x,
        _tails(tails.KURT),
        windows.kurt,
        window=window,
        min_periods=min_periods,
        out=out,
        fewest=4,
        in_flight=6,
    )


def rolling_max(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The window's greatest known value."""
    kernel = _extremes(extremes.MAX)
    return _rolling(x, kernel, windows.largest, window=window, min_periods=min_periods, out=out)


def rolling_min(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The window's least known value."""
    kernel = _extremes(extremes.MIN)
    return _rolling(x, kernel, windows.smallest, window=window, min_periods=min_periods, out=out)


def rolling_argmax(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Sessions since the window's greatest known value: 0 = today; the latest of equal ones."""
    return _rolling(
        x,
        _extremes(extremes.ARGMAX),
        windows.age_of_largest,
        window=window,
        min_periods=min_periods,
        out=out,
    )


def rolling_argmin(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Sessions since the window's least known value: 0 = today; the latest of equal ones."""
    return _rolling(
        x,
        _extremes(extremes.ARGMIN),
        windows.age_of_smallest,
        window=window,
        min_periods=min_periods,
        out=out,
    )


def rolling_quantile(
    x: torch.Tensor,
    window: int,
    q: float,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The q-quantile of the window's known values, 0 ≤ q ≤ 1, linear between order statistics."""
    within(q, "q", low=-1e-300, high=1.0 + 1e-15)
    return _rolling(
        x,
        _quantiles(q),
        partial(windows.quantile, q=q),
        window=window,
        min_periods=min_periods,
        out=out,
        in_flight=6,
    )


def rolling_median(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The median of the window's known values; the mean of the middle two where n is even."""
    return rolling_quantile(x, window, 0.5, min_periods=min_periods, out=out)


def rolling_rank(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """`(r − ½) / n`, r the rank of x_t in the window that ends at t, ties averaged."""
    return _rolling(
        x,
        order.ranks,
        windows.rank,
        window=window,
        min_periods=min_periods,
        out=out,
        in_flight=1,
    )
