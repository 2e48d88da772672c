"""Volatility, liquidity and drawdown, as the literature defines them, out of bars and returns.

All are per session; annualising is left to whoever knows the calendar. An unknown input makes its
session unknown. Row t uses rows up to t only.
"""

from __future__ import annotations

import math

import torch

from finstrat.features.rolling import rolling_mean, rolling_std
from finstrat.features.shape import log_returns
from finstrat.features.tensors import matrix, same_shape


def drawdown(prices: torch.Tensor) -> torch.Tensor:
    """`p_t / max(p_0 … p_t) − 1`, in [−1, 0] for prices ≥ 0.

    NaN where the price is unknown, or the highest so far ≤ 0.
    """
    values = matrix(prices).view(prices.shape)
    peak = torch.where(values.isnan(), -math.inf, values).cummax(0).values
    return torch.where(peak > 0, (values - peak) / peak, math.nan)


def realized_volatility(
    returns: torch.Tensor, window: int, *, min_periods: int | None = None
) -> torch.Tensor:
    """√(mean of squared returns) over the window: volatility about zero."""
    squares = matrix(returns).square().view(returns.shape)
    return rolling_mean(squares, window, min_periods=min_periods).sqrt_()


def volatility(
    prices: torch.Tensor, window: int, *, min_periods: int | None = None
) -> torch.Tensor:
    """The standard deviation of one-session log returns over the window."""
    return rolling_std(log_returns(prices), window, min_periods=min_periods)


def parkinson_volatility(
    high: torch.Tensor, low: torch.Tensor, window: int, *, min_periods: int | None = None
) -> torch.Tensor:
    """√(mean of ln(H/L)² / (4 ln 2)) over the window (Parkinson 1980)."""
    same_shape(high, low=low)
    squares = _log_ratio(high, low).square() / (4.0 * math.log(2.0))
    return rolling_mean(squares, window, min_periods=min_periods).sqrt_()


def garman_klass_volatility(
    *,
    open: torch.Tensor,  # noqa: A002 - the field's own name for the price
    high: torch.Tensor,
    low: torch.Tensor,
    close: torch.Tensor,
    window: int,
    min_periods: int | None = None,
) -> torch.Tensor:
    """√(mean of ½ ln(H/L)² − (2 ln 2 − 1) ln(C/O)²) over the window (Garman and Klass 1980).

    NaN where the mean is negative, which only bars that contradict themselves can make it.
    """
    same_shape(open, high=high, low=low, close=close)
    ranges = 0.5 * _log_ratio(high, low).square()
    bodies = (2.0 * math.log(2.0) - 1.0) * _log_ratio(close, open).square()
    return rolling_mean(ranges - bodies, window, min_periods=min_periods).sqrt_()


def amihud_illiquidity(
    returns: torch.Tensor,
    traded_value: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
) -> torch.Tensor:
    """The mean of |return| / traded value over the window, per currency unit (Amihud 2002).

    A session without trade is unknown.
    """
    same_shape(returns, traded_value=traded_value)
    traded = matrix(traded_value).view(returns.shape)
    impact = torch.where(traded > 0, matrix(returns).view(returns.shape).abs() / traded, math.nan)
    return rolling_mean(impact, window, min_periods=min_periods)


def share_turnover(
    volume: torch.Tensor,
    shares: torch.Tensor,
    window: int,
    *,
    min_periods: int | None = None,
) -> torch.Tensor:
    """The mean of volume / shares outstanding over the window, a fraction a session."""
    same_shape(volume, shares=shares)
    outstanding = matrix(shares).view(volume.shape)
    traded = matrix(volume).view(volume.shape)
    share = torch.where(outstanding > 0, traded / outstanding, math.nan)
    return rolling_mean(share, window, min_periods=min_periods)


def _log_ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    x, y = matrix(a).view(a.shape), matrix(b).view(b.shape)
    return torch.where((x > 0) & (y > 0), torch.log1p((x - y) / y), math.nan)
