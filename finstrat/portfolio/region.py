"""The weights that limits allow at one date, and the least of a convex cost among them.

Limits become rows of a cone program (bounds, sums, absolute values, one length), which Clarabel
solves far inside the tolerance that is promised. How many names are held, and trades too small to
make, aren't convex: names and trades are given up, smallest first, and the rest is solved again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.errors import UnsolvedError
from finstrat.portfolio.problem import TOLERANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.portfolio.problem import Problem

SLACK = 1e-10
"""What a budget may fall short of the most that limits allow, so that a solver finds room."""
ROUND = 0.25
"""The part of the surplus of names that is dropped at once."""
NOTHING = 1e-8
"""A weight or a trade up to this size is what a solver leaves of none at all."""


@dataclass(frozen=True, eq=False)
class Cost:
    """½ wᵀΣw − μᵀw + Σ linearᵢ|Δᵢ| + Σ steepᵢ|Δᵢ|^1.5, with Δ the change from what is held.

    Attributes:
        covariance: Σ `[M, M]`, positive semidefinite.
        reward: μ `[M]`.
        linear, steep: `[M]` ≥ 0, or None.
    """

    covariance: NDArray[np.float64]
    reward: NDArray[np.float64]
    linear: NDArray[np.float64] | None = None
    steep: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows `matrix · x + s = bound` with s in a cone, by the name of the limit they stand for."""

    name: str
    matrix: NDArray[np.float64]
    bound: NDArray[np.float64]
    cone: str = "nonnegative"


@dataclass(frozen=True, eq=False)
class Region:
    """What one problem's limits leave of `[M]` weights, with names and trades that are given up.

    Attributes:
        problem: whose limits they are.
        dropped: positions of names that aren't held.
        untraded: positions whose weight stays what it is.
        least: trades that have to be at least this large, signed, by position.
    """

    problem: Problem
    dropped: frozenset[int] = frozenset()
    untraded: frozenset[int] = frozenset()
    least: dict[int, float] = field(default_factory=dict)

    @property
    def held(self) -> NDArray[np.float64]:
        """Weights before the trade `[M]`; none where the problem doesn't say."""
        current = self.problem.current
        return np.zeros(len(self.problem.assets)) if current is None else current

    def rows(self, size: int) -> list[_Rows]:
        """The limits over x = (w, |w| or more, |Δ| or more, ...) of `size` columns."""
        limits, held = self.problem.constraints, self.held
        m = len(held)
        eye = np.eye(m)

        def wide(part: NDArray[np.float64], block: int = 0) -> NDArray[np.float64]:
            full = np.zeros((len(part), size))
            full[:, block * m : (block + 1) * m] = part
            return full

        ones, cap = np.ones((1, m)), np.full(m, limits.max_weight)
        short = ("long_only", np.zeros(m)) if limits.long_only else ("max_weight", cap)
        found = [
            _Rows("max_weight", wide(eye), cap),
            _Rows(short[0], wide(-eye), short[1]),
            _Rows("net", wide(np.vstack([ones, -ones])), np.array([limits.net[1], -limits.net[0]])),
            _Rows("gross", wide(ones, 1), np.array([limits.gross])),
            _Rows("", wide(eye) - wide(eye, 1), np.zeros(m)),
            _Rows("", -wide(eye) - wide(eye, 1), np.zeros(m)),
            _Rows("", wide(eye) - wide(eye, 2), held),
            _Rows("", -wide(eye) - wide(eye, 2), -held),
        ]
        named = [i for i, name in enumerate(self.problem.assets) if name in limits.by_name]
        if named:
            ends = np.array([limits.by_name[self.problem.assets[i]] for i in named])
            found.append(_Rows("by_name", wide(eye[named]), ends[:, 1]))
            found.append(_Rows("by_name", wide(-eye[named]), -ends[:, 0]))
        for name, group in limits.groups.items():
            inside = np.isin(self.problem.assets, group.assets).astype(float)[None]
            found.append(
                _Rows(
                    f"groups.{name}",
                    wide(np.vstack([inside, -inside])),
                    np.array([group.high, -group.low]),
                )
            )
        if limits.turnover is not None:
            found.append(_Rows("turnover", wide(ones, 2), np.array([limits.turnover])))
        for name, settled, value in (
            ("cardinality", self.dropped, np.zeros(m)),
            ("min_trade", self.untraded, held),
        ):
            if settled:
                at = sorted(settled)
                found.append(_Rows(name, wide(eye[at]), value[at], cone="zero"))
        for i, change in self.least.items():
            sign = np.sign(change)
            found.append(_Rows("min_trade", wide(-sign * eye[[i]]), -sign * (held[[i]] + change)))
        if limits.tracking is not None:
            found.append(self._tracking(wide))
        return found

    def _tracking(self, wide: Any) -> _Rows:  # noqa: ANN401 - places columns
        root, benchmark = self.problem.tracking_root(), self.problem.benchmark
        most = self.problem.constraints.tracking
        assert benchmark is not None
        assert most is not None
        matrix = np.vstack([np.zeros((1, len(root))), -root])
        ends = np.append(most, -root @ benchmark)
        return _Rows("tracking", wide(matrix), ends, cone="length")


def most_invested(problem: Problem) -> float:
    """The largest Σw that the limits allow.

    Raises:
        UnsolvedError: they allow no weights at all; it names those that clash.
    """
    m = len(problem.assets)
    found = _solved(Region(problem), Cost(np.zeros((m, m)), np.ones(m)))
    return float(found.sum())


def least_cost(problem: Problem, cost: Cost, *, budget: float | None = None) -> NDArray[np.float64]:
    """The weights `[M]` of least `cost` within the problem's limits, to 1e-9, with Σw ≥ `budget`.

    Raises:
        UnsolvedError: no weights keep the limits; it names those that clash.
    """
    limits = problem.constraints
    region = Region(problem)
    if cost.steep is not None:
        # What would move the price by an unknown amount isn't traded.
        region = replace(region, untraded=frozenset(np.flatnonzero(np.isnan(cost.steep)).tolist()))
        cost = replace(cost, steep=np.nan_to_num(cost.steep))
    weights = _solved(region, cost, budget=budget)
    if limits.cardinality is not None:
        region, weights = _fewer(region, weights, cost=cost, budget=budget)
        budget = None if budget is None else min(budget, float(weights.sum()))
    while limits.min_trade > 0:
        change = weights - region.held
        size = np.abs(change)
        small = (size > NOTHING) & (size < limits.min_trade - TOLERANCE)
        small[sorted(region.dropped | region.untraded | region.least.keys())] = False
        if not small.any():
            break
        closed = small & (np.abs(weights) <= NOTHING)
        if closed.any():
            region = replace(region, dropped=region.dropped | set(np.flatnonzero(closed).tolist()))
            weights = _solved(region, cost, budget=budget)
            continue
        i = int(np.argmin(np.where(small, size, np.inf)))
        given_up = replace(region, untraded=region.untraded | {i})
        forced = replace(
            region, least={**region.least, i: float(np.sign(change[i]) * limits.min_trade)}
        )
        region, weights = _first(given_up, forced, cost=cost, budget=budget)
    return settled(weights, region)


def _fewer(
    region: Region, weights: NDArray[np.float64], *, cost: Cost, budget: float | None
) -> tuple[Region, NDArray[np.float64]]:
    """As many names as allowed: the smallest are dropped, and the rest is solved again, in rounds.

    A name that the other limits need stays.

    Raises:
        UnsolvedError: there are no so few names with which the limits can be kept.
    """
    most = region.problem.constraints.cardinality
    assert most is not None
    needed, pace = set[int](), ROUND
    while (surplus := len(weights) - len(region.dropped) - most) > 0:
        order = np.argsort(np.abs(weights), kind="stable").tolist()
        left = [i for i in order if i not in region.dropped | needed]
        chosen = left[: max(1, int(surplus * pace))]
        fewer = replace(region, dropped=region.dropped | set(chosen))
        try:
            total = None if budget is None else min(budget, _most(fewer))
            weights = _solved(fewer, cost, budget=total)
            region = fewer
        except UnsolvedError:
            if len(needed) >= most:
                raise
            if len(chosen) == 1:
                needed.add(chosen[0])
            pace = 0.0
    return region, weights


def _most(region: Region) -> float:
    m = len(region.problem.assets)
    return float(_solved(region, Cost(np.zeros((m, m)), np.ones(m))).sum())


def _first(
    given_up: Region, forced: Region, *, cost: Cost, budget: float | None
) -> tuple[Region, NDArray[np.float64]]:
    """A small trade left out, or where the limits need it, made as large as the least."""
    try:
        # Without the trade there may be a little less to invest.
        total = None if budget is None else min(budget, _most(given_up))
        return given_up, _solved(given_up, cost, budget=total)
    except UnsolvedError:
        return forced, _solved(forced, cost, budget=budget)


def settled(weights: NDArray[np.float64], region: Region) -> NDArray[np.float64]:
    """`weights` with what a solver leaves of nothing taken away: no weight, no trade, a bound."""
    held, (low, high) = region.held, region.problem.constraints.bounds(region.problem.assets)
    weights = np.where(np.abs(weights) <= TOLERANCE / 10, 0.0, weights)
    weights = np.where(np.abs(weights - held) <= TOLERANCE / 10, held, weights)
    weights[sorted(region.dropped)] = 0.0
    untraded = sorted(region.untraded)
    weights[untraded] = held[untraded]
    result: NDArray[np.float64] = np.clip(weights, low, high)
    return result


def _solved(region: Region, cost: Cost, *, budget: float | None = None) -> NDArray[np.float64]:
    """Weights of least cost by Clarabel.

    Raises:
        UnsolvedError: there are none; it names limits of which none can be left out.
    """
    m = len(region.problem.assets)
    size = 3 * m if cost.steep is None else 4 * m
    rows = region.rows(size)
    if budget is not None:
        # No more can be invested, so that at least as much is exactly as much.
        total = np.zeros((1, size))
        total[:, :m] = -1.0
        rows.append(_Rows("budget", total, np.array([SLACK - budget])))
    status, x = _clarabel(rows, cost, m=m, size=size)
    if x is not None:
        return x[:m]
    if "Infeasible" not in status:
        raise UnsolvedError(f"no weights found within the limits: the solver says {status}")
    clash = _clash(rows, m=m, size=size)
    told = [region.problem.constraints.told(name, budget=budget) for name in clash]
    raise UnsolvedError(f"no weights keep these together: {'; '.join(told)}")


def _clash(rows: list[_Rows], *, m: int, size: int) -> list[str]:
    """Names of limits that can't be kept together, though they can without any one of them."""
    nothing = Cost(np.zeros((m, m)), np.zeros(m))
    left = rows
    names = list(dict.fromkeys(each.name for each in rows if each.name))
    for name in names:
        without = [each for each in left if each.name != name]
        status, _ = _clarabel(without, nothing, m=m, size=size)
        if "Infeasible" in status:
            left = without
    return [name for name in names if any(each.name == name for each in left)]


def _clarabel(
    rows: list[_Rows], cost: Cost, *, m: int, size: int
) -> tuple[str, NDArray[np.float64] | None]:
    """What the solver says, and x where that is a solution."""
    import clarabel
    from scipy import sparse

    order = {"zero": 0, "nonnegative": 1, "length": 2}
    rows = sorted(rows, key=lambda each: order[each.cone])
    scale = max(float(np.trace(cost.covariance)) / m, float(np.abs(cost.reward).max()), 1e-12)
    square = np.zeros((size, size))
    square[:m, :m] = np.triu(cost.covariance / scale)
    linear = np.zeros(size)
    linear[:m] = -cost.reward / scale
    if cost.linear is not None:
        linear[2 * m : 3 * m] = cost.linear / scale
    matrices, bounds = [each.matrix for each in rows], [each.bound for each in rows]
    cones = {
        "zero": clarabel.ZeroConeT,
        "nonnegative": clarabel.NonnegativeConeT,
        "length": clarabel.SecondOrderConeT,
    }
    kinds = [cones[each.cone](len(each.bound)) for each in rows if len(each.bound)]
    if cost.steep is not None and size == 4 * m:
        linear[3 * m :] = cost.steep / scale
        for i in range(m):
            # (t, 1, |Δ|) in the power cone: t ≥ |Δ|^1.5.
            power = np.zeros((3, size))
            power[0, 3 * m + i] = power[2, 2 * m + i] = -1.0
            matrices.append(power)
            bounds.append(np.array([0.0, 1.0, 0.0]))
            kinds.append(clarabel.PowerConeT(2.0 / 3.0))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    found = clarabel.DefaultSolver(
        sparse.csc_matrix(square),
        linear,
        sparse.csc_matrix(np.vstack(matrices)),
        np.concatenate(bounds),
        kinds,
        settings,
    ).solve()
    status = str(found.status)
    if status in {"Solved", "AlmostSolved", "InsufficientProgress"}:
        return status, np.asarray(found.x)
    return status, None
