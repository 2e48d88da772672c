"""What skfolio's estimators need from a problem, and what they give back."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from finstrat_plugins.optimizers.inverse_volatility import capped
from finstrat_plugins.optimizers.limits import budget
from pydantic import Field

from finstrat.components import Optimizer
from finstrat.errors import UnsolvedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class BySkfolio(Optimizer):
    """A thin cover over one of skfolio's estimators, fitted on the problem's returns.

    `model` makes the estimator; `scaled` says that its weights sum to 1 and are to be scaled to
    the budget.
    """

    scaled: ClassVar[bool] = False

    uses_costs = False

    class Config(Optimizer.Config):
        """How far back returns are looked at."""

        window: int = Field(252, ge=20, description="trailing sessions")

    config: Config

    @property
    def window(self) -> int:  # type: ignore[override]
        """Sessions of returns it wants."""
        return self.config.window

    @abstractmethod
    def model(self, problem: Problem) -> Any:  # noqa: ANN401 - skfolio ships no types
        """The estimator for this problem."""

    def history(self, problem: Problem) -> Any:  # noqa: ANN401 - an array or a frame
        """What the estimator is fitted on, `[W, M]`."""
        return problem.returns

    def solve(self, problem: Problem) -> NDArray[np.float64]:
        """Weights `[M]`.

        Raises:
            UnsolvedError: skfolio found no solution within the limits.
        """
        # skfolio takes seconds to import; only a run that solves should pay for it.
        from skfolio.exceptions import OptimizationError, SolverError

        if len(problem.assets) == 1:
            return np.array([budget(problem)])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                weights = np.asarray(self.model(problem).fit(self.history(problem)).weights_)
        except (OptimizationError, SolverError, ValueError) as error:
            raise UnsolvedError(f"skfolio on {problem.as_of}: {error}") from None
        if not self.scaled:
            return weights
        # No more than rounding, but where an estimator has no limit by name.
        return capped(weights, total=budget(problem), cap=problem.constraints.max_weight)


def convex_limits(problem: Problem) -> dict[str, Any]:
    """The limits as arguments of skfolio's convex estimators."""
    limits, total = problem.constraints, budget(problem)
    return {
        "budget": total,
        "min_weights": 0.0 if limits.long_only else -limits.max_weight,
        "max_weights": min(limits.max_weight, total) if limits.long_only else limits.max_weight,
        "max_short": None if limits.long_only else (limits.gross - total) / 2.0,
    }


def simplex_limits(problem: Problem) -> dict[str, Any]:
    """The limits as arguments of estimators whose weights are long and sum to 1."""
    return {
        "min_weights": 0.0,
        "max_weights": min(1.0, problem.constraints.max_weight / budget(problem)),
    }
