"""Figures of a window of sessions that ends at each of them.

Functions of simple returns `[T]`, each `[T]`: row t uses the `window` returns up to t. NaN where
one of them is unknown, fewer have passed, or the figure can't be had. Definitions are those of the
figures of a whole span; a window's return is not annualised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from finstrat.risk.performance import FLAT

if TYPE_CHECKING:
    from finstrat.risk.conventions import Floats


def rolling_return(returns: Floats, window: int) -> Floats:
    """The compounded return of each window, a fraction."""
    return _at_ends(np.prod(1.0 + _windows(returns, window), axis=1) - 1.0, len(returns))


def rolling_volatility(returns: Floats, window: int, *, periods_per_year: float) -> Floats:
    """The annualised standard deviation (n - 1) of each window, a fraction."""
    spread = _windows(returns, window).std(axis=1, ddof=1)
    return _at_ends(spread * periods_per_year**0.5, len(returns))


def rolling_sharpe(
    returns: Floats, window: int, *, periods_per_year: float, risk_free: float = 0.0
) -> Floats:
    """The annualised Sharpe ratio of each window; NaN where its returns never vary."""
    windows = _windows(returns, window)
    spread = windows.std(axis=1, ddof=1)
    excess = windows.mean(axis=1) - risk_free / periods_per_year
    varies = spread > FLAT
    ratio = excess / np.where(varies, spread, 1.0) * periods_per_year**0.5
    return _at_ends(np.where(varies, ratio, np.nan), len(returns))


def rolling_beta(returns: Floats, benchmark: Floats, window: int) -> Floats:
    """The slope on the benchmark's returns in each window; NaN where those never vary."""
    y, x = _windows(returns, window), _windows(benchmark, window)
    x = x - x.mean(axis=1, keepdims=True)
    square = (x * x).mean(axis=1)
    varies = square > FLAT**2
    slope = (x * y).mean(axis=1) / np.where(varies, square, 1.0)
    return _at_ends(np.where(varies & ~np.isnan(square), slope, np.nan), len(returns))


def _windows(values: Floats, window: int) -> Floats:
    if len(values) < window:
        return np.empty((0, window))
    return sliding_window_view(values, window)


def _at_ends(values: Floats, length: int) -> Floats:
    """`values` at the last rows of `length`; NaN before them."""
    return np.concatenate([np.full(length - len(values), np.nan), values])
