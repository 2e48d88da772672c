"""Less of what moves more: weights in proportion to one over trailing volatility."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from finstrat.components import Optimizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class InverseVolatility(Optimizer):
    """wᵢ ∝ 1/σᵢ with σᵢ the standard deviation of the trailing daily returns.

    Weights above `max_weight` are cut to it and the rest is spread over the others in the same
    proportion; an asset that hasn't moved at all gets no weight, since its risk is unknown.
    """

    name = "inverse-volatility"
    version = "1"
    uses_costs = False

    class Config(Optimizer.Config):
        """How far back volatility is measured."""

        window: int = Field(60, ge=2, description="trailing sessions")

    config: Config

    @property
    def window(self) -> int:  # type: ignore[override]
        """Sessions of returns it wants."""
        return self.config.window

    def solve(self, problem: Problem) -> NDArray[np.float64]:
        """Weights `[M]`."""
        sigma = problem.returns.std(axis=0, ddof=1)
        raw = np.divide(1.0, sigma, out=np.zeros_like(sigma), where=sigma > 0)
        limits = problem.constraints
        return capped(raw, total=min(limits.gross, limits.net[1]), cap=limits.max_weight)


def capped(raw: NDArray[np.float64], *, total: float, cap: float) -> NDArray[np.float64]:
    """Weights in proportion to `raw` (≥ 0) that sum to `total` with none above `cap`.

    Where the cap leaves no room for all of `total`, what is left over stays in cash.
    """
    weights = np.zeros_like(raw)
    free = raw > 0
    while free.any():
        room = total - weights[~free].sum()
        share = raw[free] / raw[free].sum() * max(room, 0.0)
        if (share <= cap).all():
            weights[free] = share
            break
        over = np.flatnonzero(free)[share > cap]
        weights[over] = cap
        free[over] = False
    return weights
