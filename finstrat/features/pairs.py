"""How series move with one another, with the market or with time, in trailing windows.

A session counts where both series are known. `y` is a series each, of the shape of `x`, or one for
all, `[T]`. Row t uses the rows t − window + 1 to t and nothing later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from finstrat.errors import DataError
from finstrat.features import compiled, windows
from finstrat.features.kernels import pairs
from finstrat.features.rolling import least_known
from finstrat.features.tensors import apart, matrix, result, same_shape

if TYPE_CHECKING:
    from collections.abc import Callable

_REDUCTIONS: dict[int, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    pairs.COV: windows.covariance,
    pairs.CORR: windows.correlation,
    pairs.BETA: windows.beta,
    pairs.RESIDUAL: windows.residual,
    pairs.R2: windows.fit,
}


def _paired(
    what: int,
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    window: int,
    min_periods: int | None,
    out: torch.Tensor | None,
) -> torch.Tensor:
    least = least_known(window, min_periods, fewest=2)
    values = matrix(x)
    if y.dim() == 1 and len(y) == len(x):
        other = matrix(y, "y")
    else:
        same_shape(x, y=y)
        other = matrix(y, "y")
    filled = result(x, out)
    target = filled.view(values.shape)
    apart(y, filled)
    window = min(window, max(1, len(values)))
    if compiled.serves(values):
        a, b, to = values.numpy(), other.numpy(), target.numpy()
        compiled.over_groups(
            lambda start, stop: pairs.pairs(a, b, to, window, least, what, start, stop),
            a.shape[1],
            size=a.size,
            in_flight=window * 7,
        )
        return filled

    def reduced(v: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        n = (~(v.isnan() | w.isnan())).sum(-1)
        return windows.at_least(_REDUCTIONS[what](v, w), n, least)

    windows.by_windows((values, other), reduced, window=window, out=target)
    return filled


def rolling_cov(
    x: torch.Tensor,
    y: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The covariance of x and y over the window, with n − 1."""
    return _paired(pairs.COV, x, y, window=window, min_periods=min_periods, out=out)


def rolling_corr(
    x: torch.Tensor,
    y: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Pearson's correlation of x and y over the window, in [−1, 1]; NaN where one is constant."""
    return _paired(pairs.CORR, x, y, window=window, min_periods=min_periods, out=out)


def rolling_beta(
    x: torch.Tensor,
    y: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The slope of x on y (the market, say) over the window; NaN where y is constant."""
    return _paired(pairs.BETA, x, y, window=window, min_periods=min_periods, out=out)


def rolling_residual(
    x: torch.Tensor,
    y: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """x_t less its regression on y and a constant over the window; NaN where y is constant."""
    return _paired(pairs.RESIDUAL, x, y, window=window, min_periods=min_periods, out=out)


def _sessions(x: torch.Tensor) -> torch.Tensor:
    if x.dim() not in (1, 2, 3):
        raise DataError(f"x: expected [time, asset], got {tuple(x.shape)}")
    return torch.arange(len(x), dtype=torch.float64, device=x.device)


def rolling_slope(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The slope of the window's linear trend, in units of x a session."""
    return rolling_beta(x, _sessions(x), window, min_periods=min_periods, out=out)


def rolling_r2(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """How well the window's linear trend fits, in [0, 1]; NaN where x is constant."""
    time = _sessions(x)
    return _paired(pairs.R2, x, time, window=window, min_periods=min_periods, out=out)
