"""Risk budgets: long-only weights whose shares of the portfolio's variance are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import UnsolvedError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def risk_budgeted(
    covariance: NDArray[np.float64],
    budget: NDArray[np.float64],
    *,
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Weights `[M]` with sum 1 and wᵢ(Σw)ᵢ / wᵀΣw = budgetᵢ, to rounding.

    They are the minimum of ½ yᵀΣy − Σ bᵢ log yᵢ, rescaled (Maillard, Roncalli and Teïletche 2010,
    J. Portfolio Management 36(4)), found by Newton's method on correlations, damped as for any
    self-concordant function. `budget` is above 0 with sum 1; `start` are weights to begin at.

    Raises:
        UnsolvedError: the covariance isn't positive definite, or Newton's method doesn't end.
    """
    from scipy.linalg.lapack import dposv

    sigma = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sigma, sigma)
    b = budget * len(budget)
    y = np.sqrt(b) if start is None else np.maximum(start, 1e-12) * sigma
    # On the ray through the start, the best length.
    y = y * np.sqrt(b.sum() / (y @ correlation @ y))
    matrix = np.empty_like(correlation)
    for _ in range(200):
        gradient = correlation @ y - b / y
        if float(np.abs(y * gradient).max()) <= 1e-13 * len(b):
            break
        np.copyto(matrix, correlation)
        matrix.flat[:: len(b) + 1] += b / y**2
        _, step, failed = dposv(matrix, gradient)
        if failed:
            raise UnsolvedError("risk budgets need a positive definite covariance")
        decrement = float(np.sqrt(max(gradient @ step, 0.0) / b.min()))
        before = y
        y = y - step * (1.0 if decrement < 0.25 else 1.0 / (1.0 + decrement))
        if decrement < 1e-9 and float(np.abs(y - before).max()) <= 1e-15 * float(y.max()):
            break
    else:
        raise UnsolvedError("risk budgets: Newton's method did not end")
    weights: NDArray[np.float64] = y / sigma / (y / sigma).sum()
    return weights
