"""Expected return against variance (Markowitz 1952), expectations taken from the signal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from finstrat_plugins.optimizers.limits import charged, cheapest
from pydantic import Field, model_validator

from finstrat.components import Optimizer
from finstrat.errors import PluginError
from finstrat.portfolio.alpha import expected, residual_volatility
from finstrat.portfolio.covariance import Estimator, covariance
from finstrat.portfolio.frontier import highest_ratio
from finstrat.portfolio.region import Cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


class MeanVariance(Optimizer):
    """argmax μᵀw − ½ γ wᵀΣw over the horizon to the next rebalance, the whole budget invested.

    μᵢ = IC · σᵢ · zᵢ of the strategy's alpha (Grinold 1994), with the IC that its scores have shown
    so far; while they have shown none, 0, which leaves the least variance. Σ is the covariance
    times the horizon. With `objective = "ratio"`, the most μᵀw / √(wᵀΣw) instead (Sharpe 1966);
    μ is relative to the average asset, so that the ratio is too.

    With `cost_aversion`, what the trades of the rebalance cost the account is taken off, times it.
    """

    name = "mean-variance"
    version = "2"
    uses_views = True

    class Config(Optimizer.Config):
        """Risk aversion, and how risk and return are measured."""

        window: int = Field(252, ge=20, description="trailing sessions")
        covariance: Estimator = "ledoit-wolf"
        risk_aversion: float = Field(5.0, gt=0, allow_inf_nan=False, description="γ")
        cost_aversion: float = Field(
            0.0, ge=0, description="weight of trading costs; 1 = as the account is charged"
        )
        objective: Literal["utility", "ratio"] = Field(
            "utility", description='"ratio": the most μᵀw / √(wᵀΣw), whatever γ'
        )
        ic: float | None = Field(
            None, ge=0, le=1, description="a declared IC, used instead of the one measured"
        )

        @model_validator(mode="after")
        def _one_of_both(self) -> MeanVariance.Config:
            if self.objective == "ratio" and self.cost_aversion > 0:
                raise ValueError('cost_aversion goes with objective = "utility" only')
            return self

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
            PluginError: there is neither a view nor an alpha.
            UnsolvedError: the limits leave no such portfolio.
        """
        return self.solve_many([problem])[0]

    def solve_many(self, problems: Sequence[Problem]) -> list[NDArray[np.float64]]:
        """The same for each of a row of problems, each begun where the one before it ended."""
        costs = []
        for each in problems:
            sigma = covariance(each.returns, estimator=self.config.covariance) * each.horizon
            views = each.views
            if each.alpha is None and views is None:
                raise PluginError(
                    f'optimizer "{self.name}" on {each.as_of}: the strategy gives no alpha, so '
                    "there is no expected return; use min-variance, or a strategy with alpha"
                )
            if each.alpha is not None and self.config.ic is not None:
                spread = residual_volatility(each.returns) * np.sqrt(each.horizon)
                views = expected(each.alpha, spread, ic=self.config.ic)
            if views is None:
                views = np.zeros(len(each.assets))
            if self.config.objective == "ratio":
                costs.append(Cost(sigma, views))
                continue
            aversion = self.config.risk_aversion
            plain = Cost(sigma, views / aversion)
            costs.append(charged(each, plain, aversion=self.config.cost_aversion, scale=aversion))
        if self.config.objective == "ratio":
            return [_highest_ratio(each, cost) for each, cost in zip(problems, costs, strict=True)]
        return cheapest(problems, costs)


def _highest_ratio(problem: Problem, cost: Cost) -> NDArray[np.float64]:
    """The weights of the most μᵀw / √(wᵀΣw); of the least variance where nothing is expected."""
    if not cost.reward.any():
        return cheapest([problem], [cost])[0]
    return highest_ratio(
        lambda part: cheapest([problem], [replace(cost, reward=part * cost.reward)])[0],
        cost.reward,
        cost.covariance,
    )
