"""Trades decisions over one market: the optimizer, its costs and the account, kept for reuse.

It doesn't know where a decision comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import ValidationError

from finstrat.errors import ConfigError
from finstrat.faults import told_of
from finstrat.portfolio.fallback import Chain
from finstrat.portfolio.targets import target_weights
from finstrat.simulate.account import simulate
from finstrat.simulate.execution import Execution

if TYPE_CHECKING:
    from collections.abc import Iterable

    from finstrat.config import Plan
    from finstrat.market import Market
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.portfolio.fallback import Fallback
    from finstrat.portfolio.targets import Targets
    from finstrat.simulate.account import Simulation
    from finstrat.simulate.execution import Engine
    from finstrat.simulate.ledger import Prices, Returns


@dataclass(frozen=True, eq=False)
class Traded:
    """What came of a decision.

    Attributes:
        targets: weights to hold, `[T, N]` over the evaluated span; a NaN row means hold.
        simulation: the account that traded on them.
        short_history: how often an eligible asset had too little history for the optimizer.
        fallbacks: the dates at which something stood in for the optimizer.
    """

    targets: pd.DataFrame
    simulation: Simulation
    short_history: int
    fallbacks: tuple[Fallback, ...] = ()


AT_ONCE = 4_000_000
"""Weights of accounts that are kept at once, some 32 MB."""


class Desk:
    """Trades decisions over one market; a problem that two of them share is solved once."""

    def __init__(self, plan: Plan, market: Market) -> None:
        self._plan = plan
        self._market = market
        with told_of(plan, "costs"):
            self._costs = plan.costs.rates(market.panel)
        self._chain = None if plan.optimizer is None else Chain(plan.optimizer, plan.fallbacks)
        self._prices: Prices | None = None
        self._evaluated = market.panel.slice(market.first, len(market.clock))
        self._evaluated_costs = self._costs.rows(market.first, len(market.clock))

    def trade(self, decision: CheckedDecision, *, engine: Engine | None = None) -> Traded:
        """The targets of a decision, and the account that trades on them, by the run's own engine.

        Raises:
            ConfigError: another `engine` was asked for, which doesn't know the run's terms.
        """
        targets, panel = self.targets(decision), self._market.panel
        weights = pd.DataFrame(targets.weights, index=panel.index, columns=list(panel.assets))
        frame = weights.iloc[self._market.first :]
        simulation = simulate(
            frame,
            self._evaluated,
            rates=self._evaluated_costs,
            execution=self._terms(engine),
            max_gross=self._plan.config.limits.gross,
        )
        return Traded(frame, simulation, targets.short_history, targets.fallbacks)

    def daily_returns(self, decisions: Iterable[CheckedDecision]) -> Returns:
        """What each of B decisions earns a day, `[B, T]`, by the quick engine and at once.

        Far cheaper than as many calls of `trade`, of which no order or holding is kept.

        Raises:
            ConfigError: the quick engine doesn't know the run's terms.
        """
        # Imported here because numba takes a moment.
        from finstrat.simulate import ledger

        terms = self._terms("ledger")
        if self._prices is None:
            self._prices = ledger.Prices.of(self._evaluated, terms)
        first, order = self._market.first, self._prices.order
        weights = (self.targets(each).weights[first:, order] for each in decisions)
        some = max(1, AT_ONCE // self._evaluated.member.size)
        parts = []
        while chunk := list(islice(weights, some)):
            parts.append(
                ledger.daily_returns(
                    np.stack(chunk), self._prices, rates=self._evaluated_costs, execution=terms
                )
            )
        return ledger.Returns(
            net=np.concatenate([part.net for part in parts]),
            gross=np.concatenate([part.gross for part in parts]),
        )

    def targets(self, decision: CheckedDecision) -> Targets:
        """What a decision comes to once the optimizer has been asked; no account is needed."""
        market, config = self._market, self._plan.config
        fill = "open" if config.execution.fill == "next-open" else "close"
        return target_weights(
            decision,
            market.panel,
            chain=self._chain,
            constraints=config.limits,
            costs=self._costs,
            fills=market.panel.adjusted(fill),
            capital=config.execution.initial_cash,
            first=market.first,
            benchmark=config.market.benchmark,
            sessions_per_year=market.clock.periods_per_year,
        )

    def forget(self, *, above: int) -> None:
        """Drop the optimizer's answers where they take more than `above` bytes."""
        if self._chain is None:
            return
        # The answer and the key, which holds names and alpha, are of about one size.
        if len(self._chain.solved) * self._market.panel.shape[1] * 16 > above:
            self._chain.forget()

    def _terms(self, engine: Engine | None) -> Execution:
        terms = self._plan.config.execution
        if engine is None:
            return terms
        try:
            return Execution.model_validate({**terms.model_dump(), "engine": engine})
        except ValidationError as error:
            raise ConfigError(f"execution: {error.errors()[0]['msg']}") from None
