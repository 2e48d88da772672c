"""The portfolio that strays least from the benchmark, where limits keep it from being that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat_plugins.optimizers.limits import cheapest
from pydantic import Field

from finstrat.components import Optimizer
from finstrat.errors import UnsolvedError
from finstrat.portfolio.covariance import Estimator, covariance
from finstrat.portfolio.region import Cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class TrackingError(Optimizer):
    """argmin (w − b)ᵀΣ(w − b), b the benchmark's weights, as much invested as limits allow.

    With a limit on the number of names it replicates the benchmark by a few of them (Roll 1992).
    """

    name = "tracking-error"
    version = "1"

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
            UnsolvedError: the benchmark's weights are unknown, or limits leave no portfolio.
        """
        return self.solve_many([problem])[0]

    def solve_many(self, problems: Sequence[Problem]) -> list[NDArray[np.float64]]:
        """The same for each of a row of problems, each begun where the one before it ended."""
        costs = []
        for each in problems:
            if each.benchmark is None:
                raise UnsolvedError("the benchmark's weights among the eligible assets are unknown")
            sigma = covariance(each.returns, estimator=self.config.covariance)
            costs.append(Cost(sigma, sigma @ each.benchmark))
        return cheapest(problems, costs)
