"""Whether any target of a run changes when the data end earlier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.audit.case import SAME
from finstrat.config import Dates
from finstrat.market import load_market
from finstrat.pipeline import Desk, decide, inputs_over
from finstrat.risk.conventions import known
from finstrat.signals import Scores, compute_signals
from finstrat.validate.luck import Finding

if TYPE_CHECKING:
    import pandas as pd

    from finstrat.audit.case import Case

CUTS = 6
"""Dates at which the data are made to end early."""


def uses_no_future(case: Case) -> Finding:
    """Whether ending the data earlier leaves every earlier target as it was.

    Sources, alignment, signals, strategy and optimizer all run again over the shorter span, so a
    leak in any of them shows, also one that lies in how a source restates its past.
    """
    whole = case.desk.trade(case.decision).targets
    dates = whole.index[5:-1]
    rng = np.random.default_rng(case.seed)
    chosen = np.sort(rng.choice(len(dates), size=min(CUTS, len(dates)), replace=False))
    cuts = [dates[i] for i in chosen]
    for done, cut in enumerate(cuts):
        case.progress("causality", done, len(cuts))
        found = _first_change(whole.loc[:cut], _targets_until(case, cut))
        if found is not None:
            session, asset, later, earlier = found
            return Finding(
                "fail",
                f"With data that end on {cut:%Y-%m-%d}, the target of {asset} on "
                f"{session:%Y-%m-%d} is {earlier:.6g}; with later data it was {later:.6g}.",
            )
    case.progress("causality", len(cuts), len(cuts))
    if not cuts:
        return Finding("inconclusive", "The run is too short to end it earlier.")
    compared = int(whole.loc[: cuts[-1]].notna().any(axis=1).sum())
    return Finding(
        "pass",
        f"Ending the data at {len(cuts)} dates from {cuts[0]:%Y-%m-%d} to {cuts[-1]:%Y-%m-%d} "
        "changed no earlier target.",
        (("Rebalances compared", known("data.count", compared, n=compared)),),
    )


def _targets_until(case: Case, cut: pd.Timestamp) -> pd.DataFrame:
    """The targets of the same backtest over data that end on `cut`."""
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
    return Desk(plan, market).trade(decide(plan, replace(inputs, features=features))).targets


def _first_change(
    later: pd.DataFrame, earlier: pd.DataFrame
) -> tuple[pd.Timestamp, str, float, float] | None:
    """Where two frames of targets first differ over the sessions of `earlier`, and both values.

    An asset that one of them doesn't have is held at 0; a row of NaN means hold in both.
    """
    assets = sorted({*later.columns, *earlier.columns})
    a = later.reindex(index=earlier.index, columns=assets)
    b = earlier.reindex(columns=assets)
    holds_a, holds_b = a.isna().all(axis=1), b.isna().all(axis=1)
    left, right = a.fillna(0.0).to_numpy(), b.fillna(0.0).to_numpy()
    differs = np.abs(left - right) > SAME
    differs |= (holds_a != holds_b).to_numpy()[:, None]
    if not differs.any():
        return None
    row, column = np.argwhere(differs)[0]
    return earlier.index[row], assets[column], float(left[row, column]), float(right[row, column])
