"""What a run would earn were one of its options a little different. It judges nothing.

A run that earns only at the very values it was given was probably chosen for them. Options of
signals, strategy and optimizer are changed one at a time; nothing is entered in the ledger, since
nobody chooses among the neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from finstrat.desk import Desk
from finstrat.errors import FinstratError
from finstrat.fitting import FittedSignal
from finstrat.pipeline import decide, neutral_twin
from finstrat.risk.conventions import known, unknown
from finstrat.risk.performance import sharpe_ratio
from finstrat.signals import check_known, compute_signals, lead_sessions, text_signals, untouched
from finstrat.validate.luck import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.audit.case import Case
    from finstrat.components import Settings
    from finstrat.config import Plan
    from finstrat.risk.figure import Figure

FACTORS = (0.8, 1.25, 0.5, 2.0)
"""By which a value is multiplied, the nearer first: where there are too many, they are tried."""

MOST = 40
"""Neighbours that are tried."""

LATEST = 0.25
"""Of the sessions, which a longer look back may take from the comparison."""

FEWEST = 20
"""Sessions on which values are compared."""

EDGE = 0.5
"""Of the run's Sharpe ratio: an option whose other values all earn less is a knife's edge."""

SETTINGS_APART = ("seed",)
"""Numbers that no strategy is tuned by."""


@dataclass(frozen=True, eq=False)
class Neighbour:
    """The run with one option changed."""

    option: str
    factor: float
    value: float
    plan: Plan


def around_its_options(case: Case) -> Diagnosis:
    """The Sharpe ratio and the mean of net less twin (net, without text) at neighbouring values.

    Values that the option's bounds refuse aren't tried. All are compared on the sessions that even
    the longest look back leaves. Fitted signals, and those they learn from, keep their options.
    """
    candidates, left_out = neighbours(case.plan)
    if not candidates:
        return Diagnosis(
            "No numeric option of the run can be changed.", detail={"left_out": left_out}
        )
    lead, length = case.market.first, len(case.market.clock) - case.market.first
    late = {id(each): max(0, lead_sessions(each.plan) - lead) for each in candidates}
    own_late = max(0, lead_sessions(case.plan) - lead)
    limit = own_late + LATEST * length
    tried = [each for each in candidates if late[id(each)] <= limit]
    left_out += [
        f"{each.option} = {each.value:g}: looks back further than what was loaded"
        for each in candidates
        if late[id(each)] > limit
    ]
    left_out += [f"{each.option} = {each.value:g}: beyond {MOST}" for each in tried[MOST:]]
    tried = tried[:MOST]
    start = max([own_late, *(late[id(each)] for each in tried)])
    if length - start < FEWEST:
        return Diagnosis(
            f"Of {length} sessions, {max(0, length - start)} lie behind what the run looks back "
            f"on; {FEWEST} are needed to compare values.",
            detail={"left_out": left_out},
        )
    own = _excess(case, case.plan)[start:]
    sharpe, mean = _sharpe(case, own), float(own.mean())
    rows: list[dict[str, Any]] = []
    for done, each in enumerate(tried):
        case.progress("stability", done, len(tried))
        try:
            earned = _excess(case, each.plan)[start:]
        except FinstratError as error:
            left_out.append(f"{each.option} = {each.value:g}: {error}")
            continue
        rows.append(
            {
                "option": each.option,
                "factor": each.factor,
                "value": each.value,
                "sharpe": _sharpe(case, earned),
                "mean": float(earned.mean()),
                "same": bool(np.array_equal(earned, own)),
            }
        )
    case.progress("stability", len(tried), len(tried))
    rows.sort(key=lambda row: (row["option"], row["value"]))
    detail = {
        "own": {"sharpe": sharpe, "mean": mean, "sessions": len(own), "first": start},
        "options": {name: value for name, value in _options(case.plan) if _any(rows, name)},
        "neighbours": rows,
        "left_out": left_out,
        "most": MOST,
    }
    against = "net of the twin" if text_signals(case.plan) else "net"
    evidence, figures = summary(sharpe, mean, rows, sessions=len(own), against=against)
    if left_out:
        evidence += f" Not tried: {len(left_out)}, listed in the record with the reasons."
    return Diagnosis(evidence, figures, detail)


def summary(
    sharpe: float | None,
    mean: float,
    rows: Sequence[dict[str, Any]],
    *,
    sessions: int,
    against: str,
) -> tuple[str, tuple[tuple[str, Figure], ...]]:
    """What the neighbours amount to, in words and figures; those that change nothing don't count.

    `sharpe` and `mean` are the run's own, `rows` its neighbours', over so many `sessions`.
    """
    moved = [row for row in rows if not row["same"] and row["sharpe"] is not None]
    idle = sum(row["same"] for row in rows)
    if sharpe is None or not moved:
        why = "no other value of an option changes what the run earns"
        if sharpe is None:
            why = "the returns compared never vary"
        absent = unknown("stability.same-sign", n=0, reason=why)
        return f"{why[0].upper()}{why[1:]}.", (("Neighbours of the same sign", absent),)
    n = len(moved)
    agreeing = sum((row["mean"] > 0) == (mean > 0) for row in moved)
    place = 1 + sum(row["sharpe"] > sharpe for row in moved)
    worst = min(moved, key=lambda row: row["sharpe"])
    figures = (
        ("Sharpe ratio compared with neighbours", known("sharpe.arithmetic", sharpe, n=sessions)),
        ("Neighbours of the same sign", known("stability.same-sign", agreeing / n, n=n)),
        ("Place among its neighbours", known("stability.place", place, n=n + 1)),
        (
            f"Worst neighbour, {worst['option']} = {worst['value']:g}",
            known("sharpe.arithmetic", worst["sharpe"], n=sessions),
        ),
    )
    told = (
        f"Of {n} neighbours, each with one option changed, {agreeing} earn with the sign of the "
        f"run ({against}); its Sharpe ratio of {sharpe:.2f} is number {place} of {n + 1}, and the "
        f"worst is {worst['sharpe']:.2f} at {worst['option']} = {worst['value']:g}."
    )
    if idle:
        told += f" {idle} more change nothing."
    edges = _edges(sharpe, moved)
    if edges:
        told += (
            f" On a knife's edge: {', '.join(edges)}, of which every other value tried has less "
            "than half of the Sharpe ratio."
        )
    elif place == 1 and n > 1:
        told += " No neighbour does better, which is how a value looks that was chosen for it."
    return told, figures


def _edges(sharpe: float, moved: Sequence[dict[str, Any]]) -> list[str]:
    """Options of which two other values or more were tried, and all earn far less than the run."""
    if sharpe <= 0:
        return []
    found = []
    for option in dict.fromkeys(row["option"] for row in moved):
        values = [row["sharpe"] for row in moved if row["option"] == option]
        if len(values) > 1 and max(values) < EDGE * sharpe:
            found.append(option)
    return found


def neighbours(plan: Plan) -> tuple[list[Neighbour], list[str]]:
    """The run with one numeric option changed, nearest first, and what is kept as it is and why."""
    fixed = _fixed(plan)
    left_out = [f"signals.{name}: fitted, or what a fit learns from" for name in sorted(fixed)]
    found = []
    for factor in FACTORS:
        for key, settings in _settings(plan).items():
            for name, value in nudged(settings, factor).items():
                changed = settings_with(settings, name, value)
                assert changed is not None
                plan_of = _with(plan, key, changed)
                found.append(Neighbour(f"{key}.{name}", factor, value, plan_of))
    # Rounded, two factors may give the same number.
    distinct = {(each.option, each.value): each for each in reversed(found)}
    kept = [each for each in found if distinct[each.option, each.value] is each]
    return kept, left_out


def nudged(settings: Settings, factor: float) -> dict[str, float]:
    """Each numeric option times `factor`, where that is another value and the bounds allow it.

    Whole numbers stay whole. 0 has no multiple, and is left as it is.
    """
    found: dict[str, float] = {}
    for name, value in settings:
        if type(value) not in {int, float} or name in SETTINGS_APART:
            continue
        other = round(value * factor) if type(value) is int else float(f"{value * factor:.6g}")
        if other != value and settings_with(settings, name, other) is not None:
            found[name] = other
    return found


def settings_with(settings: Settings, name: str, value: float) -> Settings | None:
    """`settings` with another value of one option; None where they refuse it."""
    try:
        return type(settings).model_validate({**settings.model_dump(), name: value})
    except ValidationError:
        return None


def _settings(plan: Plan) -> dict[str, Settings]:
    """What may be changed, by its key in the backtest file."""
    fixed = _fixed(plan)
    found: dict[str, Settings] = {
        f"signals.{n}": s.config for n, s in plan.signals.items() if n not in fixed
    }
    found["strategy"] = plan.strategy.config
    if plan.optimizer is not None:
        found["optimizer"] = plan.optimizer.config
    return found


def _options(plan: Plan) -> list[tuple[str, float]]:
    """The run's own values."""
    return [
        (f"{key}.{name}", value)
        for key, settings in _settings(plan).items()
        for name, value in settings
        if type(value) in {int, float}
    ]


def _any(rows: Sequence[dict[str, Any]], option: str) -> bool:
    return any(row["option"] == option for row in rows)


def _fixed(plan: Plan) -> set[str]:
    """Fitted signals and all that they rest on: each change would be a fit of its own."""
    fixed: set[str] = set()
    waiting = [name for name, each in plan.signals.items() if isinstance(each, FittedSignal)]
    while waiting:
        name = waiting.pop()
        fixed.add(name)
        needs = [need.partition(".")[0] for need in plan.signals[name].needs if "." in need]
        waiting += [need for need in needs if need not in fixed]
    return fixed


def _with(plan: Plan, key: str, settings: Settings) -> Plan:
    """`plan` where the component at `key` has other settings."""
    if key == "strategy":
        return replace(plan, strategy=type(plan.strategy)(settings))
    if key == "optimizer":
        assert plan.optimizer is not None
        return replace(plan, optimizer=type(plan.optimizer)(settings))
    name = key.removeprefix("signals.")
    return replace(plan, signals={**plan.signals, name: type(plan.signals[name])(settings)})


def _excess(case: Case, plan: Plan) -> NDArray[np.float64]:
    """What `plan` earns a day after costs beyond its twin, or at all where no signal reads text.

    Signals that it shares with the run aren't computed again, nor is any text scored.
    """
    first = case.market.first
    changed = [name for name, each in plan.signals.items() if each is not case.plan.signals[name]]
    kept = untouched(case.features, plan.signals, changed)
    features = compute_signals(plan, case.inputs, given=kept)
    check_known(plan, features)
    decision = decide(plan, replace(case.inputs, features=features))
    twin = neutral_twin(plan, case.inputs, features, decision, first=first)
    desk = case.desk if plan.optimizer is case.plan.optimizer else Desk(plan, case.market)
    net = desk.daily_returns([decision] if twin is None else [decision, twin]).net
    own: NDArray[np.float64] = net[0] - case.inference_drag
    return own if twin is None else own - net[1]


def _sharpe(case: Case, returns: NDArray[np.float64]) -> float | None:
    free = 0.0 if text_signals(case.plan) else case.plan.config.market.risk_free
    year = case.result.periods_per_year
    found = float(sharpe_ratio(returns, periods_per_year=year, risk_free=free))
    return found if np.isfinite(found) else None
