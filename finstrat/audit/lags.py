"""What a run would earn were its signals known later, or earlier, than they are. It judges nothing.

A lag of k > 0 trades on what the signals said k sessions before; a lag of -k on what they will say
k sessions later, which nobody could. Where a signal foretells, returns are highest at lag 0 or
decay from there; where they are highest at a negative lag, the signal tells of what prices did
before it could be traded on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from finstrat.pipeline import decide, with_exposure_of
from finstrat.risk.conventions import known
from finstrat.signals import compute_signals, text_signals, untouched
from finstrat.validate.bootstrap import bootstrap_interval
from finstrat.validate.luck import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from finstrat.audit.case import Case
    from finstrat.portfolio.decision import CheckedDecision

MOST = 5
"""Sessions of the longest lag."""

LAGS = tuple(range(-MOST, MOST + 1))


def over_lags(case: Case) -> Diagnosis:
    """The mean daily return before costs by lag of the signals that read text, else of all.

    Exposure is scaled to the run's own mean. The first and last `MOST` sessions and one more are
    left out at every lag, since a lag has no signal there.
    """
    if not case.plan.signals:
        return Diagnosis("The strategy uses no signal, so there is nothing to lag.")
    gross = case.desk.daily_returns(_lagged(case)).gross
    edge = MOST + 1
    kept = gross[:, edge:-edge]
    if not kept.shape[1]:
        return Diagnosis(f"{gross.shape[1]} sessions are too few to lag signals by {MOST}.")
    figures, rows = [], []
    for lag, earned in zip(LAGS, kept, strict=True):
        interval = bootstrap_interval(earned, np.mean, seed=case.seed)
        figure = known(
            "return.daily-gross",
            float(earned.mean()),
            n=len(earned),
            ci=interval.bounds if interval else None,
            method=interval.method if interval else "no interval: too few sessions",
        )
        figures.append((f"Mean daily return before costs, lag {lag:+d}", figure))
        low, high = interval.bounds if interval else (None, None)
        rows.append({"lag": lag, "mean": figure.value, "low": low, "high": high})
    return Diagnosis(_told(kept, seed=case.seed), tuple(figures), {"lags": rows})


def _told(kept: NDArray[np.float64], *, seed: int) -> str:
    """Where the run would earn most, and what that suggests; `kept` is `[lags, T]`."""
    means = kept.mean(axis=1)
    best, own = int(np.argmax(means)), LAGS.index(0)
    lag = LAGS[best]
    told = (
        f"Before costs the run earns {means[own] * 1e4:+.2f} basis points a session, and would "
        f"earn most, {means[best] * 1e4:+.2f}, at lag {lag:+d}"
    )
    if lag == 0:
        return f"{told}, as it trades."
    ahead = bootstrap_interval(kept[best] - kept[own], np.mean, seed=seed)
    if ahead is None or ahead.low <= 0:
        return f"{told}; the difference can't be told from none."
    if lag > 0:
        return f"{told}: older signals than it has would pay better."
    return (
        f"{told}: had the signals been known {-lag} session{'s' if lag < -1 else ''} earlier than "
        "they were. Prices had moved before they could be traded on."
    )


def _lagged(case: Case) -> Iterator[CheckedDecision]:
    """The run's decision at every lag."""
    plan, inputs = case.plan, case.inputs
    roots = text_signals(plan) or list(plan.signals)
    kept = untouched(case.features, plan.signals, roots)
    own = {key: each for key, each in case.features.items() if key.partition(".")[0] in roots}
    for done, lag in enumerate(LAGS):
        case.progress("lags", done, len(LAGS))
        if lag == 0:
            yield case.decision
            continue
        moved = {key: _moved(each, lag) for key, each in own.items()}
        features = compute_signals(plan, inputs, given={**kept, **moved})
        decision = decide(plan, replace(inputs, features=features))
        yield with_exposure_of(case.decision, decision, first=case.market.first)
    case.progress("lags", len(LAGS), len(LAGS))


def _moved(values: torch.Tensor, lag: int) -> torch.Tensor:
    """Row t is row t - lag of `values`, NaN where there is none."""
    moved = values.roll(lag, dims=0)
    if lag > 0:
        moved[:lag] = torch.nan
    else:
        moved[lag:] = torch.nan
    return moved
