"""From decisions to target weights: one optimizer problem a rebalance, each cut at its own time.

Row t of the result uses nothing known at or after cutoff t: the returns an optimizer sees end with
the session of the decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.portfolio.alpha import (
    expected,
    information_coefficients,
    residual_volatility,
    skill,
)
from finstrat.portfolio.problem import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.components import Optimizer
    from finstrat.costs import CostRates
    from finstrat.data import Panel
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.portfolio.problem import Constraints


@dataclass(frozen=True, eq=False)
class Targets:
    """Target weights decided at each session's close.

    Attributes:
        weights: `[T, N]` fractions of net asset value; a NaN row means hold.
        short_history: how often an eligible asset was left out because its trailing returns did
            not fill the optimizer's window.
    """

    weights: NDArray[np.float64]
    short_history: int


def target_weights(
    decision: CheckedDecision,
    panel: Panel,
    *,
    optimizer: Optimizer | None,
    constraints: Constraints,
    costs: CostRates,
    fills: NDArray[np.float64],
    capital: float,
    first: int,
    solved: dict[bytes, NDArray[np.float64]],
) -> Targets:
    """The weights to hold after each decision from session `first` on; earlier rows are NaN.

    `fills` `[T, N]` are the prices at which decisions of the session before fill, from which the
    skill behind expected returns is measured. `capital` is what the account starts with, and scales
    the impact that an optimizer is told. `solved` remembers the optimizer's answers by problem, so
    that a second call with another exposure but the same problems solves nothing twice.

    Raises:
        PluginError: the optimizer or strategy broke a bound, or gave no finite number.
    """
    shape = panel.shape
    weights = np.full(shape, np.nan)
    rows = np.flatnonzero(decision.rebalance)
    rows = rows[rows >= first]
    if decision.weights is not None:
        for t in rows.tolist():
            scaled = decision.exposure[t] * decision.weights[t]
            weights[t] = constraints.check(
                scaled, panel.assets, where=f"weights on {panel.times[t]}"
            )
        return Targets(weights, 0)
    assert optimizer is not None
    returns = panel.returns()
    close = panel.adjusted("close")
    steepness = costs.steepness(capital)
    window = optimizer.window
    short_history = 0
    problems: list[tuple[int, NDArray[np.int64], Problem]] = []
    held: tuple[int, NDArray[np.float64]] | None = None
    coefficients, known_at = np.zeros(0), np.zeros(0, dtype=np.int64)
    if optimizer.uses_views and decision.alpha is not None:
        # Scores of the warm-up count too: they were decided like any other.
        coefficients, known_at = information_coefficients(
            decision.alpha, fills, np.flatnonzero(decision.rebalance)
        )
    for i, row in enumerate(rows):
        t = int(row)
        eligible = decision.eligible[t] & ~np.isnan(close[t])
        if decision.alpha is not None:
            eligible &= ~np.isnan(decision.alpha[t])
        trailing = returns[max(0, t + 1 - window) : t + 1]
        whole = np.full(shape[1], window == 0) | (
            (len(trailing) == window) & ~np.isnan(trailing).any(axis=0)
        )
        short_history += int((eligible & ~whole).sum())
        columns = np.flatnonzero(eligible & whole)
        horizon = t - int(rows[i - 1]) if i else 1
        views, confidence = None, 0.0
        # A fill of this very session may come after the cutoff.
        shown = skill(coefficients[known_at < t])
        if shown is not None and shown.ic > 0 and decision.alpha is not None and len(columns):
            spread = residual_volatility(trailing[:, columns]) * np.sqrt(horizon)
            views = expected(decision.alpha[t, columns], spread, ic=shown.ic)
            confidence = shown.confidence
        problem = Problem(
            as_of=panel.times[t],
            assets=tuple(panel.assets[c] for c in columns),
            returns=_read_only(trailing[:, columns] if window else returns[:0, columns]),
            constraints=constraints,
            alpha=None if decision.alpha is None else _read_only(decision.alpha[t, columns]),
            current=_drifted(held, t, returns)[columns] if optimizer.uses_current else None,
            costs=_read_only(costs.total[t, columns]),
            impact=None if steepness is None else _read_only(steepness[t, columns]),
            views=None if views is None else _read_only(views),
            confidence=confidence,
            horizon=horizon,
        )
        if optimizer.uses_current:
            answer = _answers(optimizer, [problem], solved)[0]
            weights[t] = _placed(answer, columns, shape[1]) * decision.exposure[t]
            held = (t, weights[t])
        else:
            problems.append((t, columns, problem))
    answers = _answers(optimizer, [problem for _, _, problem in problems], solved)
    for (t, columns, _), answer in zip(problems, answers, strict=True):
        weights[t] = _placed(answer, columns, shape[1]) * decision.exposure[t]
    for t in rows.tolist():
        where = f'optimizer "{optimizer.name}" on {panel.times[t]}'
        weights[t] = constraints.check(weights[t], panel.assets, where=where)
    return Targets(weights, short_history)


def _answers(
    optimizer: Optimizer, problems: list[Problem], solved: dict[bytes, NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """The optimizer's answer to each problem; an empty problem holds cash."""
    keys = [_key(problem) for problem in problems]
    missing = {
        key: problem
        for key, problem in zip(keys, problems, strict=True)
        if key not in solved and problem.assets
    }
    for key, answer in zip(missing, optimizer.solve_many(list(missing.values())), strict=True):
        names = missing[key].assets
        where = f'optimizer "{optimizer.name}" on {missing[key].as_of}'
        solved[key] = missing[key].constraints.check(answer, names, where=where)
    return [
        solved[key] if problem.assets else np.zeros(0)
        for key, problem in zip(keys, problems, strict=True)
    ]


def _key(problem: Problem) -> bytes:
    """Everything in a problem that may differ within one run."""
    parts = [str(problem.as_of).encode(), "\0".join(problem.assets).encode()]
    parts += [
        b"-" if a is None else a.tobytes() for a in (problem.alpha, problem.views, problem.current)
    ]
    return b"\1".join(parts)


def _placed(answer: NDArray[np.float64], columns: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    result = np.zeros(n)
    result[columns] = answer
    return result


def _drifted(
    held: tuple[int, NDArray[np.float64]] | None, t: int, returns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The last targets, moved by the returns since: wᵢ∏(1+rᵢ) / (cash + Σ wⱼ∏(1+rⱼ))."""
    if held is None:
        return np.zeros(returns.shape[1])
    since, weights = held
    grown = weights * np.prod(1.0 + np.nan_to_num(returns[since + 1 : t + 1]), axis=0)
    result: NDArray[np.float64] = grown / (1.0 - weights.sum() + grown.sum())
    return result


def _read_only(array: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.ascontiguousarray(array).view()
    result.flags.writeable = False
    return result
