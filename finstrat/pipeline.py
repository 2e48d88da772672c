"""One backtest from configuration to result: a fixed sequence of pure steps.

    sources → clock + align → signals → strategy → optimizer → simulate → result

Row t of everything up to the targets uses nothing known at or after cutoff t. Nothing is rendered
and nothing is written here, but for the cache of scores that the caller may hand in.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from finstrat.components import Inputs
from finstrat.data import Finding, align
from finstrat.desk import Desk
from finstrat.errors import ConfigError, did_you_mean
from finstrat.faults import told_of
from finstrat.holdout import as_recorded
from finstrat.portfolio.decision import checked
from finstrat.signal_records import signal_records
from finstrat.signals import (
    Features,
    Fits,
    Progress,
    Scores,
    check_known,
    compute_signals,
    text_signals,
    untouched,
)
from finstrat.simulate.exits import exit_days
from finstrat.simulate.inference import after_inference, paid_by_session
from finstrat.store import RunResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from finstrat.config import Plan
    from finstrat.data import Panel
    from finstrat.desk import Traded
    from finstrat.market import Market
    from finstrat.portfolio.decision import CheckedDecision
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
    asset_returns = pd.DataFrame(
        market.panel.returns(), index=market.panel.index, columns=list(market.panel.assets)
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
        asset_returns=asset_returns.iloc[market.first :],
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
