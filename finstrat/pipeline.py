"""One backtest from configuration to result: a fixed sequence of pure steps.

    sources → clock + align → signals → strategy → optimizer → simulate → result

Row t of everything up to the targets uses nothing known at or after cutoff t. Nothing is rendered
and nothing is written here, but for the cache of scores that the caller may hand in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from pydantic import ValidationError

from finstrat.components import Inputs
from finstrat.data import Finding, align
from finstrat.errors import ConfigError, did_you_mean
from finstrat.faults import told_of
from finstrat.holdout import as_recorded
from finstrat.portfolio.decision import checked
from finstrat.portfolio.fallback import Chain
from finstrat.portfolio.targets import target_weights
from finstrat.signals import (
    Features,
    Fits,
    Progress,
    Scores,
    check_known,
    compute_signals,
    untouched,
)
from finstrat.simulate.account import simulate
from finstrat.simulate.execution import Execution
from finstrat.simulate.exits import exit_days
from finstrat.simulate.inference import after_inference, paid_by_session
from finstrat.store import RunResult
from finstrat.validate.signal_record import latest_cutoff, signal_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from finstrat.config import Plan
    from finstrat.data import Panel
    from finstrat.market import Market
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.portfolio.fallback import Fallback
    from finstrat.portfolio.targets import Targets
    from finstrat.simulate.account import Simulation
    from finstrat.simulate.execution import Engine
    from finstrat.simulate.ledger import Prices, Returns
    from finstrat.text.cache import ScoreCache


def run(
    plan: Plan,
    market: Market,
    *,
    device: str = "auto",
    cache: ScoreCache | None = None,
    progress: Progress = lambda _step, _done, _total: None,
) -> RunResult:
    """The result of one backtest over `market`, which `load_market` made for this plan.

    `device` is "auto" (a GPU where there is one), "cpu" or "cuda". With a `cache`, no text is
    scored twice.

    Raises:
        FinstratError: a source refused its data, or a component broke its contract; the message
            says which.
    """
    scores = Scores(
        plan, market.documents, cache=cache, device=pick_device(device), progress=progress
    )
    inputs = inputs_over(plan, market, scores)
    fits: Fits = {}
    features = compute_signals(plan, inputs, fits=fits)
    check_known(plan, features)
    decision = decide(plan, replace(inputs, features=features))
    desk = Desk(plan, market)
    progress("portfolio", 0, 2)
    traded = desk.trade(decision)
    simulation = traded.simulation
    progress("portfolio", 1, 2)
    twin = neutral_twin(plan, inputs, features, decision, first=market.first)
    without = desk.trade(twin).simulation.sessions if twin else None
    progress("portfolio", 2, 2)

    sessions = simulation.sessions
    paid = inference_paid(plan, market)
    if paid is not None:
        cash = plan.config.execution.initial_cash
        sessions = after_inference(sessions, paid, initial_cash=cash)
    sessions = sessions.assign(
        benchmark=benchmark_returns(plan, market.panel)[market.first :],
        twin=np.nan if without is None else without["net"],
        twin_gross=np.nan if without is None else without["gross"],
        twin_turnover=np.nan if without is None else without["turnover"],
    )
    exits = exit_days(market.panel, simulation, first=market.first)
    sessions["days_to_exit"] = np.nan if exits is None else exits.whole
    findings = [*market.findings, *_trading_findings(traded)]
    return RunResult(
        kind="backtest",
        name=plan.config.name,
        config=plan.resolved,
        sessions=sessions,
        targets=traded.targets,
        holdings=simulation.holdings,
        asset_returns=_frame(market.panel.returns(), market.panel).iloc[market.first :],
        orders=simulation.orders,
        periods_per_year=market.clock.periods_per_year,
        initial_cash=plan.config.execution.initial_cash,
        findings=tuple(findings),
        cards=tuple(scores.cards[name] for name in sorted(scores.cards)),
        signals=signal_records(plan, market, features, scores),
        manifest={
            "inputs": market.digests,
            "components": plan.components,
            "engine": simulation.engine,
            "engine_limits": list(simulation.limits),
            "seed": plan.config.seed,
            "fallbacks": [asdict(each) for each in traded.fallbacks],
            "rules": scores.rules,
            "fits": {name: [asdict(fit) for fit in done] for name, done in fits.items()},
            "assets": list(market.panel.assets),
            "days_to_exit": None if exits is None else exits.at_the_end,
            "counts": {
                "documents": len(market.documents),
                "unique_texts": scores.unique,
                "warmup_sessions": market.first,
            },
            "twin": "text signals replaced by their averages" if twin else "no signal reads text",
            **({"holdout": as_recorded(market.looks)} if market.looks else {}),
        },
        provenance={
            "device": str(scores.device),
            "texts_scored": scores.scored,
            "texts_from_cache": scores.cached,
            "scorer_usage": scores.usage,
        },
    )


def signal_records(
    plan: Plan, market: Market, features: Features, scores: Scores
) -> dict[str, dict[str, Any]]:
    """What is kept of each output, by "signal.output": its tearsheet as plain data.

    What rests on text is split at the latest cutoff of the run's scorers.
    """
    cutoff = latest_cutoff(card.training_cutoff for card in scores.cards.values())
    without_text = untouched(features, plan.signals, text_signals(plan))
    return {
        key: signal_record(
            values.cpu().numpy(),
            market.panel,
            fill=plan.config.execution.fill,
            first=market.first,
            reads_text=key not in without_text,
            cutoff=None if key in without_text else cutoff,
        )
        for key, values in features.items()
    }


def inference_paid(plan: Plan, market: Market) -> NDArray[np.float64] | None:
    """What scoring costs at each evaluated session, `[T]`, in currency; None without a price.

    Every document is paid once for each priced scorer, as if no score had been kept.
    """
    prices = plan.config.inference.values()
    if not prices:
        return None
    documents, texts = market.documents, market.documents.texts
    cost = np.sum([price.of(texts) for price in prices], axis=0)
    return paid_by_session(
        cost,
        align.document_sessions(documents, market.clock),
        first=market.first,
        count=len(market.clock),
    )


def inputs_over(plan: Plan, market: Market, scores: Scores) -> Inputs:
    """What the first signal of a run may see; documents are scored when one asks."""
    return Inputs(
        panel=market.panel,
        documents=market.documents,
        facts=market.facts,
        clock=market.clock,
        device=scores.device,
        first=market.first,
        scorer=scores,
        fill=plan.config.execution.fill,
        seed=plan.config.seed,
    )


def decide(plan: Plan, inputs: Inputs) -> CheckedDecision:
    """What the strategy wants, checked."""
    with told_of(plan, "strategy"):
        return checked(
            plan.strategy.decide(inputs),
            inputs.panel,
            strategy=plan.strategy.name,
            has_optimizer=plan.optimizer is not None,
        )


def neutral_twin(
    plan: Plan, inputs: Inputs, features: Features, decision: CheckedDecision, *, first: int
) -> CheckedDecision | None:
    """The same strategy with what it read taken away, or None where no signal reads text.

    Each output of a signal that reads documents is replaced by its own average (unknown stays
    unknown), signals built on it are computed anew, and exposure is scaled to the same average
    over the evaluated rebalances. What is left is what the strategy earns without the text.
    """
    return with_text_replaced(
        plan,
        inputs,
        features,
        decision,
        first=first,
        by=lambda values: torch.where(values.isnan(), torch.nan, values.nanmean()),
    )


def with_text_replaced(
    plan: Plan,
    inputs: Inputs,
    features: Features,
    decision: CheckedDecision,
    *,
    first: int,
    by: Callable[[torch.Tensor], torch.Tensor],
) -> CheckedDecision | None:
    """What the strategy decides when `by` stands for each output of a signal that reads documents.

    Signals built on those are computed anew, and exposure is scaled to the mean of `decision` over
    the evaluated rebalances. None where no signal reads text.
    """
    reads = text_signals(plan)
    if not reads:
        return None
    replaced = {
        key: by(values) for key, values in features.items() if key.partition(".")[0] in reads
    }
    given = {**untouched(features, plan.signals, reads), **replaced}
    computed = compute_signals(plan, inputs, given=given)
    other = decide(plan, replace(inputs, features=computed))
    return with_exposure_of(decision, other, first=first)


def text_signals(plan: Plan) -> list[str]:
    """The signals that read documents themselves, by their names in the backtest file."""
    return [name for name, signal in plan.signals.items() if "documents" in signal.needs]


def with_exposure_of(
    decision: CheckedDecision, other: CheckedDecision, *, first: int
) -> CheckedDecision:
    """`other`, its exposure scaled to the mean of `decision`'s over the evaluated rebalances.

    None of it ends above the highest of `decision`'s, which is as much as the limits are known to
    allow; what that cuts off, the rest makes up for as far as it can.
    """
    evaluated = np.arange(len(decision.rebalance)) >= first
    own = decision.exposure[decision.rebalance & evaluated]
    its = other.exposure[other.rebalance & evaluated]
    if not (own.size and its.size and own.mean() > 0 and its.mean() > 0):
        return other
    highest = own.max()
    factor = own.mean() / its.mean()
    for _ in range(_SCALINGS):
        factor *= own.mean() / np.minimum(its * factor, highest).mean()
    return replace(other, exposure=np.minimum(other.exposure * factor, highest))


_SCALINGS = 200
"""Rounds that bring a mean under a cap to within rounding, or as near as the cap allows."""


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
        targets = self.targets(decision)
        frame = _frame(targets.weights, self._market.panel).iloc[self._market.first :]
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
            self._chain.solved.clear()

    def _terms(self, engine: Engine | None) -> Execution:
        terms = self._plan.config.execution
        if engine is None:
            return terms
        try:
            return Execution.model_validate({**terms.model_dump(), "engine": engine})
        except ValidationError as error:
            raise ConfigError(f"execution: {error.errors()[0]['msg']}") from None


def benchmark_returns(plan: Plan, panel: Panel) -> NDArray[np.float64]:
    """Daily total returns of the benchmark, `[T]`, before costs; NaN where there is none.

    "equal-weight" holds, at each session, the members of the session before in equal parts.

    Raises:
        ConfigError: the benchmark is no asset of the price source.
    """
    name = plan.config.market.benchmark
    returns = panel.returns()
    if name == "none":
        return np.full(len(panel.times), np.nan)
    if name != "equal-weight":
        if name not in panel.assets:
            known = (*panel.assets, "equal-weight", "none")
            raise ConfigError(f'market.benchmark: no asset "{name}"{did_you_mean(name, known)}')
        return np.nan_to_num(returns[:, panel.assets.index(name)])
    return equal_weight_returns(panel)


def equal_weight_returns(panel: Panel) -> NDArray[np.float64]:
    """The mean total return of the members of the session before, `[T]`; 0 where there are none."""
    returns = panel.returns()
    held = np.zeros_like(panel.member)
    held[1:] = panel.member[:-1]
    held &= ~np.isnan(returns)
    total = np.where(held, returns, 0.0).sum(axis=1)
    average: NDArray[np.float64] = total / np.maximum(held.sum(axis=1), 1)
    return average


def pick_device(wanted: str) -> torch.device:
    """The device to compute on; "auto" is a GPU where there is one.

    Raises:
        ConfigError: a device that isn't there.
    """
    if wanted not in {"auto", "cpu", "cuda"}:
        raise ConfigError(f'device: "{wanted}" is none of auto, cpu, cuda')
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: cuda was asked for, but torch finds no GPU; use auto or cpu")
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def _trading_findings(traded: Traded) -> list[Finding]:
    """What the optimizer and the account could not do as asked."""
    simulation = traded.simulation
    used = sorted({each.used for each in traded.fallbacks})
    counted = (
        (
            "eligible without enough history",
            traded.short_history,
            "left out of the optimizer's problem",
        ),
        (
            "no weights from the optimizer",
            len(traded.fallbacks),
            f"used instead: {', '.join(used)}; see the dates in the report",
        ),
        ("order cut for lack of cash", simulation.partial_fills, "filled in part"),
        ("order without a price", simulation.waited_orders, "filled at the next price"),
        ("order cut to the volume", simulation.carried_orders, "carried to later sessions"),
        ("order never filled", simulation.missed_orders, "no price while it was in force"),
        (
            "held asset whose prices ended",
            simulation.delisted_exits,
            "sold at the delisting return",
        ),
        ("margin call", simulation.margin_calls, "holdings reduced at the next fill"),
        ("account lost everything", int(simulation.bankrupt_at is not None), "trading stopped"),
    )
    return [
        Finding("simulation", check, count, detail, "warning")
        for check, count, detail in counted
        if count
    ]


def _frame(values: NDArray[np.float64], panel: Panel) -> pd.DataFrame:
    return pd.DataFrame(values, index=panel.index, columns=list(panel.assets))
