"""Portfolios that are best in the worst of the cases that the past leaves possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat_plugins.optimizers.by_skfolio import BySkfolio, convex_limits
from pydantic import Field

if TYPE_CHECKING:
    from finstrat.portfolio.problem import Problem


class RobustMeanVariance(BySkfolio):
    """The most of mean less ½ γ variance, at the worst mean that the past makes plausible.

    The means lie in an ellipsoid about those of the window that holds the true ones with
    probability `level` (Tütüncü and Koenig 2004), by skfolio.
    """

    name = "robust-mean-variance"
    version = "1"

    class Config(BySkfolio.Config):
        """Risk aversion, and how much doubt about the means."""

        risk_aversion: float = Field(5.0, gt=0, allow_inf_nan=False, description="γ")
        level: float = Field(0.95, gt=0, lt=1, description="of the ellipsoid of means")

    config: Config

    def model(self, problem: Problem) -> Any:  # noqa: ANN401 - skfolio ships no types
        """The estimator `MeanRisk` with an uncertainty set of means."""
        from skfolio.optimization import MeanRisk, ObjectiveFunction
        from skfolio.uncertainty_set import EmpiricalMuUncertaintySet

        return MeanRisk(
            objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
            risk_aversion=self.config.risk_aversion / 2.0,
            mu_uncertainty_set_estimator=EmpiricalMuUncertaintySet(
                confidence_level=self.config.level
            ),
            **convex_limits(problem),
        )


class RobustTailRisk(BySkfolio):
    """The most of mean less γ CVaR under the worst law near that of the past returns.

    Near is a ball about the empirical law in the Wasserstein metric (Mohajerin Esfahani and Kuhn
    2018), by skfolio. Takes seconds a date: one cone program over all sessions and assets.
    """

    name = "robust-tail-risk"
    version = "1"

    class Config(BySkfolio.Config):
        """Risk aversion, which tail, and how large a ball."""

        risk_aversion: float = Field(1.0, gt=0, allow_inf_nan=False, description="γ")
        level: float = Field(0.95, gt=0.5, lt=1, description="of the distribution left out")
        radius: float = Field(0.02, gt=0, le=1, description="of the ball, in returns")

    config: Config

    def model(self, problem: Problem) -> Any:  # noqa: ANN401 - skfolio ships no types
        """The estimator `DistributionallyRobustCVaR`."""
        from skfolio.optimization import DistributionallyRobustCVaR

        return DistributionallyRobustCVaR(
            risk_aversion=self.config.risk_aversion,
            cvar_beta=self.config.level,
            wasserstein_ball_radius=self.config.radius,
            **convex_limits(problem),
        )
