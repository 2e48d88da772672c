"""The same weight for every eligible asset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.components import Optimizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class Equal(Optimizer):
    """wᵢ = min(gross / M, max_weight); what a bound leaves over stays in cash."""

    name = "equal"
    version = "1"
    uses_costs = False

    def solve(self, problem: Problem) -> NDArray[np.float64]:
        """Weights `[M]`."""
        m = len(problem.assets)
        limits = problem.constraints
        return np.full(m, min(limits.gross / m, limits.max_weight, limits.net[1] / m))
