"""From decisions to target weights: one optimizer problem a rebalance, each cut at its own time.

Row t of the result uses nothing known at or after cutoff t: the returns an optimizer sees end with
the session of the decision. Where an optimizer finds no weights, something stands in for it, and
the date and the reason are kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg  # noqa: F401 - its BLAS has threads of its own, which are limited below
from threadpoolctl import ThreadpoolController

from finstrat.errors import UnsolvedError
from finstrat.portfolio.alpha import (
    expected,
    information_coefficients,
    residual_volatility,
    skill,
)
from finstrat.portfolio.fallback import Answer, Fallback, Settled, nearest
from finstrat.portfolio.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from finstrat.costs import CostRates
    from finstrat.data import Panel
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.portfolio.fallback import Chain
    from finstrat.portfolio.problem import Constraints

TRACKING_WINDOW = 252
"""Trailing sessions by which a limit on tracking is measured, at least."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Target weights decided at each session's close.

    Attributes:
        weights: `[T, N]` fractions of net asset value; a NaN row means hold.
        short_history: how often an eligible asset was left out because its trailing returns did
            not fill the optimizer's window.
        fallbacks: the dates at which something stood in for the optimizer.
    """

    weights: NDArray[np.float64]
    short_history: int
    fallbacks: tuple[Fallback, ...] = ()


def target_weights(
    decision: CheckedDecision,
    panel: Panel,
    *,
    chain: Chain | None,
    constraints: Constraints,
    costs: CostRates,
    fills: NDArray[np.float64],
    capital: float,
    first: int,
    benchmark: str = "equal-weight",
    sessions_per_year: float = 252.0,
) -> Targets:
    """The weights to hold after each decision from session `first` on; earlier rows are NaN.

    `fills` `[T, N]` are the prices at which decisions of the session before fill, from which the
    skill behind expected returns is measured. `capital` is what the account starts with, and scales
    the impact that an optimizer is told. `chain` remembers its answers by problem, so that a second
    call with another exposure but the same problems solves nothing twice. `benchmark` is
    "equal-weight" or an asset's id; any other has no weights that are known.

    Turnover and the least trade count trades of assets that may be held; what may be held no longer
    is sold whatever they say.

    Raises:
        PluginError: the strategy's own weights break a bound.
        ConfigError: limits name an asset that isn't there.
    """
    constraints.check_names(panel.assets)
    rows = np.flatnonzero(decision.rebalance)
    rows = rows[rows >= first]
    if decision.weights is not None and constraints.plain:
        return Targets(_declared(decision, panel, constraints, rows=rows), 0)
    desk = _Desk(
        decision,
        panel,
        chain,
        constraints,
        costs=costs,
        steepness=costs.steepness(capital),
        fills=fills,
        benchmark=benchmark,
        sessions_per_year=sessions_per_year,
    )
    # Many small systems: threads would wait for one another far longer than they compute.
    with _libraries().limit(limits=1, user_api="blas"):
        desk.work(rows.tolist())
    return Targets(desk.weights, desk.short_history, tuple(desk.fallbacks))


@cache
def _libraries() -> ThreadpoolController:
    """The libraries that have threads; to look them up takes longer than to solve a short span."""
    return ThreadpoolController()


def _declared(
    decision: CheckedDecision, panel: Panel, constraints: Constraints, *, rows: Iterable[int]
) -> NDArray[np.float64]:
    """The strategy's own weights, scaled by its exposure and checked."""
    assert decision.weights is not None
    weights = np.full(panel.shape, np.nan)
    for t in rows:
        scaled = decision.exposure[t] * decision.weights[t]
        weights[t] = constraints.check(scaled, panel.assets, where=f"weights on {panel.times[t]}")
    return weights


@dataclass(frozen=True, eq=False)
class _Posed:
    """The problem of session `t`, about these columns of the panel."""

    t: int
    columns: NDArray[np.int64]
    problem: Problem


@dataclass(eq=False)
class _Desk:
    """Poses the problem of each rebalance, and writes down what comes of its answer."""

    decision: CheckedDecision
    panel: Panel
    chain: Chain | None
    constraints: Constraints
    costs: CostRates
    steepness: NDArray[np.float64] | None
    fills: NDArray[np.float64]
    benchmark: str
    sessions_per_year: float
    short_history: int = 0
    fallbacks: list[Fallback] = field(default_factory=list)
    held: tuple[int, NDArray[np.float64]] | None = None

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        return np.full(self.panel.shape, np.nan)

    @cached_property
    def cost_of_turnover(self) -> NDArray[np.float64]:
        return self.costs.total

    @cached_property
    def returns(self) -> NDArray[np.float64]:
        return self.panel.returns()

    @cached_property
    def priced(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.panel.adjusted("close"))

    @cached_property
    def window(self) -> int:
        """Trailing returns of each problem."""
        own = 0 if self.chain is None else self.chain.optimizer.window
        return own if self.constraints.tracking is None else max(own, TRACKING_WINDOW)

    @property
    def in_order(self) -> bool:
        """Whether a problem depends on the answer to the one before it."""
        return self.constraints.coupled or (
            self.chain is not None and self.chain.optimizer.uses_current
        )

    @cached_property
    def skills(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Information coefficients so far, and when each was known."""
        if self.chain is None or not self.chain.optimizer.uses_views or self.decision.alpha is None:
            return np.zeros(0), np.zeros(0, dtype=np.int64)
        # Scores of the warm-up count too: they were decided like any other.
        return information_coefficients(
            self.decision.alpha, self.fills, np.flatnonzero(self.decision.rebalance)
        )

    def work(self, rows: list[int]) -> None:
        """Pose, solve and settle every rebalance."""
        steps = list(zip(rows, [None, *rows[:-1]], strict=True))
        if self.in_order:
            for t, last in steps:
                posed = self.pose(t, last=last)
                self.settle(posed.t, posed.columns, self.answers([posed])[0], posed.problem)
            return
        if self.chain is not None and self.constraints.plain:
            settled = self.remembered(self.chain, steps)
            self.short_history = settled.short_history
            for t, columns, answer in settled.answers:
                self.settle(t, columns, answer, None)
            return
        all_posed = [self.pose(t, last=last) for t, last in steps]
        for posed, answer in zip(all_posed, self.answers(all_posed), strict=True):
            self.settle(posed.t, posed.columns, answer, posed.problem)

    def remembered(self, chain: Chain, steps: list[tuple[int, int | None]]) -> Settled:
        """The answers to all problems, from the decision before where that posed the same."""
        poses = hashlib.sha256(repr(steps).encode())
        decision = self.decision
        for part in (decision.rebalance, decision.eligible, decision.alpha, decision.weights):
            poses.update(b"-" if part is None else np.ascontiguousarray(part).tobytes() + b"+")
        key = poses.digest()
        if key not in chain.latest:
            posed = [self.pose(t, last=last) for t, last in steps]
            kept = zip(posed, self.answers(posed), strict=True)
            answers = [(each.t, each.columns, answer) for each, answer in kept]
            chain.remember(key, Settled(answers, self.short_history))
        return chain.latest[key]

    def pose(self, t: int, *, last: int | None) -> _Posed:
        """The problem of session t; the rebalance before it was at `last`."""
        alpha, window = self.decision.alpha, self.window
        eligible = self.decision.eligible[t] & self.priced[t]
        if alpha is not None:
            eligible &= ~np.isnan(alpha[t])
        trailing = self.returns[max(0, t + 1 - window) : t + 1] if window else self.returns[:0]
        whole = (len(trailing) == window) & ~np.isnan(trailing).any(axis=0)
        self.short_history += int((eligible & ~whole).sum())
        wanted = eligible & whole
        if self.decision.weights is not None:
            wanted |= self.decision.weights[t] != 0
        columns = np.flatnonzero(wanted)
        seen = trailing[:, columns]
        horizon = 1 if last is None else t - last
        views, confidence = self._views(t, columns, returns=seen, horizon=horizon)
        steepness = self.steepness
        problem = Problem(
            as_of=self.panel.times[t],
            assets=tuple(self.panel.assets[c] for c in columns),
            returns=_read_only(seen),
            constraints=self.constraints,
            alpha=None if alpha is None else _read_only(alpha[t, columns]),
            current=self._drifted(t)[columns] if self.in_order else None,
            benchmark=self._benchmark(columns),
            costs=_read_only(self.cost_of_turnover[t, columns]),
            impact=None if steepness is None else _read_only(steepness[t, columns]),
            views=None if views is None else _read_only(views),
            confidence=confidence,
            horizon=horizon,
            sessions_per_year=self.sessions_per_year,
        )
        return _Posed(t, columns, problem)

    def answers(self, posed: list[_Posed]) -> list[Answer]:
        """The chain's answers, or where there is none, the strategy's own weights."""
        if self.chain is not None:
            return self.chain.answers([each.problem for each in posed])
        own = self.decision.weights
        assert own is not None
        return [Answer(own[each.t, each.columns], "the strategy") for each in posed]

    def settle(
        self, t: int, columns: NDArray[np.int64], answer: Answer, problem: Problem | None
    ) -> None:
        """Write the weights of session t, scaled by its exposure and within all limits.

        Where there are none, the row stays NaN: what is held is held on. A `problem` is needed
        where limits aren't plain.
        """
        reasons, used = list(answer.reasons), answer.used
        if answer.weights is not None:
            where = f"{used} on {self.panel.times[t]}"
            try:
                own = answer.weights * self.decision.exposure[t]
                if len(own) and problem is not None and not self.constraints.plain:
                    own = nearest(own, problem) if problem.broken(own) else own
                full = np.zeros(self.panel.shape[1])
                full[columns] = own
                self.weights[t] = self.constraints.check(full, self.panel.assets, where=where)
                self.held = (t, self.weights[t])
            except UnsolvedError as error:
                reasons.append(f"{used}: {error}")
                used = "hold"
        if reasons:
            self.fallbacks.append(Fallback(str(self.panel.times[t]), used, tuple(reasons)))

    def _views(
        self, t: int, columns: NDArray[np.int64], *, returns: NDArray[np.float64], horizon: int
    ) -> tuple[NDArray[np.float64] | None, float]:
        """Expected returns over the horizon, and the confidence in them; None without skill."""
        coefficients, known_at = self.skills
        # A fill of this very session may come after the cutoff.
        shown = skill(coefficients[known_at < t])
        if shown is None or shown.ic <= 0 or self.decision.alpha is None or not len(columns):
            return None, 0.0
        spread = residual_volatility(returns) * np.sqrt(horizon)
        return expected(self.decision.alpha[t, columns], spread, ic=shown.ic), shown.confidence

    def _benchmark(self, columns: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """The benchmark's weights among `columns`, or None where they are not known."""
        if self.benchmark == "equal-weight" and len(columns):
            return np.full(len(columns), 1.0 / len(columns))
        if self.benchmark in self.panel.assets:
            found = columns == self.panel.assets.index(self.benchmark)
            return found.astype(np.float64) if found.any() else None
        return None

    def _drifted(self, t: int) -> NDArray[np.float64]:
        """The last targets, moved by the returns since: wᵢ∏(1+rᵢ) / (cash + Σ wⱼ∏(1+rⱼ))."""
        if self.held is None:
            return np.zeros(self.panel.shape[1])
        since, weights = self.held
        grown = weights * np.prod(1.0 + np.nan_to_num(self.returns[since + 1 : t + 1]), axis=0)
        result: NDArray[np.float64] = grown / (1.0 - weights.sum() + grown.sum())
        return result


def _read_only(array: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.ascontiguousarray(array).view()
    result.flags.writeable = False
    return result
