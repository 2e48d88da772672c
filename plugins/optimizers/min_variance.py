"""The portfolio of least variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from finstrat_plugins.optimizers.limits import cheapest
from pydantic import Field

from finstrat.components import Optimizer
from finstrat.portfolio.covariance import Estimator, covariance
from finstrat.portfolio.region import Cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class MinVariance(Optimizer):
    """argmin wᵀΣw with Σw = the budget; Σ shrunk as in Ledoit and Wolf (2004) by default.

    The budget is the largest that gross and net allow; short positions only where the limits
    permit them.
    """

    name = "min-variance"
    version = "2"
    uses_costs = False

    class Config(Optimizer.Config):
        """How the covariance is measured."""

        window: int = Field(252, ge=20, description="trailing sessions")
        covariance: Estimator = "ledoit-wolf"

    config: Config

    @property
    def window(self) -> int:  # type: ignore[override]
        """Sessions of returns it wants."""
        return self.config.window

    def solve(self, problem: Problem) -> NDArray[np.float64]:
        """Weights `[M]`.

        Raises:
            UnsolvedError: the limits leave no such portfolio.
        """
        return self.solve_many([problem])[0]

    def solve_many(self, problems: Sequence[Problem]) -> list[NDArray[np.float64]]:
        """The same for each of a row of problems, each begun where the one before it ended."""
        costs = [
            Cost(
                covariance(each.returns, estimator=self.config.covariance),
                np.zeros(len(each.assets)),
            )
            for each in problems
        ]
        return cheapest(problems, costs)
