"""From checks to a verdict: supported, inconclusive or refuted.

What is tested is the claim that text carries signal, so the strategy is held against its
text-neutral twin and not against cash. A check that was not run is never a pass. Nothing here
runs an audit: what one found arrives as plain data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, get_args

import numpy as np

from finstrat.risk.conventions import known, observed, unknown
from finstrat.risk.figure import Figure
from finstrat.validate.bootstrap import FEWEST, bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.text.card import ModelCard

Status = Literal["pass", "fail", "inconclusive", "not run", "not applicable"]
Outcome = Literal["supported", "inconclusive", "refuted"]

TWIN = "beats its text-neutral twin"
MODELS = "models could not know the period"
AUDITS = {
    "deflated-sharpe": "survives the number of trials",
    "causality": "uses nothing from the future",
    "placebo": "beats placebo text",
    "past-returns": "says more than past returns do",
    "out-of-sample": "holds out of sample",
    "memory": "needs no model's memory",
    "second-engine": "two engines agree",
}
"""What each audit shows, by the name under which it records its result."""

DIAGNOSTICS = {
    "lags": "what signals known earlier or later would earn",
    "event-study": "what prices do around the strongest texts",
    "stability": "what other values of its options would earn",
    "capacity": "what it would earn with more capital",
}
"""What an audit records beside them, and no verdict rests on."""


@dataclass(frozen=True)
class Check:
    """One question put to a run, and its answer in one sentence."""

    name: str
    status: Status
    evidence: str
    figures: tuple[tuple[str, Figure], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the checks amount to; `sentence` says why in one."""

    outcome: Outcome
    sentence: str
    checks: tuple[Check, ...]


def beats_twin(net: NDArray[np.float64], twin: NDArray[np.float64], *, seed: int) -> Check:
    """Whether the mean daily net return exceeds the twin's, by a 90 % bootstrap interval.

    `net` and `twin` are daily returns `[T]`; sessions where either is NaN are left out, and a
    twin that is NaN throughout means that the run used no text.
    """
    difference = observed(net - twin)
    n = len(difference)
    label = "Mean daily return less the twin's"
    if np.isnan(twin).all():
        figure = unknown("excess.daily-mean", n=0, reason="the run used no text")
        return Check(
            TWIN, "not applicable", "No text was used, so there is no twin.", ((label, figure),)
        )
    if not difference.any():
        figure = known("excess.daily-mean", 0.0, n=n)
        evidence = "The text never changed a return: strategy and twin are the same."
        return Check(TWIN, "inconclusive", evidence, ((label, figure),))
    interval = bootstrap_interval(difference, np.mean, seed=seed)
    mean = float(difference.mean())
    if interval is None:
        figure = known("excess.daily-mean", mean, n=n)
        evidence = f"{n} sessions are too few for an interval; {FEWEST} are needed."
        if n >= FEWEST:
            evidence = "The difference never varies, so no interval can be had."
        return Check(TWIN, "inconclusive", evidence, ((label, figure),))
    figure = known("excess.daily-mean", mean, n=n, ci=interval.bounds, method=interval.method)
    bounds = (
        f"The mean daily difference is {mean * 1e4:+.2f} basis points, 90 % interval "
        f"{interval.low * 1e4:+.2f} to {interval.high * 1e4:+.2f}"
    )
    if interval.low > 0:
        return Check(TWIN, "pass", f"{bounds}: above zero.", ((label, figure),))
    if interval.high < 0:
        return Check(TWIN, "fail", f"{bounds}: below zero.", ((label, figure),))
    return Check(TWIN, "inconclusive", f"{bounds}: zero is inside.", ((label, figure),))


def period_unknown_to_models(cards: Sequence[ModelCard], sessions: NDArray[np.datetime64]) -> Check:
    """Whether every model's training data end before the first evaluated session.

    A card without a cutoff counts as having seen everything. `sessions` is `[T]`, rising.
    """
    if not cards:
        return Check(MODELS, "not applicable", "No model was used.")
    figures: list[tuple[str, Figure]] = []
    contaminated: list[str] = []
    for card in sorted(cards, key=lambda each: each.name):
        seen = share_known(card, sessions)
        figures.append(
            (
                f"Sessions {card.name} may know",
                known("sessions.before-cutoff", seen, n=len(sessions)),
            )
        )
        if seen > 0:
            until = card.training_cutoff or "an unknown date"
            contaminated.append(f"{card.name} (trained until {until}: {seen:.0%} of sessions)")
    if contaminated:
        evidence = f"Contaminated: {'; '.join(contaminated)} may be remembered, not predicted."
        return Check(MODELS, "inconclusive", evidence, tuple(figures))
    evidence = "Every model's training data end before the first session."
    return Check(MODELS, "pass", evidence, tuple(figures))


def share_known(card: ModelCard, sessions: NDArray[np.datetime64]) -> float:
    """The share of `sessions` `[T]` that a model's training data may reach into; 1 if unknown."""
    if card.training_cutoff is None:
        return 1.0
    known_days = sessions.astype("datetime64[D]") <= np.datetime64(card.training_cutoff, "D")
    return float(known_days.mean())


def recorded_audit(name: str, checks: Mapping[str, Any]) -> Check:
    """What the audit `name` of `AUDITS` left in a run's checks; absent, it was not run.

    A record is `{"status": ..., "evidence": ..., "figures": [[label, figure], ...]}`. One that
    can't be read as such is inconclusive, never a pass.
    """
    title = AUDITS[name]
    if name not in checks:
        return Check(title, "not run", f'The audit "{name}" was not run.')
    record = checks[name]
    status = record.get("status") if isinstance(record, dict) else None
    if not _is_status(status):
        evidence = f'The record of "{name}" has the status {status!r}, which means nothing here.'
        return Check(title, "inconclusive", evidence)
    evidence = str(record.get("evidence") or "No evidence was recorded.")
    return Check(title, status, evidence, recorded_figures(record))


def recorded_figures(record: Mapping[str, Any]) -> tuple[tuple[str, Figure], ...]:
    """The labelled figures of a record as it comes back from JSON."""
    return tuple((label, Figure(**_paired(each))) for label, each in record.get("figures", []))


def _paired(figure: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded figure as `Figure` takes it: JSON has lists and nulls."""
    ci = figure["ci"]
    return {
        **figure,
        "ci": None if ci is None else tuple(ci),
        "reason_if_null": figure["reason_if_null"] or "",
    }


def _is_status(status: Any) -> TypeGuard[Status]:  # noqa: ANN401 - a record may hold anything
    """Whether `status` is one of the words a check may end with."""
    return status in get_args(Status)


def conclude(checks: Sequence[Check]) -> Verdict:
    """The verdict on all the checks together.

    Any failure refutes. Support takes the twin beaten and nothing left open; "not applicable"
    leaves nothing open, except for the twin: without text there is no claim to support.
    """
    failed = [check for check in checks if check.status == "fail"]
    if failed:
        names = " and ".join(f'"{check.name}"' for check in failed)
        verb = "fail" if len(failed) > 1 else "fails"
        sentence = f"Refuted: {names} {verb}. {failed[0].evidence}"
        return Verdict("refuted", sentence, tuple(checks))
    beaten = any(check.name == TWIN and check.status == "pass" for check in checks)
    undecided = [check for check in checks if check.status == "inconclusive"]
    absent = [check for check in checks if check.status == "not run"]
    if beaten and not undecided and not absent:
        sentence = "Supported: the text-neutral twin is beaten and every check passes."
        return Verdict("supported", sentence, tuple(checks))
    reasons: list[str] = []
    if not beaten and not any(check.name == TWIN for check in undecided):
        reasons.append("no text was used, so there is no signal from text to support")
    reasons += [f'"{check.name}" could not be decided' for check in undecided]
    if absent:
        count = "one check was" if len(absent) == 1 else f"{len(absent)} checks were"
        names = ", ".join(f'"{check.name}"' for check in absent)
        reasons.append(f"{count} not run ({names})")
    return Verdict("inconclusive", f"Inconclusive: {'; '.join(reasons)}.", tuple(checks))
