"""The long-only portfolio of least variance, solved by skfolio."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from finstrat.components import Optimizer
from finstrat.errors import PluginError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class MinVariance(Optimizer):
    """argmin wᵀΣw with Σw = the budget, Σ shrunk as in Ledoit and Wolf (2004).

    The budget is the largest that gross and net allow; short positions only where the limits
    permit them.
    """

    name = "min-variance"
    version = "1"

    class Config(Optimizer.Config):
        """How far back the covariance is measured."""

        window: int = Field(252, ge=20, description="trailing sessions")

    config: Config

    @property
    def window(self) -> int:  # type: ignore[override]
        """Sessions of returns it wants."""
        return self.config.window

    def solve(self, problem: Problem) -> NDArray[np.float64]:
        """Weights `[M]`.

        Raises:
            PluginError: the solver found no solution within the limits.
        """
        # skfolio takes seconds to import; only a run that solves should pay for it.
        from skfolio.exceptions import OptimizationError
        from skfolio.moments import LedoitWolf
        from skfolio.optimization import MeanRisk, ObjectiveFunction
        from skfolio.prior import EmpiricalPrior

        limits = problem.constraints
        m = len(problem.assets)
        budget = min(limits.gross, limits.net[1], m * limits.max_weight)
        model = MeanRisk(
            objective_function=ObjectiveFunction.MINIMIZE_RISK,
            prior_estimator=EmpiricalPrior(covariance_estimator=LedoitWolf()),
            budget=budget,
            min_weights=0.0 if limits.long_only else -limits.max_weight,
            max_weights=min(limits.max_weight, budget),
            max_short=(limits.gross - budget) / 2 if not limits.long_only else None,
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                weights: NDArray[np.float64] = np.asarray(model.fit(problem.returns).weights_)
        except OptimizationError as error:
            raise PluginError(f'optimizer "{self.name}" on {problem.as_of}: {error}') from None
        return weights
