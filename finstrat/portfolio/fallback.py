"""What answers where an optimizer doesn't: the next of a declared chain, and in the end no trade.

Which answer was used at which date, and why, is kept. Only `UnsolvedError` leads from the optimizer
to its stand-ins: if it breaks its contract otherwise, the run still stops.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from finstrat.errors import PluginError, UnsolvedError
from finstrat.portfolio.region import Cost, least_cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.components import Optimizer
    from finstrat.portfolio.problem import Problem

LastResort = Literal["hold", "cash"]
NEARLY = 1e-6
"""A weight so near the wanted one isn't moved."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Weights `[M]` for one problem, or None to hold what is held.

    Attributes:
        weights: within the limits.
        used: name of the optimizer, "hold" or "cash".
        reasons: why each before it in the chain gave none.
    """

    weights: NDArray[np.float64] | None
    used: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fallback:
    """A date at which the optimizer gave no weights: what was used, and why."""

    session: str
    used: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Settled:
    """The answers to all problems of one decision.

    Attributes:
        answers: session, columns of the panel that it is about, and the answer.
        short_history: how often an eligible asset had too little history.
    """

    answers: list[tuple[int, NDArray[np.int64], Answer]]
    short_history: int


@dataclass(frozen=True, eq=False)
class Chain:
    """An optimizer and what stands in for it, in order; "hold" comes last by itself.

    `solved` remembers answers by problem, so that nothing is solved twice; `latest` those to all
    problems of the newest decision, by what poses them, so that nothing is posed twice in a row.
    """

    optimizer: Optimizer
    others: tuple[Optimizer | LastResort, ...] = ()
    solved: dict[bytes, Answer] = field(default_factory=dict)
    latest: dict[bytes, Settled] = field(default_factory=dict)

    def answers(self, problems: Sequence[Problem]) -> list[Answer]:
        """The answer to each problem; an empty problem holds cash."""
        keys = [_key(problem) for problem in problems]
        missing = {
            key: problem
            for key, problem in zip(keys, problems, strict=True)
            if key not in self.solved and problem.assets
        }
        for key, answer in zip(missing, self._solve_many(list(missing.values())), strict=True):
            self.solved[key] = answer
        nothing = Answer(np.zeros(0), self.optimizer.name)
        return [
            self.solved[key] if problem.assets else nothing
            for key, problem in zip(keys, problems, strict=True)
        ]

    def remember(self, key: bytes, settled: Settled) -> None:
        """Keep the answers of the newest decision alone."""
        self.latest.clear()
        self.latest[key] = settled

    def forget(self) -> None:
        """Drop every answer."""
        self.solved.clear()
        self.latest.clear()

    def _solve_many(self, problems: list[Problem]) -> list[Answer]:
        """All at once where every one has a solution, else each by itself."""
        try:
            found = self.optimizer.solve_many(problems)
            return [
                Answer(_kept(self.optimizer, problem, weights), self.optimizer.name)
                for problem, weights in zip(problems, found, strict=True)
            ]
        except UnsolvedError:
            return [self._solve(problem) for problem in problems]

    def _solve(self, problem: Problem) -> Answer:
        reasons: list[str] = []
        for each in (self.optimizer, *self.others, "hold"):
            if isinstance(each, str):
                weights = None if each == "hold" else np.zeros(len(problem.assets))
                return Answer(weights, each, tuple(reasons))
            try:
                weights = _kept(each, problem, each.solve(_seen_by(each, problem)))
            except PluginError as error:
                # A stand-in that can't answer at all, for lack of an alpha, say, is passed over.
                if each is self.optimizer and not isinstance(error, UnsolvedError):
                    raise
                reasons.append(f"{each.name}: {error}")
            else:
                return Answer(weights, each.name, tuple(reasons))
        raise AssertionError


def nearest(weights: NDArray[np.float64], problem: Problem) -> NDArray[np.float64]:
    """The weights within the problem's limits with the least Σ(w − weights)².

    Raises:
        UnsolvedError: no weights keep the limits.
    """
    found = least_cost(problem, Cost(np.eye(len(weights)), weights))
    # Where nothing pulls, an interior point stops a little off; what was wanted is exact.
    exact = np.where(np.abs(found - weights) < NEARLY, weights, found)
    return found if problem.broken(exact) else exact


def _kept(
    optimizer: Optimizer, problem: Problem, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """An optimizer's answer, moved to the nearest within limits that it doesn't know of.

    Raises:
        UnsolvedError: it broke one that every optimizer has to keep.
    """
    limits, where = problem.constraints, f'optimizer "{optimizer.name}" on {problem.as_of}'
    everyone = limits.known_to_all
    weights = everyone.check(weights, problem.assets, where=where)
    return weights if problem.keeps(weights) else nearest(weights, problem)


def _seen_by(optimizer: Optimizer, problem: Problem) -> Problem:
    """`problem` with as much history as `optimizer` wants.

    Raises:
        UnsolvedError: it wants more than there is.
    """
    if optimizer.window > len(problem.returns):
        raise UnsolvedError(
            f"wants {optimizer.window} trailing sessions; the optimizer before it in the chain "
            f"looks at {len(problem.returns)}"
        )
    seen = problem.returns[len(problem.returns) - optimizer.window :]
    return replace(problem, returns=seen)


def _key(problem: Problem) -> bytes:
    """Everything in a problem that may differ between two decisions over one market."""
    parts = [str(problem.as_of).encode(), "\0".join(problem.assets).encode()]
    # The same day is so many sessions from the next rebalance of one schedule, and of another more.
    parts.append(f"{problem.horizon} {problem.confidence!r}".encode())
    parts += [
        b"-" if a is None else a.tobytes() for a in (problem.alpha, problem.views, problem.current)
    ]
    return b"\1".join(parts)
