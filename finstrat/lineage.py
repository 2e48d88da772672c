"""From a trade back to the texts: order ← weight ← optimizer ← signal ← features ← documents.

It reopens a stored run, so that what it tells is what the run itself computed. Every step says what
stood there on the day; how much a document moved a signal is a difference to the signal without it,
not a cause. Nothing here judges the run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from finstrat.errors import ConfigError, DataError, did_you_mean
from finstrat.faults import told_of
from finstrat.pipeline import neutral_twin
from finstrat.report.assess import verdict_of
from finstrat.signals import compute_signals
from finstrat.text.attribution import word_effects
from finstrat.text.clean import clean

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from finstrat.audit import Case
    from finstrat.store import RunResult

MOST_DOCUMENTS = 10
"""Documents of a signal that are shown: those that moved it most."""

LEFT_OUT = 25
"""Documents left out one by one, the latest, where a signal doesn't tell its contributions."""

PAST = (1, 5, 21, 252)
"""Sessions over which the asset's own past returns are told."""


def explain(case: Case, asset: str, date: dt.date) -> dict[str, Any]:
    """How the position in `asset` on `date` came about, as JSON values.

    Keys: kind ("explanation"), run, asset, date, decided_on (the rebalance in force), verdict,
    orders (the fills that the decision led to), weight, optimizer, signals (from the strategy
    inwards, each with its documents), prices.

    Raises:
        ConfigError: the run has no such asset, or no decision by that date.
        DataError: the date lies outside the run.
    """
    result, market = case.result, case.market
    if asset not in market.panel.assets:
        hint = did_you_mean(asset, market.panel.assets)
        raise ConfigError(f'--asset: the run has no asset "{asset}"{hint}')
    column = market.panel.assets.index(asset)
    decided = _decision_in_force(result, date)
    row = int(np.searchsorted(market.panel.times, decided.to_datetime64().astype("datetime64[D]")))
    verdict = verdict_of(result)
    return {
        "kind": "explanation",
        "run": result.path.name if result.path else result.name,
        "asset": asset,
        "date": date.isoformat(),
        "decided_on": f"{decided:%Y-%m-%d}",
        "verdict": {"outcome": verdict.outcome, "sentence": verdict.sentence},
        "orders": _orders(result, asset, decided),
        "weight": _weight(case, asset, decided),
        "optimizer": _optimizer(case, asset, decided, row),
        "signals": [signal_told(case, key, column, row) for key in signals_used(case)],
        "prices": prices_told(case, column, row),
    }


def _decision_in_force(result: RunResult, date: dt.date) -> pd.Timestamp:
    """The last session up to `date` on which the run decided."""
    sessions = pd.DatetimeIndex(result.targets.index)
    first, last = sessions[0].date(), sessions[-1].date()
    if not first <= date <= last:
        raise DataError(f"--date {date}: the run goes from {first} to {last}")
    rows = result.targets.notna().any(axis=1) & (sessions.date <= date)
    if not rows.any():
        raise ConfigError(f"--date {date}: the run had decided nothing by then")
    found: pd.Timestamp = sessions[rows.to_numpy()][-1]
    return found


def _orders(result: RunResult, asset: str, decided: pd.Timestamp) -> list[dict[str, Any]]:
    """The fills after the decision, up to the session that the next decision can fill in."""
    later = result.targets.index[result.targets.notna().any(axis=1)]
    later = later[later > decided]
    orders = result.orders[result.orders["asset"] == asset]
    orders = orders[orders["session"] > decided]
    if len(later):
        orders = orders[orders["session"] <= later[0]]
    columns = [name for name in orders.columns if name not in {"session", "asset"}]
    return [
        {"session": f"{row['session']:%Y-%m-%d}", **{name: row[name] for name in columns}}
        for row in orders.to_dict(orient="records")
    ]


def _weight(case: Case, asset: str, decided: pd.Timestamp) -> dict[str, Any]:
    result = case.result
    place = int(result.targets.index.searchsorted(decided))
    held = result.holdings[asset].to_numpy(dtype=np.float64)
    return {
        "target": float(result.targets[asset].to_numpy(dtype=np.float64)[place]),
        "held_before": float(held[place]),
        "held_after_fill": float(held[min(place + 1, len(held) - 1)]),
        "limits": case.plan.config.limits.model_dump(mode="json"),
    }


def _optimizer(case: Case, asset: str, decided: pd.Timestamp, row: int) -> dict[str, Any]:
    """Who sized the weight, out of how many, and what it would be without what was read."""
    decision, plan = case.decision, case.plan
    place = int(case.result.targets.index.searchsorted(decided))
    column = case.market.panel.assets.index(asset)
    size = np.abs(case.result.targets.to_numpy(dtype=np.float64)[place])
    twin = neutral_twin(plan, case.inputs, case.features, decision, first=case.market.first)
    without = None
    if twin is not None:
        targets = case.desk.trade(twin).targets[asset].to_numpy(dtype=np.float64)
        without = _number(targets[place])
    return {
        "strategy": plan.resolved["strategy"],
        "optimizer": plan.resolved["optimizer"],
        "eligible": bool(decision.eligible[row, column]),
        "eligible_assets": int(decision.eligible[row].sum()),
        "held_assets": int((size > 0).sum()),
        "rank_by_weight": int((size > size[column]).sum()) + 1,
        "exposure": float(decision.exposure[row]),
        "alpha": _number(decision.alpha[row, column]) if decision.alpha is not None else None,
        "target_with_text_replaced": without,
    }


def signals_used(case: Case) -> list[str]:
    """The signal outputs that the strategy names, then those that they need, inwards.

    All of them, where the strategy's options name none.
    """
    known = set(case.features)
    named = [each for each in _texts(case.plan.strategy.config.model_dump()) if each in known]
    order = list(dict.fromkeys(named)) or sorted(known)
    for key in order:
        signal = case.plan.signals[key.partition(".")[0]]
        # Grows while it is walked: what a signal needs comes after it.
        order += [need for need in signal.needs if need in known and need not in order]
    return order


def _texts(node: Any) -> Iterable[str]:  # noqa: ANN401 - walks a component's options
    """Every text below `node`."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for each in node.values():
            yield from _texts(each)
    elif isinstance(node, list | tuple):
        for each in node:
            yield from _texts(each)


def signal_told(case: Case, key: str, column: int, row: int) -> dict[str, Any]:
    """One output on the day: its value, its place, what it read."""
    name = key.partition(".")[0]
    signal = case.plan.signals[name]
    values = case.features[key].cpu().numpy()
    told: dict[str, Any] = {
        "output": key,
        "signal": case.plan.resolved["signals"][name],
        "version": case.plan.components[f"signals.{name}"]["version"],
        "scope": signal.scope,
        "needs": list(signal.needs),
    }
    if signal.scope == "asset":
        across = values[row][~np.isnan(values[row])]
        told |= {
            "value": _number(values[row, column]),
            "known_assets": len(across),
            "higher_assets": int((across > values[row, column]).sum()),
        }
    else:
        past = values[max(0, row - 251) : row + 1]
        past = past[~np.isnan(past)]
        told |= {
            "value": _number(values[row]),
            "share_of_past_year_below": _number((past < values[row]).mean()) if len(past) else None,
        }
    if "facts" in signal.needs:
        told["facts"] = _facts(case, column, row)
    if "documents" in signal.needs:
        told |= _documents(case, key, asset=case.market.panel.assets[column], row=row)
    return told


def _facts(case: Case, column: int, row: int) -> list[dict[str, Any]]:
    """The latest value of each reported item of an asset that the session could know."""
    frame = case.market.facts.frame
    known_at = frame["known_at"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    seen = (frame["asset"] == case.market.panel.assets[column]).to_numpy()
    seen &= known_at < case.market.clock.cutoff[row]
    latest = frame[seen].sort_values(["period_end", "version"]).groupby("item").tail(1)
    return [
        {
            "item": each["item"],
            "value": _number(each["value"]),
            "period_end": f"{each['period_end']:%Y-%m-%d}",
            "known_at": each["known_at"].isoformat(),
        }
        for each in latest.sort_values("item").to_dict(orient="records")
    ]


def contributions(
    case: Case, name: str, output: str, *, asset: str, row: int
) -> tuple[NDArray[np.float64], str]:
    """How much each document moves one output of a signal at one row, `[D]`, and how that is known.

    NaN where a document doesn't count, or wasn't looked at.
    """
    signal = case.plan.signals[name]
    inputs = replace(case.inputs, features=case.features)
    with told_of(case.plan, f"signals.{name}"):
        told = signal.contributions(inputs, output, asset=asset, row=row)
    if told is not None:
        return told, "told by the signal: its output less what it is without the document"
    return _left_out(case, name, output, asset=asset, row=row)


def _left_out(
    case: Case, name: str, output: str, *, asset: str, row: int
) -> tuple[NDArray[np.float64], str]:
    """The same by computing the signal again without each of the latest documents in turn."""
    inputs, signal = case.inputs, case.plan.signals[name]
    column = case.market.panel.assets.index(asset)
    sessions = inputs.document_sessions().cpu().numpy()
    about = inputs.document_assets().cpu().numpy()
    seen = sessions <= row
    if signal.scope == "asset":
        seen &= (about == column) | (about < 0)
    chosen = np.flatnonzero(seen)
    chosen = chosen[np.lexsort((inputs.documents.known_at[chosen], sessions[chosen]))]
    chosen = chosen[-LEFT_OUT:]
    effects = np.full(len(sessions), np.nan)
    visible = sessions <= row
    own = _value_at(case, name, output, visible, row=row, column=column)
    for i in chosen.tolist():
        keep = visible.copy()
        keep[i] = False
        effects[i] = own - _value_at(case, name, output, keep, row=row, column=column)
    return effects, (
        f"the signal computed again without each of the latest {len(chosen)} documents of "
        f"{int(seen.sum())} that it may have read"
    )


def _value_at(
    case: Case, name: str, output: str, keep: NDArray[np.bool_], *, row: int, column: int
) -> float:
    """One output at one row over the documents in `keep`, with data that end there."""
    inputs, plan = case.inputs, case.plan
    places, end = torch.from_numpy(np.flatnonzero(keep)), row + 1
    scorer = inputs.scorer
    cut = replace(
        inputs,
        panel=inputs.panel.slice(0, end),
        clock=inputs.clock.slice(0, end),
        documents=inputs.documents.take(keep),
        scorer=None if scorer is None else lambda named: scorer(named)[places],
    )
    given = {
        key: values[:end] for key, values in case.features.items() if key.partition(".")[0] != name
    }
    values = compute_signals(plan, cut, given=given)[f"{name}.{output}"][row]
    return float(values[column] if values.dim() else values)


def _documents(case: Case, key: str, *, asset: str, row: int) -> dict[str, Any]:
    """The documents that moved a signal most, with their scores and the words behind them."""
    name, _, output = key.partition(".")
    signal = case.plan.signals[name]
    effects, method = contributions(case, name, output, asset=asset, row=row)
    counted = np.flatnonzero(~np.isnan(effects) & (effects != 0))
    chosen = counted[np.argsort(-np.abs(effects[counted]), kind="stable")][:MOST_DOCUMENTS]
    scorer_name = getattr(signal.config, "scorer", None)
    scorer = case.plan.scorers.get(scorer_name) if isinstance(scorer_name, str) else None
    scores = case.inputs.scores(scorer_name).numpy() if scorer and scorer_name else None
    documents = case.inputs.documents
    rows = []
    for i in chosen.tolist():
        told: dict[str, Any] = {
            "id": documents.ids[i],
            "asset": documents.assets[i],
            "kind": documents.kinds[i],
            "known_at": f"{documents.known_at[i]}Z",
            "text": documents.texts[i],
            "effect": float(effects[i]),
        }
        if scorer is not None and scores is not None:
            read = clean(documents.texts[i])
            words = word_effects(scorer, read, output=len(scorer.outputs) - 1) if read else []
            told |= {
                "scorer": scorer_name,
                "scores": {key: _number(scores[i, k]) for k, key in enumerate(scorer.outputs)},
                "text": read,
                "words": [
                    {"start": each.start, "end": each.end, "effect": each.effect} for each in words
                ],
            }
        rows.append(told)
    return {"documents_counted": len(counted), "documents_method": method, "documents": rows}


def prices_told(case: Case, column: int, row: int) -> dict[str, Any]:
    """The asset's closing price and past returns on the day, as every signal could see them."""
    close = case.market.panel.adjusted("close")[:, column]
    return {
        "close": _number(close[row]),
        "past_returns": {
            str(past): _number(close[row] / close[row - past] - 1.0) if row >= past else None
            for past in PAST
        },
    }


def _number(value: Any) -> float | None:  # noqa: ANN401 - NumPy's or Python's
    """A float for JSON; None where it is unknown."""
    return None if np.isnan(value) else float(value)
