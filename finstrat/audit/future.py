"""Whether anything in a run changes when the data end earlier, and whether any part looks ahead."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.audit.parts import examined
from finstrat.audit.stages import Computed, Parting, first_parting
from finstrat.config import Dates
from finstrat.desk import Desk
from finstrat.errors import FinstratError
from finstrat.market import load_market
from finstrat.pipeline import decide, inputs_over
from finstrat.risk.conventions import known
from finstrat.signals import Scores, compute_signals
from finstrat.validate.luck import Finding

if TYPE_CHECKING:
    import pandas as pd

    from finstrat.audit.case import Case
    from finstrat.validate.causality import Report

CUTS = 6
"""Dates at which the data are made to end early."""


def uses_no_future(case: Case) -> Finding:
    """Whether ending the data earlier leaves the past as it was, and no component looks ahead.

    Sources, alignment, signals, strategy and optimizer all run again over the shorter span, so a
    leak in any of them shows, also one that lies in how a source restates its past; stages are
    compared in the order of the pipeline, so the first that differs is where it is. Then each
    component is examined by itself, under futures that a shorter span doesn't show.
    """
    whole = Computed(
        case.market, case.features, case.decision, case.desk.trade(case.decision).targets
    )
    cuts = _cuts(case, whole.targets)
    stopped: dict[pd.Timestamp, FinstratError] = {}
    for done, cut in enumerate(cuts):
        case.progress("causality", done, len(cuts))
        try:
            earlier = _computed_until(case, cut)
        except FinstratError as error:
            stopped[cut] = error
            continue
        words = f"the data ended with {cut:%Y-%m-%d}"
        found = first_parting(case.plan, whole, earlier, changed_by=words)
        if found is not None:
            return _refuted(found)
    case.progress("causality", len(cuts), len(cuts))
    reports: dict[str, Report] = {}
    for key, report in examined(case):
        if report.failures:
            return _accused(key, report)
        reports[key] = report
    return _cleared(whole, cuts, stopped, reports)


def _cuts(case: Case, targets: pd.DataFrame) -> list[pd.Timestamp]:
    """The dates to end at, in order, drawn at random; never within the first week."""
    possible = targets.index[5:-1]
    rng = np.random.default_rng(case.seed)
    chosen = rng.choice(len(possible), size=min(CUTS, len(possible)), replace=False)
    return [possible[i] for i in np.sort(chosen)]


def _refuted(found: Parting) -> Finding:
    """The finding on a run whose past changed."""
    before = ""
    if found.agreed:
        before = f"{' and '.join(found.agreed)} stayed the same"
    first = f"It shows first in {found.stage}"
    target = "no target changed with it"
    if found.target is not None:
        target = f"of what is traded, first: {found.target}"
    told = "; ".join(part for part in (first, before, target) if part)
    detail = {"part": "end", **asdict(found), "agreed": list(found.agreed)}
    return Finding("fail", f"{found.change}. {told}.", detail=detail)


def _accused(key: str, report: Report) -> Finding:
    """The finding on a run of which one component looks ahead."""
    failed = report.failures[0]
    return Finding(
        "fail",
        f'{key} ("{report.name}"), examined by itself, fails "{failed.name}": '
        f"{failed.change or failed.detail}.",
        detail={
            "stage": key,
            "part": failed.name,
            "change": None if failed.change is None else asdict(failed.change),
        },
    )


def _cleared(
    whole: Computed,
    cuts: list[pd.Timestamp],
    stopped: dict[pd.Timestamp, FinstratError],
    reports: dict[str, Report],
) -> Finding:
    """The finding on a run of which nothing changed: a pass, unless something could not be tried.

    A source that could not be asked twice was still part of the run that ended earlier; a signal or
    strategy that raised under another future wasn't tried under it at all.
    """
    detail = {
        "components": {
            key: {each.name: f"{each.outcome}: {each.detail}" for each in report.checks}
            for key, report in reports.items()
        }
    }
    if not cuts:
        return Finding("inconclusive", "The run is too short to end it earlier.", detail=detail)
    if stopped:
        cut, error = next(iter(stopped.items()))
        return Finding(
            "inconclusive",
            f"At {len(stopped)} of {len(cuts)} dates the run can't end earlier: with data until "
            f"{cut:%Y-%m-%d}, {error}",
            detail=detail,
        )
    compared = int(whole.targets.loc[: cuts[-1]].notna().any(axis=1).sum())
    figures = (("Rebalances compared", known("data.count", compared, n=compared)),)
    told = (
        f"Ending the data at {len(cuts)} dates from {cuts[0]:%Y-%m-%d} to {cuts[-1]:%Y-%m-%d} "
        "changed nothing before them"
    )
    undecided = [
        f"{key}, {each}"
        for key, report in reports.items()
        if report.kind in {"signal", "strategy"}
        for each in report.checks
        if each.outcome == "inconclusive" and each.name != "contract"
    ]
    if undecided:
        evidence = f"{told}, but not every part could be tried: {'; '.join(undecided)}."
        return Finding("inconclusive", evidence, figures, detail)
    told += f", and none of {len(reports)} components, examined by itself, looks ahead"
    return Finding("pass", f"{told}.", figures, detail)


def _computed_until(case: Case, cut: pd.Timestamp) -> Computed:
    """The same backtest over data that end on `cut`."""
    span = Dates(start=case.plan.config.span.start, end=cut.date())
    plan = replace(case.plan, config=case.plan.config.model_copy(update={"span": span}))
    market = load_market(plan)
    scores = Scores(
        plan,
        market.documents,
        cache=case.cache,
        device=case.inputs.device,
        progress=lambda _step, _done, _total: None,
    )
    inputs = inputs_over(plan, market, scores)
    features = compute_signals(plan, inputs)
    decision = decide(plan, replace(inputs, features=features))
    return Computed(market, features, decision, Desk(plan, market).trade(decision).targets)
