"""Every asset contributes the same part of the risk, or the part it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from finstrat_plugins.optimizers.inverse_volatility import capped
from finstrat_plugins.optimizers.limits import budget
from pydantic import Field

from finstrat.components import Optimizer
from finstrat.errors import ConfigError
from finstrat.portfolio.budgeting import risk_budgeted
from finstrat.portfolio.covariance import Estimator, covariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class RiskParity(Optimizer):
    """wᵢ(Σw)ᵢ the same for all assets, or in proportion to `budgets`; long-only.

    Weights above `max_weight` are cut to it and the rest is spread over the others in proportion,
    after which contributions are no longer exact.
    """

    name = "risk-parity"
    version = "1"
    uses_costs = False

    class Config(Optimizer.Config):
        """How the covariance is measured, and unequal budgets by asset."""

        window: int = Field(252, ge=20, description="trailing sessions")
        covariance: Estimator = "ledoit-wolf"
        budgets: dict[str, float] = Field(
            default_factory=dict, description="risk by asset id, in proportion; 1 for the others"
        )

    config: Config

    @property
    def window(self) -> int:  # type: ignore[override]
        """Sessions of returns it wants."""
        return self.config.window

    def solve(self, problem: Problem) -> NDArray[np.float64]:
        """Weights `[M]`.

        Raises:
            ConfigError: a budget isn't above 0.
            UnsolvedError: the covariance is singular.
        """
        return self.solve_many([problem])[0]

    def solve_many(self, problems: Sequence[Problem]) -> list[NDArray[np.float64]]:
        """The same for each of a row of problems, each begun where the one before it ended."""
        wrong = [name for name, part in self.config.budgets.items() if not part > 0]
        if wrong:
            raise ConfigError(f"optimizer.budgets.{wrong[0]}: a budget must be above 0")
        answers, last = [], dict[str, float]()
        for problem in problems:
            parts = np.array([self.config.budgets.get(name, 1.0) for name in problem.assets])
            sigma = covariance(problem.returns, estimator=self.config.covariance)
            known = all(name in last for name in problem.assets)
            start = np.array([last[name] for name in problem.assets]) if known else None
            weights = risk_budgeted(sigma, parts / parts.sum(), start=start)
            last = dict(zip(problem.assets, weights.tolist(), strict=True))
            answers.append(
                capped(weights, total=budget(problem), cap=problem.constraints.max_weight)
            )
        return answers
