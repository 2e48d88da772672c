"""What one person should hold, on the decision of the backtest that their profile names.

The strategy says which stocks; the profile says how much can be borne; a linear program says how
much of each, with cash always among them. Every number is either computed here from prices up to
the as-of date, or an assumption that is named as one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat import pipeline
from finstrat.advice.profile import FLOOR, GLIDE_YEARS
from finstrat.advice.reasons import Sources, reasons_for, reasons_of_market
from finstrat.advice.situation import YEARS, account_of, check_assets, situation_of
from finstrat.audit import case_of
from finstrat.errors import ConfigError
from finstrat.faults import told_of
from finstrat.market import load_market
from finstrat.portfolio.allocation import allocate, clash, expected_shortfall, safest
from finstrat.report.assess import verdict_of
from finstrat.risk.falls import FALLS, PROXY, replay
from finstrat.store import load, stored_runs
from finstrat.targets import check_reaches, until

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.advice.profile import Profile
    from finstrat.advice.situation import Situation
    from finstrat.config import Plan
    from finstrat.portfolio.allocation import Account
    from finstrat.project import Project
    from finstrat.risk.falls import Fall
    from finstrat.signals import Progress
    from finstrat.store import RunResult
    from finstrat.text.cache import ScoreCache
    from finstrat.toml_file import TomlFile

POINTS = 13
"""Of the efficient frontier that are shown."""

GLIDE_RULE = (
    f"With fewer than {GLIDE_YEARS:g} years to go, what can be borne falls in a line, to "
    f"{FLOOR:.0%} of it in the last; the table solves the same problem for each year."
)

HONEST = (
    "This is the output of research software: no promise, and no licensed adviser's word.",
    "It follows past prices and an assumption about returns that is declared; both can be wrong.",
    "A replay of a past fall is no bound: the next one can be deeper, and other stocks can fall.",
    "Taxes, your other property and your debts are not considered.",
)


def advise(
    profile: Profile,
    plan: Plan,
    *,
    project: Project,
    file: TomlFile,
    as_of: dt.date | None = None,
    device: str = "auto",
    cache: ScoreCache,
    progress: Progress = lambda _step, _done, _total: None,
) -> dict[str, Any]:
    """The advice for a profile, as JSON values; `plan` is of the backtest that it names.

    `as_of` is the session at whose close to decide, the last with prices in the backtest's span by
    default. Keys: kind ("advice"), profile, as_of, verdict, value, allocation (one row a stock that
    is held or recommended, and cash), figures, frontier, glide_path, trades, falls, reasons,
    sources, unknown, limits, inputs, components and config.

    Raises:
        ConfigError: the profile names an asset that isn't there, or can't be met; the message says
            which of its constraints clash.
        DataError: prices don't reach the date, or the account is worth nothing.
    """
    if as_of is None:
        as_of = load_market(plan).clock.sessions[-1].astype(dt.date)
    plan = until(plan, as_of)
    market = load_market(plan)
    check_reaches(market.clock, as_of)
    check_assets(profile, market.panel.assets, file)
    result = pipeline.run(plan, market, device=device, cache=cache, progress=progress)
    case = case_of(
        result, plan, market, project=project, cache=cache, device=device, progress=progress
    )
    there = situation_of(profile, case)
    account, assumed = account_of(there)
    bearable = profile.bearable_with(profile.horizon_years)
    progress("advice", 0, 2)
    weights = _allocated(account, bearable, profile, file)
    shortfall = expected_shortfall(account.scenarios, weights)
    frontier, glide = _frontier(account), _glide_path(account, profile)
    progress("advice", 1, 2)
    sources = Sources()
    reasons = {
        there.names[i]: [
            *_own_reasons(there, account, weights, i, sources=sources),
            *reasons_for(case, int(there.columns[i]), there.row, sources),
        ]
        for i in np.argsort(-weights, kind="stable").tolist()
        if weights[i] > 0 or account.current[i] > 0
    }
    market_wide = reasons_of_market(case, there.row, sources)
    if market_wide:
        reasons = {"The whole market": market_wide, **reasons}
    falls = [_fall(each, weights, there) for each in FALLS]
    progress("advice", 2, 2)
    return {
        "kind": "advice",
        "profile": profile.model_dump(mode="json"),
        "as_of": as_of.isoformat(),
        "decided_on": str(market.panel.times[there.row]),
        "sessions_since_decision": len(market.clock) - there.row,
        "verdict": _verdict(result, project),
        "value": there.value,
        "currency": market.panel.currency,
        "allocation": _allocation(there, account, weights),
        "figures": {
            "shortfall": shortfall,
            "bearable": bearable,
            "scenarios": len(account.scenarios),
            "expected_return": float(account.expected @ weights),
            "invested": float(weights.sum()),
            "cash": 1.0 - float(weights.sum()),
        },
        "frontier": frontier,
        "glide_path": glide,
        "glide_rule": GLIDE_RULE,
        "proxy_rule": PROXY,
        "trades": _trades(there, weights),
        "falls": falls,
        "reasons": reasons,
        "sources": sources.rows,
        "unknown": _unknown(there, assumed, falls),
        "limits": list(HONEST),
        "inputs": market.digests,
        "components": {
            key: {name: each[name] for name in ("name", "version", "sha256")}
            for key, each in plan.components.items()
        },
        "config": plan.resolved,
    }


def _allocated(
    account: Account, bearable: float, profile: Profile, file: TomlFile
) -> NDArray[np.float64]:
    weights = allocate(account, shortfall=bearable)
    if weights is not None:
        return weights
    told = "\n".join(
        f"  {_said(name, profile, bearable)}" for name in clash(account, shortfall=bearable)
    )
    raise ConfigError(
        f"{file.shown_as}: this profile can't be met. These can't hold together, and without any "
        f"one of them the others can:\n{told}"
    )


def _said(name: str, profile: Profile, bearable: float) -> str:
    """A constraint in plain words, with the key that it comes from."""
    wishes = profile.constraints
    key, _, last = name.rpartition(".")
    if name == "shortfall":
        key = "risk" if profile.worst_month is None else "worst_month"
        return f"{key}, horizon_years: a mean loss of at most {bearable:.2%} in one month of twenty"
    if name == "turnover":
        return f"constraints.max_turnover: at most {wishes.max_turnover:.1%} bought and sold"
    if key == "constraints.groups":
        group = wishes.groups[last]
        return f"{name}: {', '.join(group.assets)} together {group.low:.1%} to {group.high:.1%}"
    if key == "constraints.minimum":
        return f"{name}: at least {wishes.minimum[last]:.1%}"
    plain = {
        "constraints.max_weight": f"{name}: at most {wishes.max_weight:.1%} in one stock",
        "constraints.min_cash": f"{name}: at least {wishes.min_cash:.1%} in cash",
        "exclude": f"exclude: nothing of {last}",
        "not chosen": f"the strategy: no more of {last} than is held, which it would not choose",
    }
    if name.startswith("limits."):
        return f"{name} of the backtest {profile.backtest}"
    return plain.get(name) or plain.get(key) or f"{name}: the most it holds in stocks now"


def _frontier(account: Account) -> list[dict[str, float]]:
    """Expected shortfall and expected return from the safest weights to the boldest."""
    least = safest(account)
    most = allocate(account, shortfall=np.inf)
    if least is None or most is None:
        return []
    ends = [expected_shortfall(account.scenarios, each) for each in (least, most)]
    points = []
    for limit in np.linspace(max(ends[0], 0.0), ends[1], POINTS):
        # The least of all can't be had a rounding below itself.
        weights = allocate(account, shortfall=float(limit) + 1e-9)
        if weights is not None:
            points.append(
                {
                    "shortfall": expected_shortfall(account.scenarios, weights),
                    "expected_return": float(account.expected @ weights),
                    "invested": float(weights.sum()),
                }
            )
    return points


def _glide_path(account: Account, profile: Profile) -> list[dict[str, float | None]]:
    """What could be borne and held in each year to come, prices being as they are now."""
    later = replace(
        account, turnover=None, cost=np.zeros_like(account.cost), current=account.current
    )
    path: list[dict[str, float | None]] = []
    horizon = profile.horizon_years
    years = sorted({*range(int(np.ceil(horizon))), max(0.0, horizon - GLIDE_YEARS), horizon})
    for year in years:
        bearable = profile.bearable_with(horizon - year)
        weights = allocate(later, shortfall=bearable)
        invested = None if weights is None else float(weights.sum())
        path.append({"year": float(year), "bearable": bearable, "invested": invested})
    return path


def _allocation(
    there: Situation, account: Account, weights: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """One row a stock that is held or recommended, the largest first, and cash."""
    order = sorted(range(len(weights)), key=lambda i: (-weights[i], there.names[i]))
    rows = [
        {
            "asset": there.names[i],
            "weight": float(weights[i]),
            "weight_now": float(account.current[i]),
            "expected_return": float(account.expected[i]),
            "chosen_by_strategy": bool(there.chosen[i]),
        }
        for i in order
        if weights[i] > 0 or account.current[i] > 0
    ]
    cash = {
        "asset": "CASH",
        "weight": 1.0 - float(weights.sum()),
        "weight_now": 1.0 - float(account.current.sum()),
        "expected_return": 0.0,
        "chosen_by_strategy": False,
    }
    return [*rows, cash]


def _trades(there: Situation, weights: NDArray[np.float64]) -> dict[str, Any]:
    """Orders in whole lots at the last closes, and what they will cost."""
    lot, plan, panel = there.profile.lot, there.case.plan, there.case.market.panel
    shares = weights * there.value / there.price
    if lot > 0:
        # A hair below a multiple is that multiple.
        shares = lot * np.floor(shares / lot * (1.0 + 1e-12))
    change = shares - there.held
    change[np.abs(change) * there.price <= 1e-9 * there.value] = 0.0
    traded, price = np.zeros(len(panel.assets)), np.full(len(panel.assets), np.nan)
    traded[there.columns], price[there.columns] = change, there.price
    with told_of(plan, "costs"):
        rates = plan.costs.rates(panel)
    parts = rates.of_trades(traded, price, row=len(panel.times) - 1)
    cost = np.nan_to_num(np.sum(list(parts.values()), axis=0))[there.columns]
    rows = [
        {
            "asset": there.names[i],
            "side": "buy" if change[i] > 0 else "sell",
            "shares": float(abs(change[i])),
            "price": float(there.price[i]),
            "value": float(abs(change[i]) * there.price[i]),
            "cost": float(cost[i]),
        }
        for i in np.flatnonzero(change).tolist()
    ]
    total = float(cost.sum())
    return {
        "rows": rows,
        "costs": total,
        "costs_of_value": total / there.value,
        "cash_after": there.value - float((there.held + change) @ there.price) - total,
    }


def _own_reasons(
    there: Situation, account: Account, weights: NDArray[np.float64], i: int, *, sources: Sources
) -> list[dict[str, str]]:
    """What the profile, the strategy and the risk say about one stock."""
    profile, plan, name = there.profile, there.case.plan, there.names[i]
    day = str(there.case.market.panel.times[there.row])
    if name in profile.exclude:
        said = "You ruled it out, so what you hold of it is sold."
    elif there.chosen[i] and weights[i] > 0:
        said = "The strategy holds it now."
    elif there.chosen[i]:
        said = "The strategy holds it now; others promise more for what you can bear."
    else:
        said = "The strategy would not hold it now, so no more of it is bought."
    decision = {
        "kind": "decision",
        "session": day,
        "asset": name,
        "strategy": plan.resolved["strategy"],
        "chosen": bool(there.chosen[i]),
        "chosen_assets": int(there.chosen.sum()),
        "ruled_out": name in profile.exclude,
    }
    found = [{"text": said, "source": sources.add(f"{name} decision", decision)}]
    losses = -(account.scenarios @ weights)
    worst = losses >= np.quantile(losses, 0.95)
    allocated = {
        "kind": "allocation",
        "session": there.case.market.panel.times[-1].astype(str),
        "asset": name,
        "weight": float(weights[i]),
        "weight_now": float(account.current[i]),
        "max_weight": profile.constraints.max_weight,
        "mean_loss_in_worst_months": float(-(account.scenarios[worst, i] * weights[i]).mean()),
        "mean_loss_of_all": float(losses[worst].mean()),
        "worst_months": int(worst.sum()),
    }
    source = sources.add(f"{name} allocation", allocated)
    if weights[i] > 0 and abs(weights[i] - profile.constraints.max_weight) < 1e-9:
        found.append({"text": "It stands at the most you allow in one stock.", "source": source})
    if weights[i] > 0 and allocated["mean_loss_of_all"] > 0:
        part = allocated["mean_loss_in_worst_months"] / allocated["mean_loss_of_all"]
        text = f"It makes up {part:.0%} of the loss in the worst months."
        found.append({"text": text, "source": source})
    return found


def _fall(fall: Fall, weights: NDArray[np.float64], there: Situation) -> dict[str, Any]:
    """One replay for JSON."""
    whole = np.zeros(there.history.shape[1])
    whole[there.columns] = weights
    done = replay(fall, whole, there.history, there.times)
    return {
        "name": fall.name,
        "start": str(fall.start),
        "end": str(fall.end),
        "loss": done.loss,
        "deepest": done.deepest,
        "proxied": done.proxied,
        "reason_if_null": done.reason_if_null or None,
    }


def _verdict(result: RunResult, project: Project) -> dict[str, Any]:
    """The verdict on the backtest: of its last stored run with this configuration, else of this.

    The last date of the span may differ, since data grow.
    """

    def identity(config: dict[str, Any]) -> dict[str, Any]:
        kept = {key: each for key, each in config.items() if key != "description"}
        return {**kept, "span": kept["span"]["start"]}

    for directory in reversed(stored_runs(project.runs)):
        stored = load(directory)
        if stored.kind == "backtest" and identity(stored.config) == identity(result.config):
            verdict = verdict_of(stored)
            return {
                "outcome": verdict.outcome,
                "sentence": verdict.sentence,
                "run": directory.name,
            }
    verdict = verdict_of(result)
    name = result.name
    sentence = (
        f"{verdict.sentence} No run of it is stored: `finstrat run {name}`, then `finstrat audit "
        "latest`, make the checks."
    )
    return {"outcome": verdict.outcome, "sentence": sentence, "run": None}


def _unknown(there: Situation, assumed: str, falls: list[dict[str, Any]]) -> list[str]:
    """What isn't known, in plain words."""
    worst = f"Whether the years to come are like the last {YEARS}: the worst months are of those."
    told = [f"Anything after {there.times[-1]}, the date of the data.", assumed, worst]
    if not there.case.result.cards:
        told.append("What any text says: this backtest reads prices alone.")
    proxied = [each["name"] for each in falls if each["proxied"]]
    if proxied:
        told.append(f"How stocks without prices would have fared in {', '.join(proxied)}. {PROXY}")
    gone = [f"{each['name']} ({each['reason_if_null']})" for each in falls if each["loss"] is None]
    if gone:
        told.append(f"What would have been lost in {'; '.join(gone)}.")
    told.append(
        "What would have been held in those falls: today's choice is replayed, and it was made "
        "knowing which stocks came through."
    )
    if there.profile.holdings:
        told.append("What selling your holdings costs in taxes.")
    return told
