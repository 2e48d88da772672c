"""The portfolio whose volatility is least beside the average of its assets'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat_plugins.optimizers.by_skfolio import BySkfolio, convex_limits

if TYPE_CHECKING:
    from finstrat.portfolio.problem import Problem


class MaxDiversification(BySkfolio):
    """argmax wᵀσ / √(wᵀΣw) (Choueifaty and Coignard 2008), by skfolio; Σ as in Ledoit-Wolf."""

    name = "max-diversification"
    version = "1"

    def model(self, problem: Problem) -> Any:  # noqa: ANN401 - skfolio ships no types
        """The estimator `MaximumDiversification`."""
        from skfolio.moments import LedoitWolf
        from skfolio.optimization import MaximumDiversification
        from skfolio.prior import EmpiricalPrior

        return MaximumDiversification(
            prior_estimator=EmpiricalPrior(covariance_estimator=LedoitWolf()),
            **convex_limits(problem),
        )
