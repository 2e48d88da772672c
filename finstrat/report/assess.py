"""The verdict and the headline figures of a run, out of its result.

The one place where a `RunResult` meets the checks and the measures; sections and the report's
opening both take their numbers from here, so they can't disagree.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat import risk
from finstrat.report import credit
from finstrat.validate import verdict as judge
from finstrat.validate.bootstrap import bootstrap_interval
from finstrat.validate.held_out import holds_in_the_holdout
from finstrat.validate.verdict import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.risk.figure import Figure
    from finstrat.store import RunResult
    from finstrat.validate.verdict import Check

RETURNS_ALONE = (
    "Inconclusive: returns alone show neither what was known when they were earned nor how many "
    "others were tried."
)

Labelled = tuple[tuple[str, "Figure"], ...]


@dataclass(frozen=True)
class TwinComparison:
    """Sharpe ratios of a strategy and its text-neutral twin, and their difference."""

    strategy: Figure
    twin: Figure
    difference: Figure


def column(result: RunResult, name: str) -> NDArray[np.float64]:
    """One column of `result.sessions` as float64 `[T]`; NaN throughout where it is absent."""
    if name not in result.sessions:
        return np.full(len(result.sessions), np.nan)
    return result.sessions[name].to_numpy(dtype=np.float64)


def session_dates(result: RunResult) -> NDArray[np.datetime64]:
    """The evaluated sessions, `datetime64[D]` `[T]`."""
    return result.sessions.index.to_numpy().astype("datetime64[D]")


def seed_of(result: RunResult) -> int:
    """The run's seed, for the bootstrap; 0 where the backtest names none."""
    seed = result.config.get("seed", 0)
    return seed if isinstance(seed, int) else 0


def risk_free_of(result: RunResult) -> float:
    """The yearly risk-free rate of the backtest as a fraction; 0 where it names none."""
    market = result.config.get("market", {})
    rate = market.get("risk_free", 0.0) if isinstance(market, dict) else 0.0
    return float(rate) if isinstance(rate, int | float) else 0.0


def verdict_of(result: RunResult) -> Verdict:
    """The verdict on a run: three checks on the result itself, and the audits it carries."""
    if result.kind == "returns":
        return Verdict("inconclusive", RETURNS_ALONE, ())
    if result.kind == "credit":
        return credit.verdict(result)
    return judge.conclude(
        [
            judge.beats_twin(column(result, "net"), column(result, "twin"), seed=seed_of(result)),
            judge.period_unknown_to_models(result.cards, session_dates(result)),
            *(judge.recorded_audit(name, result.checks) for name in judge.AUDITS),
            _holdout(result),
        ]
    )


def _holdout(result: RunResult) -> Check:
    """What a look at a holdout showed."""
    net, twin = column(result, "net"), column(result, "twin")
    return holds_in_the_holdout(
        result.manifest.get("holdout", {}),
        session_dates(result),
        net if np.isnan(twin).all() else net - twin,
        seed=seed_of(result),
    )


def sharpe_of(result: RunResult, name: str = "net") -> Figure:
    """The Sharpe ratio of one column of returns, with its bootstrap interval where there is one."""
    returns = risk.observed(column(result, name))
    rate, years = risk_free_of(result), result.periods_per_year
    figure = risk.sharpe(returns, periods_per_year=years, risk_free=rate)
    if figure.value is None:
        return figure
    interval = bootstrap_interval(
        returns,
        lambda draw: risk.sharpe_ratio(draw, periods_per_year=years, risk_free=rate),
        seed=seed_of(result),
    )
    if interval is None:
        return replace(figure, method="no interval: too few sessions")
    return replace(figure, ci=interval.bounds, method=interval.method)


def twin_comparison(result: RunResult) -> TwinComparison:
    """Sharpe ratios over the sessions where both are known; the bootstrap keeps them paired."""
    pairs = np.column_stack([column(result, "net"), column(result, "twin")])
    pairs = pairs[~np.isnan(pairs).any(axis=1)]
    n = len(pairs)
    rate, years = risk_free_of(result), result.periods_per_year
    if n == 0:
        none = risk.unknown("sharpe.arithmetic", n=0, reason="the run used no text: no twin")
        gap = risk.unknown("sharpe.difference", n=0, reason="the run used no text: no twin")
        return TwinComparison(sharpe_of(result), none, gap)
    own = risk.sharpe(pairs[:, 0], periods_per_year=years, risk_free=rate)
    other = risk.sharpe(pairs[:, 1], periods_per_year=years, risk_free=rate)
    if own.value is None or other.value is None:
        reason = own.reason_if_null or f"the twin's is unknown: {other.reason_if_null}"
        return TwinComparison(own, other, risk.unknown("sharpe.difference", n=n, reason=reason))
    interval = bootstrap_interval(
        pairs,
        lambda draw: (
            risk.sharpe_ratio(draw[:, 0], periods_per_year=years, risk_free=rate)
            - risk.sharpe_ratio(draw[:, 1], periods_per_year=years, risk_free=rate)
        ),
        seed=seed_of(result),
    )
    gap = risk.known(
        "sharpe.difference",
        own.value - other.value,
        n=n,
        ci=interval.bounds if interval else None,
        method=interval.method if interval else "no interval: too few sessions",
    )
    return TwinComparison(own, other, gap)


def headline_of(result: RunResult) -> Labelled:
    """The figures a reader looks for first."""
    if result.kind == "credit":
        return credit.headline(result)
    net, years = column(result, "net"), result.periods_per_year
    return (
        ("Sharpe ratio", sharpe_of(result)),
        ("Sharpe less twin's", twin_comparison(result).difference),
        ("Growth a year", growth_of(result)),
        ("Total return", risk.total_return(net)),
        ("Volatility", risk.volatility(net, periods_per_year=years)),
        ("Deepest drawdown", risk.max_drawdown(net)),
        (
            "Turnover a year",
            risk.annual_turnover(column(result, "turnover"), periods_per_year=years),
        ),
        ("Cost drag a year", risk.cost_drag(column(result, "gross"), net, periods_per_year=years)),
    )


def growth_of(result: RunResult, name: str = "net") -> Figure:
    """Compound yearly growth of one column of returns over the run's span."""
    days = session_dates(result)
    first, last = (dt.date.fromisoformat(str(day)) for day in (days[0], days[-1]))
    return risk.cagr(column(result, name), first=first, last=last)
