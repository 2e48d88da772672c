"""Statistics of the trailing window of each series.

A window counts its known values only; with fewer than `min_periods` of them (default: the whole
window) the result is NaN. Row t uses the rows t − window + 1 to t and nothing later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat.features import windows
from finstrat.features.tensors import matrix, result, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


def _rolling(
    reduction: Callable[[torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    *,
    window: int,
    min_periods: int | None,
    out: torch.Tensor | None,
    fewest: int = 1,
) -> torch.Tensor:
    window = whole(window, "window", least=fewest)
    least = window if min_periods is None else whole(min_periods, "min_periods")
    values = matrix(x)
    filled = result(x, out) if out is not None else result(values, None).view(x.shape)

    def reduced(w: torch.Tensor) -> torch.Tensor:
        return windows.at_least(reduction(w), windows.count(w), max(least, fewest))

    windows.by_windows((values,), reduced, window=window, out=filled.view(values.shape))
    return filled


def rolling_sum(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Σ of the window's known values."""
    return _rolling(windows.total, x, window=window, min_periods=min_periods, out=out)


def rolling_mean(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The mean of the window's known values."""
    return _rolling(windows.mean, x, window=window, min_periods=min_periods, out=out)


def rolling_var(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The variance of the window's known values, with n − 1."""
    return _rolling(
        windows.variance, x, window=window, min_periods=min_periods, out=out, fewest=2
    )


def rolling_std(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The standard deviation of the window's known values, with n − 1."""
    return _rolling(windows.std, x, window=window, min_periods=min_periods, out=out, fewest=2)


def rolling_zscore(
    x: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """(x_t − mean) / standard deviation of the window that ends at t; NaN where that is 0."""
    return _rolling(windows.zscore, x, window=window, min_periods=min_periods, out=out, fewest=2)


def realized_volatility(
    returns: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
) -> torch.Tensor:
    """√(mean of squared returns) over the window, per session, not annualised."""
    return rolling_mean(
        matrix(returns).square().view(returns.shape), window, min_periods=min_periods
    ).sqrt_()
