"""The account's limits as an optimizer's budget and bounds, and the least cost within them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.portfolio.quadratic import Quadratic, solve_many
from finstrat.portfolio.region import Cost, least_cost, most_invested

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem


def budget(problem: Problem) -> float:
    """The most that gross, net and the limit by name allow to invest."""
    limits = problem.constraints
    return min(limits.gross, limits.net[1], len(problem.assets) * limits.max_weight)


def quadratic(
    problem: Problem, covariance: NDArray[np.float64], reward: NDArray[np.float64] | None = None
) -> Quadratic:
    """The whole budget invested at least ½ wᵀΣw − μᵀw; shorts as far as gross allows them."""
    limits, total, m = problem.constraints, budget(problem), len(problem.assets)
    return Quadratic(
        covariance=covariance,
        reward=np.zeros(m) if reward is None else reward,
        low=np.full(m, 0.0 if limits.long_only else -limits.max_weight),
        high=np.full(
            m, limits.max_weight if not limits.long_only else min(limits.max_weight, total)
        ),
        budget=total,
        short=None if limits.long_only else (limits.gross - total) / 2.0,
    )


def charged(problem: Problem, cost: Cost, *, aversion: float, scale: float) -> Cost:
    """`cost`, with what trading costs the account beside it, times `aversion` / `scale`.

    The same rates that the simulator charges: a part linear in turnover, and the impact.
    """
    if aversion == 0.0:
        return cost
    part = aversion / scale
    return replace(
        cost,
        linear=None if problem.costs is None else part * problem.costs,
        steep=None if problem.impact is None else part * problem.impact,
    )


def cheapest(problems: Sequence[Problem], costs: Sequence[Cost]) -> list[NDArray[np.float64]]:
    """The weights of least cost for each problem, as much invested as its limits allow.

    Where limits are plain and trades cost nothing, a whole calendar is solved at once and exactly;
    else each date is a cone program of its own.

    Raises:
        UnsolvedError: the limits leave no such portfolio.
    """
    if all(
        each.constraints.plain and cost.linear is None and cost.steep is None
        for each, cost in zip(problems, costs, strict=True)
    ):
        return solve_many(
            (
                quadratic(each, cost.covariance, cost.reward)
                for each, cost in zip(problems, costs, strict=True)
            ),
            names=(each.assets for each in problems),
        )
    return [
        least_cost(each, cost, budget=most_invested(each))
        for each, cost in zip(problems, costs, strict=True)
    ]
