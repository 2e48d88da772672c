"""What happened before, weighed anew so that its means agree with the signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from finstrat_plugins.optimizers.by_skfolio import BySkfolio, convex_limits
from pydantic import Field

if TYPE_CHECKING:
    from finstrat.portfolio.problem import Problem


class EntropyPooling(BySkfolio):
    """The most of posterior mean less ½ γ posterior variance, by skfolio.

    Of all weightings of the past sessions under which each asset's mean is the average asset's
    plus its view, times the confidence in it, the posterior is the one nearest to equal weights in
    relative entropy (Meucci 2008). Without views, while the signal has shown no skill, the least
    variance. Views that no weighting of the window has are a problem without a solution.
    """

    name = "entropy-pooling"
    version = "1"
    uses_views = True

    class Config(BySkfolio.Config):
        """Risk aversion."""

        risk_aversion: float = Field(5.0, gt=0, allow_inf_nan=False, description="γ")

    config: Config

    def history(self, problem: Problem) -> pd.DataFrame:
        """The trailing returns under names that views can address; tickers may hold signs."""
        return pd.DataFrame(problem.returns, columns=_names(problem))

    def model(self, problem: Problem) -> Any:  # noqa: ANN401 - skfolio ships no types
        """The estimator `MeanRisk` over the prior `EntropyPooling`."""
        from skfolio.optimization import MeanRisk, ObjectiveFunction
        from skfolio.prior import EntropyPooling as Prior

        if problem.views is None or problem.confidence == 0.0:
            return MeanRisk(**convex_limits(problem))
        means = problem.returns.mean() + problem.confidence * problem.views / problem.horizon
        named = zip(_names(problem), means.tolist(), strict=True)
        views = [f"{name} == {mean!r}" for name, mean in named]
        return MeanRisk(
            objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
            risk_aversion=self.config.risk_aversion / 2.0,
            prior_estimator=Prior(mean_views=views),
            **convex_limits(problem),
        )


def _names(problem: Problem) -> list[str]:
    return [f"a{i}" for i in range(len(problem.assets))]
