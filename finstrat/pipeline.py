"""One backtest from configuration to result: a fixed sequence of pure steps.

    sources → clock + align → signals → strategy → optimizer → simulate → result

Row t of everything up to the targets uses nothing known at or after cutoff t. Nothing is rendered
and nothing is written here, but for the cache of scores that the caller may hand in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from finstrat.components import Inputs
from finstrat.data import Finding
from finstrat.errors import ConfigError, did_you_mean
from finstrat.portfolio.decision import checked
from finstrat.portfolio.targets import target_weights
from finstrat.signals import Features, Progress, Scores, builds_on, compute_signals
from finstrat.simulate.account import simulate
from finstrat.store import RunResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.config import Plan
    from finstrat.costs import CostRates
    from finstrat.data import Panel
    from finstrat.market import Market
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.simulate.account import Simulation
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
    inputs = Inputs(
        panel=market.panel,
        documents=market.documents,
        facts=market.facts,
        clock=market.clock,
        device=scores.device,
        scorer=scores,
    )
    features = compute_signals(plan, inputs)
    decision = decide(plan, replace(inputs, features=features))
    costs = plan.costs.rates(market.panel)
    solved: dict[bytes, NDArray[np.float64]] = {}

    def account(decision: CheckedDecision) -> tuple[pd.DataFrame, Simulation, int]:
        """The targets of a decision, and what an account that trades on them earns."""
        targets = target_weights(
            decision,
            market.panel,
            optimizer=plan.optimizer,
            constraints=plan.config.limits,
            costs=costs,
            first=market.first,
            solved=solved,
        )
        frame = _frame(targets.weights, market.panel).iloc[market.first :]
        return frame, trade(plan, market, frame, costs), targets.short_history

    progress("portfolio", 0, 2)
    targets, simulation, short_history = account(decision)
    progress("portfolio", 1, 2)
    twin = neutral_twin(plan, inputs, features, decision, first=market.first)
    twin_net = account(twin)[1].sessions["net"] if twin else np.nan
    progress("portfolio", 2, 2)

    sessions = simulation.sessions.assign(
        benchmark=benchmark_returns(plan, market.panel)[market.first :], twin=twin_net
    )
    findings = [*market.findings, *_trading_findings(simulation, short_history)]
    return RunResult(
        kind="backtest",
        name=plan.config.name,
        config=plan.resolved,
        sessions=sessions,
        targets=targets,
        holdings=simulation.holdings,
        orders=simulation.orders,
        periods_per_year=market.clock.periods_per_year,
        initial_cash=plan.config.execution.initial_cash,
        findings=tuple(findings),
        cards=tuple(scores.cards[name] for name in sorted(scores.cards)),
        manifest={
            "inputs": market.digests,
            "components": plan.components,
            "engine": simulation.engine,
            "engine_limits": list(simulation.limits),
            "seed": plan.config.seed,
            "assets": list(market.panel.assets),
            "counts": {
                "documents": len(market.documents),
                "unique_texts": scores.unique,
                "warmup_sessions": market.first,
            },
            "twin": "text signals replaced by their averages" if twin else "no signal reads text",
        },
        provenance={
            "device": str(scores.device),
            "texts_scored": scores.scored,
            "texts_from_cache": scores.cached,
        },
    )


def decide(plan: Plan, inputs: Inputs) -> CheckedDecision:
    """What the strategy wants, checked."""
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
    reads = [name for name, signal in plan.signals.items() if "documents" in signal.needs]
    if not reads:
        return None
    flat: Features = {}
    for key, values in features.items():
        if key.partition(".")[0] in reads:
            flat[key] = torch.where(values.isnan(), torch.nan, values.nanmean())
        elif not builds_on(plan.signals, key.partition(".")[0], reads):
            flat[key] = values
    without = compute_signals(plan, inputs, given=flat)
    twin = decide(plan, replace(inputs, features=without))
    evaluated = np.arange(len(decision.rebalance)) >= first
    own = decision.exposure[decision.rebalance & evaluated]
    other = twin.exposure[twin.rebalance & evaluated]
    if own.size and other.size and other.mean() > 0:
        return replace(twin, exposure=twin.exposure * (own.mean() / other.mean()))
    return twin


def trade(plan: Plan, market: Market, targets: pd.DataFrame, costs: CostRates) -> Simulation:
    """The account that trades on `targets` over the evaluated span."""
    rows = slice(market.first, len(market.clock))
    return simulate(
        targets,
        market.panel.slice(market.first, len(market.clock)),
        rates=replace(costs, fees=costs.fees[rows], slippage=costs.slippage[rows]),
        execution=plan.config.execution,
        max_gross=plan.config.limits.gross,
    )


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


def _trading_findings(simulation: Simulation, short_history: int) -> list[Finding]:
    """What the account could not do as asked."""
    counted = (
        ("eligible without enough history", short_history, "left out of the optimizer's problem"),
        ("order cut for lack of cash", simulation.partial_fills, "filled in part"),
        ("order without a price", simulation.waited_orders, "filled at the next price"),
        ("order never filled", simulation.missed_orders, "no price while it was in force"),
        (
            "held asset whose prices ended",
            simulation.delisted_exits,
            "sold at the delisting return",
        ),
        ("account lost everything", int(simulation.bankrupt_at is not None), "trading stopped"),
    )
    return [
        Finding("simulation", check, count, detail, "warning")
        for check, count, detail in counted
        if count
    ]


def _frame(weights: NDArray[np.float64], panel: Panel) -> pd.DataFrame:
    return pd.DataFrame(weights, index=panel.index, columns=list(panel.assets))
