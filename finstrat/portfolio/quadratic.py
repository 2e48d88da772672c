"""Quadratic portfolios: least ½ wᵀΣw − μᵀw with a budget and bounds, exactly and many at once.

Which weights stand at a bound is guessed, the others follow from a linear system, and weights or
multipliers of the wrong sign correct the guess (block principal pivoting: Portugal, Júdice and
Vicente 1994, Math. Comp. 63). From one date to the next the guess hardly changes, so a whole
calendar takes few systems, each only as large as the weights inside their bounds. Where that
doesn't end, or shorts are limited, Clarabel solves the problem. The answer depends on the final
guess alone, so wherever the search began it is the same, to the tolerance of a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import UnsolvedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

TOLERANCE = 1e-10
"""Violations of a bound, or of a multiplier's sign relative to the gradient, that are rounding."""
ROUNDS, PATIENCE = 200, 3
"""Guesses in all, and guesses without progress before one weight at a time is moved."""


@dataclass(frozen=True, eq=False)
class Quadratic:
    """min ½ wᵀΣw − μᵀw over w `[M]` with Σw = budget and low ≤ w ≤ high.

    Attributes:
        covariance: Σ, positive definite.
        reward: μ, times what a unit of variance is worth; 0 for the least variance.
        low, high: bounds; `low < high`.
        budget: Σw.
        short: the most Σ max(−w, 0), or None.
    """

    covariance: NDArray[np.float64]
    reward: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    budget: float
    short: float | None = None

    def objective(self, weights: NDArray[np.float64]) -> float:
        """½ wᵀΣw − μᵀw."""
        return float(0.5 * weights @ self.covariance @ weights - self.reward @ weights)


@dataclass(frozen=True, eq=False)
class Solution:
    """Weights `[M]`, and where each stands: -1 at `low`, 1 at `high`, 0 between."""

    weights: NDArray[np.float64]
    bound: NDArray[np.int8]


def solve(problem: Quadratic, *, start: NDArray[np.int8] | None = None) -> Solution:
    """The minimum, from a guess of which weights stand at a bound.

    Raises:
        UnsolvedError: the bounds leave no weights with the budget, or no solver found them.
    """
    low, high, budget = problem.low, problem.high, problem.budget
    if not low.sum() - TOLERANCE <= budget <= high.sum() + TOLERANCE:
        raise UnsolvedError(
            f"no weights within their bounds sum to {budget:g}: the bounds allow "
            f"{low.sum():g} to {high.sum():g}"
        )
    if problem.short is None:
        found = _pivoted(problem, np.zeros(len(low), np.int8) if start is None else start.copy())
        if found is not None:
            return found
    return _by_clarabel(problem)


def solve_many(
    problems: Iterable[Quadratic], *, names: Iterable[tuple[str, ...]]
) -> list[NDArray[np.float64]]:
    """The minimum of each of a row of problems, each begun where the one before it ended.

    `names` are the assets of each problem: who is new begins between its bounds.
    """
    weights: list[NDArray[np.float64]] = []
    bounds: dict[str, int] = {}
    for problem, assets in zip(problems, names, strict=True):
        start = np.array([bounds.get(name, 0) for name in assets], dtype=np.int8)
        found = solve(problem, start=start)
        bounds = dict(zip(assets, found.bound.tolist(), strict=True))
        weights.append(found.weights)
    return weights


def _pivoted(problem: Quadratic, bound: NDArray[np.int8]) -> Solution | None:
    """The minimum by pivoting from a guess, or None where the search doesn't end."""
    from scipy.linalg.lapack import dposv

    sigma, reward, low, high = problem.covariance, problem.reward, problem.low, problem.high
    fewest, patience = len(bound) + 1, PATIENCE
    for _ in range(ROUNDS):
        free = np.flatnonzero(bound == 0)
        weights = np.where(bound < 0, low, high)
        weights[free] = 0.0
        if not len(free):
            gradient = sigma @ weights - reward
            held, left = (
                np.where(bound > 0, gradient, -np.inf),
                np.where(bound < 0, gradient, np.inf),
            )
            exact = abs(weights.sum() - problem.budget) <= TOLERANCE
            if exact and held.max() <= left.min():
                return Solution(weights, bound)
            # A vertex that isn't the minimum: trade the worst at its upper bound for the best.
            bound[[held.argmax(), left.argmin()]] = 0
            continue
        fixed = np.flatnonzero(weights)
        pull = reward[free]
        if len(fixed):
            pull = pull - sigma[np.ix_(free, fixed)] @ weights[fixed]
        system = sigma if len(free) == len(bound) else sigma[np.ix_(free, free)]
        _, both, failed = dposv(system, np.column_stack([pull, np.ones(len(free))]))
        if failed:
            return None
        price = (problem.budget - weights.sum() - both[:, 0].sum()) / both[:, 1].sum()
        weights[free] = both[:, 0] + price * both[:, 1]
        gradient = sigma @ weights - reward - price
        scale = TOLERANCE * max(1e-300, float(np.abs(sigma @ weights).max()))
        below = (bound == 0) & (weights < low - TOLERANCE)
        above = (bound == 0) & (weights > high + TOLERANCE)
        freed = ((bound < 0) & (gradient < -scale)) | ((bound > 0) & (gradient > scale))
        wrong = np.flatnonzero(below | above | freed)
        if not len(wrong):
            return Solution(np.clip(weights, low, high), bound)
        if len(wrong) < fewest:
            fewest, patience = len(wrong), PATIENCE
        elif patience:
            patience -= 1
        else:
            # One at a time, always the last, can't go in circles (Murty 1974).
            wrong = wrong[-1:]
        bound[wrong] = np.where(below[wrong], -1, np.where(above[wrong], 1, 0))
    return None


def _by_clarabel(problem: Quadratic) -> Solution:
    """The minimum by an interior-point method; shorts are split off where they are limited.

    Raises:
        UnsolvedError: there is no solution.
    """
    import clarabel
    from scipy import sparse

    m = len(problem.low)
    eye, ones = sparse.eye(m, format="csc"), sparse.csc_matrix(np.ones((1, m)))
    rows = [ones, -eye, eye]
    bounds = [np.array([problem.budget]), -problem.low, problem.high]
    size = m
    if problem.short is not None:
        # w + s ≥ 0, s ≥ 0, Σs ≤ short: s bounds the short side from above.
        size = 2 * m
        rows = [sparse.hstack([each, sparse.csc_matrix((each.shape[0], m))]) for each in rows]
        rows += [
            sparse.hstack([-eye, -eye]),
            sparse.hstack([sparse.csc_matrix((m, m)), -eye]),
            sparse.hstack([sparse.csc_matrix((1, m)), ones]),
        ]
        bounds += [np.zeros(2 * m), np.array([problem.short])]
    # A well-scaled objective lets the tolerances mean something.
    scale = float(np.trace(problem.covariance)) / m
    square = sparse.csc_matrix(np.triu(problem.covariance / scale))
    square.resize((size, size))
    linear = np.concatenate([-problem.reward / scale, np.zeros(size - m)])
    matrix, limit = sparse.vstack(rows, format="csc"), np.concatenate(bounds)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(len(limit) - 1)]
    found = clarabel.DefaultSolver(square, linear, matrix, limit, cones, settings).solve()
    if str(found.status) not in {"Solved", "AlmostSolved", "InsufficientProgress"}:
        raise UnsolvedError(f"no weights within the limits: the solver says {found.status}")
    weights = np.asarray(found.x[:m])
    low, high = problem.low, problem.high
    near = 1e-8 * np.maximum(1.0, high - low)
    bound = np.where(weights < low + near, -1, np.where(weights > high - near, 1, 0))
    return Solution(np.clip(weights, low, high), bound.astype(np.int8))
