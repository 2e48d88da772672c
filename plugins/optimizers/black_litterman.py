"""What the market expects, corrected by what the signal has shown it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from finstrat_plugins.optimizers.limits import charged, cheapest
from pydantic import Field

from finstrat.components import Optimizer
from finstrat.portfolio.covariance import Estimator, covariance
from finstrat.portfolio.region import Cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class BlackLitterman(Optimizer):
    """argmax of the posterior mean less ½ γ times the posterior variance (Black, Litterman 1992).

    The prior is what makes the benchmark's weights, or else equal ones, best: π = γ Σ w. The views
    are one a name, Q = μ of the alpha model, and weigh as Idzorek (2005) says, by their confidence
    t² / (1 + t²). Without views, while the signal has shown no skill, the posterior is the prior.
    """

    name = "black-litterman"
    version = "2"
    uses_views = True

    class Config(Optimizer.Config):
        """Risk aversion, and how uncertain the prior is."""

        window: int = Field(252, ge=20, description="trailing sessions")
        covariance: Estimator = "ledoit-wolf"
        risk_aversion: float = Field(5.0, gt=0, allow_inf_nan=False, description="γ")
        cost_aversion: float = Field(
            0.0,
            ge=0,
            description="weight of trading costs; 1 = as the account is charged",
        )
        tau: float = Field(0.05, gt=0, le=1, description="the prior mean has covariance τΣ")

    config: Config

    @property
    def window(self) -> int:  # type: ignore[override]
        """Sessions of returns it wants."""
        return self.config.window

    @property
    def uses_current(self) -> bool:  # type: ignore[override]
        """Whether trades, and so what is held, count."""
        return self.config.cost_aversion > 0

    def solve(self, problem: Problem) -> NDArray[np.float64]:
        """Weights `[M]`.

        Raises:
            UnsolvedError: the limits leave no such portfolio.
        """
        return self.solve_many([problem])[0]

    def solve_many(self, problems: Sequence[Problem]) -> list[NDArray[np.float64]]:
        """The same for each of a row of problems, each begun where the one before it ended."""
        aversion = self.config.risk_aversion
        costs = []
        for each in problems:
            sigma = covariance(each.returns, estimator=self.config.covariance) * each.horizon
            mean, spread = self._posterior(each, sigma)
            plain = Cost(spread, mean / aversion)
            costs.append(charged(each, plain, aversion=self.config.cost_aversion, scale=aversion))
        return cheapest(problems, costs)

    def _posterior(
        self, problem: Problem, sigma: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean `[M]` and covariance `[M, M]` of returns over the horizon, views taken in."""
        m = len(problem.assets)
        held = np.full(m, 1.0 / m) if problem.benchmark is None else problem.benchmark
        prior = self.config.risk_aversion * sigma @ held
        if problem.views is None or problem.confidence == 0.0:
            return prior, sigma
        own = self.config.tau * sigma
        doubt = 1.0 / problem.confidence - 1.0
        gain = np.linalg.solve(own + np.diag(doubt * np.diag(own)), own).T
        return prior + gain @ (problem.views - prior), sigma + own - gain @ own
