"""The portfolio that loses least in its worst days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from finstrat_plugins.optimizers.by_skfolio import BySkfolio, convex_limits
from pydantic import Field

if TYPE_CHECKING:
    from finstrat.portfolio.problem import Problem


class MinTailRisk(BySkfolio):
    """The least CVaR, CDaR or EVaR of the trailing returns, by skfolio.

    CVaR is the mean loss beyond a quantile (Rockafellar and Uryasev 2000), CDaR the same of
    drawdowns (Chekhlov et al. 2005), EVaR their entropic bound (Ahmadi-Javid 2012).
    """

    name = "min-tail-risk"
    version = "1"

    class Config(BySkfolio.Config):
        """Which tail, and how far out."""

        measure: Literal["cvar", "cdar", "evar"] = "cvar"
        level: float = Field(0.95, gt=0.5, lt=1, description="of the distribution left out")

    config: Config

    def model(self, problem: Problem) -> Any:  # noqa: ANN401 - skfolio ships no types
        """The estimator `MeanRisk` with the measure of the tail."""
        from skfolio import RiskMeasure
        from skfolio.optimization import MeanRisk, ObjectiveFunction

        measure = self.config.measure
        return MeanRisk(
            objective_function=ObjectiveFunction.MINIMIZE_RISK,
            risk_measure=RiskMeasure[measure.upper()],
            **{f"{measure}_beta": self.config.level},
            **convex_limits(problem),
        )
