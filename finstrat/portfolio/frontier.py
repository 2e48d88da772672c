"""The portfolio of the highest expected return for its deviation, found along the frontier.

It knows a way to minimize ½ wᵀΣw − λ μᵀw for any λ, and nothing of limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import UnsolvedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

STEPS = 16
"""Factors of four by which λ is widened, up or down, before it is given up."""


def highest_ratio(
    least: Callable[[float], NDArray[np.float64]],
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Argmax μᵀw / √(wᵀΣw) over the weights among which `least(λ)` minimizes ½ wᵀΣw − λ μᵀw.

    At the optimum the gradient of the ratio is that of the quadratic with λ = wᵀΣw / μᵀw (Merton
    1972), and λ μᵀw − wᵀΣw rises through 0 there, so that λ is found by bisection's better kin
    (Brent 1973).

    Raises:
        UnsolvedError: no such weights have an expected return above 0.
    """
    from scipy.optimize import brentq

    def excess(log: float) -> float:
        weights = least(float(np.exp(log)))
        return float(np.exp(log) * (mean @ weights) - weights @ covariance @ weights)

    middle = float(np.log(np.trace(covariance) / len(mean) / max(np.abs(mean).max(), 1e-300)))
    step = float(np.log(4.0))
    high = low = middle
    for _ in range(STEPS):
        if excess(high) > 0:
            break
        high += step
    else:
        raise UnsolvedError("no weights within the limits have an expected return above 0")
    for _ in range(STEPS):
        if excess(low) < 0:
            break
        low -= step
    else:
        return least(float(np.exp(low)))
    return least(float(np.exp(brentq(excess, low, high, xtol=1e-13, rtol=1e-13))))
