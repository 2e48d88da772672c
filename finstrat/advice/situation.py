"""Where a person stands on the day of the advice: what can be held, what is held, what is expected.

It turns a profile and a reopened backtest into a linear program's data. What to do about it is
decided elsewhere.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.data import Span, Universe, align
from finstrat.errors import ConfigError, DataError, did_you_mean
from finstrat.faults import told_of
from finstrat.holdout import Lock
from finstrat.portfolio.allocation import Account, Limit
from finstrat.portfolio.alpha import (
    expected,
    information_coefficients,
    residual_volatility,
    skill,
)
from finstrat.targets import last_closes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.advice.profile import Profile
    from finstrat.audit import Case
    from finstrat.config import Plan
    from finstrat.data import Clock, Panel
    from finstrat.toml_file import TomlFile

BEGINNING = dt.date(1990, 1, 1)
"""Prices before this say little of a portfolio of today."""

MONTH = 21
"""Sessions of a month."""

YEARS, STEP = 10, 5
"""Months that expected shortfall is measured over: those of the last years, one begun each week."""

BETA_WINDOW = 504
"""Sessions over which a stock's part in the average stock's premium is measured."""


@dataclass(frozen=True, eq=False)
class Situation:
    """What can be held, M assets, and what is known of each.

    Attributes:
        profile: of the person.
        case: the backtest up to the as-of date.
        row: of the decision in force, in the case's market.
        columns: `[M]` of the panel.
        names: M ids.
        chosen: `[M]` whether the strategy would hold it now.
        price: `[M]` last closes.
        held: `[M]` shares.
        value: of the account, money and holdings.
        history: `[T', N]` adjusted closes of the whole universe, all there are up to the date.
        times: `[T']`.
    """

    profile: Profile
    case: Case
    row: int
    columns: NDArray[np.int64]
    names: tuple[str, ...]
    chosen: NDArray[np.bool_]
    price: NDArray[np.float64]
    held: NDArray[np.float64]
    value: float
    history: NDArray[np.float64]
    times: NDArray[np.datetime64]

    @property
    def current(self) -> NDArray[np.float64]:
        """`[M]` weights held now."""
        weights: NDArray[np.float64] = self.held * self.price / self.value
        return weights


def check_assets(profile: Profile, assets: tuple[str, ...], file: TomlFile) -> None:
    """Refuse a name that the backtest has no prices of, with its line."""
    wishes = profile.constraints
    named: list[tuple[tuple[str, ...], str]] = [
        *((("exclude",), each) for each in profile.exclude),
        *((("holdings", each), each) for each in profile.holdings),
        *((("constraints", "minimum", each), each) for each in wishes.minimum),
        *(
            (("constraints", "groups", name, "assets"), each)
            for name, group in wishes.groups.items()
            for each in group.assets
        ),
    ]
    for key, asset in named:
        if asset not in assets:
            hint = did_you_mean(asset, assets)
            raise ConfigError(f'{file.where(key)}: the backtest has no asset "{asset}"{hint}')


def situation_of(profile: Profile, case: Case) -> Situation:
    """The strategy's choice, what is held now, and what the profile asks for.

    Raises:
        DataError: nothing was decided yet, or what is held has no price or is worth nothing.
    """
    market, decision = case.market, case.decision
    assets = market.panel.assets
    rows = np.flatnonzero(decision.rebalance)
    rows = rows[rows >= market.first]
    if not len(rows):
        raise DataError(
            f"{case.plan.config.name} has decided nothing by {market.panel.times[-1]}; nothing to "
            "advise"
        )
    row = int(rows[-1])
    price = last_closes(market.panel)
    chosen = decision.eligible[row] & ~np.isnan(price)
    if decision.alpha is not None:
        chosen &= ~np.isnan(decision.alpha[row])
    if decision.weights is not None:
        chosen &= decision.weights[row] > 0
    asked = {*profile.holdings, *profile.constraints.minimum}
    wanted = np.array([name in asked for name in assets])
    unpriced = [name for name in asked if np.isnan(price[assets.index(name)])]
    if unpriced:
        raise DataError(f"{', '.join(sorted(unpriced))}: no price up to the date of the advice")
    columns = np.flatnonzero(chosen | wanted)
    names = tuple(assets[c] for c in columns)
    held = np.array([profile.holdings.get(name, 0.0) for name in names])
    value = profile.capital + float(held @ price[columns])
    if not value > 0:
        raise DataError("the account is worth nothing: neither capital nor holdings")
    panel = _history(case.plan, market.clock)
    close = panel.adjusted("close")
    at = {name: close[:, c] for c, name in enumerate(panel.assets)}
    none = np.full(len(close), np.nan)
    return Situation(
        profile=profile,
        case=case,
        row=row,
        columns=columns,
        names=names,
        chosen=chosen[columns],
        price=price[columns],
        held=held,
        value=value,
        history=np.stack([at.get(name, none) for name in assets], axis=1),
        times=panel.times,
    )


def _history(plan: Plan, clock: Clock) -> Panel:
    """All the prices that the source has up to the as-of date, on sessions."""
    end = clock.sessions[-1].astype(dt.date)
    config = plan.config
    universe = Universe(config.universe.assets, config.market.calendar, config.market.currency)
    Lock(plan.root).admit([plan], BEGINNING)
    with told_of(plan, "prices"):
        panel = plan.prices.load(universe, Span(BEGINNING, end))
    first = panel.times[panel.member.any(axis=1)][0].astype(dt.date)
    return align.panel_on_sessions(panel, type(clock).build(clock.calendar, Span(first, end)))


def account_of(there: Situation) -> tuple[Account, str]:
    """The linear program's data, and in words what its expected returns rest on."""
    plan, market = there.case.plan, there.case.market
    views, assumed = _expected(there)
    with told_of(plan, "costs"):
        rates = plan.costs.rates(market.panel)
    account = Account(
        expected=views,
        scenarios=_scenarios(there),
        current=there.current,
        cost=rates.total[-1][there.columns],
        limits=tuple(_limits(there)),
        turnover=there.profile.constraints.max_turnover,
    )
    return account, assumed


def _scenarios(there: Situation) -> NDArray[np.float64]:
    """Returns over months of the last ten years, `[S, M]`; no history: the average of those with.

    One month begins each week, and all end by the as-of date.
    """
    known = there.history[-(YEARS * 252 + MONTH) :]
    if len(known) <= 12 * MONTH:
        raise DataError(
            f"{len(known)} sessions of prices are fewer than a year: too few for a worst month"
        )
    ends = np.arange(len(known) - 1, MONTH - 1, -STEP)[::-1]
    moved = known[ends] / known[ends - MONTH] - 1.0
    return _with_average(moved)[:, there.columns]


def _with_average(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """`returns` `[S, N]`, an unknown one replaced by the average of those known at the time."""
    known = ~np.isnan(returns)
    total = np.where(known, returns, 0.0).sum(axis=1, keepdims=True)
    average = total / np.maximum(known.sum(axis=1, keepdims=True), 1)
    result: NDArray[np.float64] = np.where(known, returns, average)
    return result


def _expected(there: Situation) -> tuple[NDArray[np.float64], str]:
    """Yearly returns above cash, `[M]`: the assumed premium by beta, and what scores add to it.

    What scores add is IC · σ · z times the confidence in the IC, where one has been shown.
    """
    known = there.history[-BETA_WINDOW - 1 :]
    own = _with_average(known[1:] / known[:-1] - 1.0)
    average = own.mean(axis=1)
    centred = average - average.mean()
    beta = (own - own.mean(axis=0)).T @ centred / float(centred @ centred)
    result: NDArray[np.float64] = there.profile.premium * beta[there.columns]
    assumed = (
        f"Expected returns are an assumption: {there.profile.premium:.1%} a year above cash for "
        "the average stock, by each stock's beta"
    )
    decision, market = there.case.decision, there.case.market
    if decision.alpha is None:
        return result, f"{assumed}. The strategy says which stocks, not how much better they are."
    fills = market.panel.adjusted(
        "open" if there.case.plan.config.execution.fill == "next-open" else "close"
    )
    rows = np.flatnonzero(decision.rebalance)
    found, known_at = information_coefficients(decision.alpha, fills, rows)
    # A fill of the last session may come after its cutoff.
    shown = skill(found[known_at < len(market.clock) - 1])
    if shown is None or shown.ic <= 0:
        return result, f"{assumed}. The strategy's scores have shown no skill and add nothing."
    alpha = decision.alpha[there.row, there.columns]
    scored = there.chosen & ~np.isnan(alpha)
    gap = float(np.median(np.diff(rows))) if len(rows) > 1 else 1.0
    spread = residual_volatility(own)[there.columns[scored]] * np.sqrt(gap)
    added = expected(alpha[scored], spread, ic=shown.ic)
    result[scored] += shown.confidence * added * market.clock.periods_per_year / gap
    return result, (
        f"{assumed}, and what the strategy's scores add with the skill they have shown so far "
        f"(information coefficient {shown.ic:.3f}, t {shown.t:.1f})."
    )


def _limits(there: Situation) -> list[Limit]:
    """The profile's wishes and the strategy's own bounds, each with its name."""
    wishes, names = there.profile.constraints, there.names
    eye, every = np.eye(len(names)), np.ones(len(names))
    limits = [Limit("constraints.max_weight", row, high=wishes.max_weight) for row in eye]
    limits.append(Limit("constraints.min_cash", every, high=1.0 - wishes.min_cash))
    own = there.case.plan.config.limits
    _, most = own.bounds(names)
    limits += [
        Limit(f"limits.by_name.{name}" if name in own.by_name else "limits.max_weight", row, high=h)
        for name, row, h in zip(names, eye, np.maximum(most, 0.0).tolist(), strict=True)
        if h < wishes.max_weight
    ]
    for key, sector in own.groups.items():
        inside = np.array([float(name in sector.assets) for name in names])
        limits.append(Limit(f"limits.groups.{key}", inside, high=max(0.0, sector.high)))
    budget = min(own.gross, own.net[1])
    if budget < 1.0:
        limits.append(Limit("limits.gross and limits.net", every, high=max(0.0, budget)))
    exposure = float(there.case.decision.exposure[there.row])
    if exposure < 1.0:
        limits.append(Limit("the strategy's exposure", every, high=exposure))
    for i, name in enumerate(names):
        if name in there.profile.exclude:
            limits.append(Limit(f"exclude.{name}", eye[i], high=0.0))
        if name in wishes.minimum:
            limits.append(Limit(f"constraints.minimum.{name}", eye[i], low=wishes.minimum[name]))
        elif not there.chosen[i]:
            # Held, but not the strategy's choice: it may be sold, not bought.
            limits.append(Limit(f"not chosen.{name}", eye[i], high=float(there.current[i])))
    for key, group in wishes.groups.items():
        inside = np.array([float(name in group.assets) for name in names])
        limits.append(Limit(f"constraints.groups.{key}", inside, low=group.low, high=group.high))
    return limits
