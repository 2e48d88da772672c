"""How far, and for how long, an account stood below its highest value.

The initial capital is the first high, so a loss in the very first session counts. Functions of
simple returns `[T]`; NaN = unknown and left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import Floats, known, observed, unknown

if TYPE_CHECKING:
    from finstrat.risk.figure import Figure


def drawdowns(returns: Floats) -> Floats:
    """Value over its highest value so far, less 1, `[T]`, each ≤ 0; NaN where the return is."""
    r = np.asarray(returns, dtype=np.float64)
    value = np.cumprod(1.0 + np.nan_to_num(r))
    high = np.maximum.accumulate(np.maximum(value, 1.0))
    result: Floats = np.where(np.isnan(r), np.nan, value / high - 1.0)
    return result


def max_drawdown(returns: Floats) -> Figure:
    """The deepest drawdown, a fraction ≤ 0."""
    r = observed(returns)
    if not len(r):
        return unknown("drawdown.maximum", n=0, reason="no return is known")
    return known("drawdown.maximum", float(drawdowns(r).min()), n=len(r))


def longest_drawdown(returns: Floats) -> Figure:
    """The most sessions in a row below the highest value so far; one that still lasts counts."""
    r = observed(returns)
    if not len(r):
        return unknown("drawdown.longest", n=0, reason="no return is known")
    # Compounding back to a high leaves rounding of about 1e-16 a session.
    below = drawdowns(r) < -1e-12
    session = np.arange(1, len(r) + 1)
    last_high = np.maximum.accumulate(np.where(below, 0, session))
    return known("drawdown.longest", int((session - last_high).max()), n=len(r))


def calmar(growth: Figure, deepest: Figure) -> Figure:
    """Yearly growth over the depth of the drawdown (Young 1991), out of the two figures."""
    n = growth.n
    if growth.value is None:
        return unknown("calmar.maximum-drawdown", n=n, reason=growth.reason_if_null)
    if deepest.value is None or deepest.value == 0.0:
        reason = deepest.reason_if_null or "the account never stood below a high"
        return unknown("calmar.maximum-drawdown", n=n, reason=reason)
    return known("calmar.maximum-drawdown", growth.value / -deepest.value, n=n)
