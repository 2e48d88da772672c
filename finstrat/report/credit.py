"""What a credit report says first: its figures, the checks behind them, and the verdict.

The claim that is tested is that the probabilities can be believed of borrowers whom the model
doesn't know. It reads a result's `assessments` and runs no model.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from finstrat import risk
from finstrat.risk import credit
from finstrat.validate.verdict import Check, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from finstrat.risk.figure import Figure
    from finstrat.store import RunResult

RANKS = "tells risky borrowers from safe ones"
TRUE = "probabilities came true"
UNSEEN = "borrowers were new to the model"
LATER = "holds on later borrowers"

LABELS = {
    "credit.roc-auc": "ROC-AUC",
    "credit.gini": "Gini",
    "credit.ks": "Kolmogorov–Smirnov",
    "credit.pr-auc": "PR-AUC",
    "credit.brier": "Brier score",
    "credit.calibration-slope": "Calibration slope",
}

BELIEVABLE = (0.8, 1.25)
"""Calibration slopes that change no decision: odds of 1 : 20 become 1 : 11 or 1 : 42 at worst."""


def judged(result: RunResult) -> pd.DataFrame:
    """The borrowers with a probability and a known outcome; what PSI refers to is left out."""
    rows = result.assessments
    assert rows is not None
    return rows[(rows["sample"] == "judged") & rows["probability"].notna()]


@lru_cache(maxsize=4)
def measures(result: RunResult) -> dict[str, Figure]:
    """Every measure by its convention's id."""
    rows = judged(result)
    return credit.credit_figures(
        rows["probability"].to_numpy(dtype=np.float64),
        rows["defaulted"].to_numpy(dtype=bool),
        rows["entity"].tolist(),
        seed=int(result.config.get("seed", 0)),
    )


@lru_cache(maxsize=4)
def _auc_of_the_new(result: RunResult) -> Figure:
    """The ROC-AUC among the judged of whom training knew no row."""
    rows = judged(result)
    rows = rows[~rows["known"].astype(bool)]
    return credit.credit_figures(
        rows["probability"].to_numpy(dtype=np.float64),
        rows["defaulted"].to_numpy(dtype=bool),
        rows["entity"].tolist(),
        seed=int(result.config.get("seed", 0)),
    )["credit.roc-auc"]


def expected_rate(result: RunResult) -> Figure:
    """The mean probability of the judged."""
    chance = judged(result)["probability"]
    if chance.empty:
        return risk.unknown("credit.expected-rate", n=0, reason="no borrower has a probability")
    return risk.known("credit.expected-rate", float(chance.mean()), n=len(chance))


def observed_rate(result: RunResult) -> Figure:
    """The share of the judged that defaulted."""
    return credit.default_rate(judged(result)["defaulted"].to_numpy(dtype=bool))


def headline(result: RunResult) -> tuple[tuple[str, Figure], ...]:
    """The figures a reader looks for first."""
    rows, found = judged(result), measures(result)
    bad = int(rows["defaulted"].sum())
    return (
        *((LABELS[name], found[name]) for name in LABELS),
        ("Default rate", observed_rate(result)),
        ("Mean probability", expected_rate(result)),
        ("Rows judged", risk.known("credit.count", len(rows), n=len(rows))),
        ("Defaults among them", risk.known("credit.count", bad, n=len(rows))),
    )


def verdict(result: RunResult) -> Verdict:
    """Supported takes a pass of every check; one failure refutes; else it is inconclusive."""
    checks = (_ranks(result), _came_true(result), _unseen(result), _later(result))
    failed = [check for check in checks if check.status == "fail"]
    if failed:
        sentence = f'Refuted: "{failed[0].name}" fails. {failed[0].evidence}'
        return Verdict("refuted", sentence, checks)
    open_ = [check for check in checks if check.status != "pass"]
    if not open_:
        return Verdict("supported", "Supported: every check passes.", checks)
    told = "; ".join(
        f'"{check.name}" {"was not run" if check.status == "not run" else "could not be decided"}'
        for check in open_
    )
    return Verdict("inconclusive", f"Inconclusive: {told}.", checks)


def _ranks(result: RunResult) -> Check:
    """Whether the interval of the ROC-AUC lies above one half."""
    figure = measures(result)["credit.roc-auc"]
    if figure.value is None:
        return Check(RANKS, "inconclusive", f"There is no ROC-AUC: {figure.reason_if_null}.")
    if figure.ci is None:
        return Check(RANKS, "inconclusive", "Too few defaults for an interval of the ROC-AUC.")
    low, high = figure.ci
    evidence = f"ROC-AUC {figure.value:.3f}, 90 % interval {low:.3f} to {high:.3f}"
    if low > 0.5:
        return Check(RANKS, "pass", f"{evidence}: above one half.")
    if high < 0.5:
        return Check(RANKS, "fail", f"{evidence}: below one half, worse than chance.")
    return Check(RANKS, "inconclusive", f"{evidence}: one half is inside.")


def _came_true(result: RunResult) -> Check:
    """Whether slope and mean of the probabilities agree with what happened."""
    slope, rate, mean = (
        measures(result)["credit.calibration-slope"],
        observed_rate(result),
        expected_rate(result),
    )
    if slope.value is None or slope.ci is None or rate.ci is None or mean.value is None:
        return Check(TRUE, "inconclusive", "Too few defaults to judge the probabilities by.")
    low, high = slope.ci
    evidence = (
        f"Slope {slope.value:.2f}, 90 % interval {low:.2f} to {high:.2f}; mean probability "
        f"{mean.value:.2%}, defaulted {rate.value:.2%} ({rate.ci[0]:.2%} to {rate.ci[1]:.2%})"
    )
    if high < BELIEVABLE[0] or low > BELIEVABLE[1]:
        way = "too extreme" if high < BELIEVABLE[0] else "too timid"
        return Check(TRUE, "fail", f"{evidence}: the probabilities are {way}.")
    in_slope = BELIEVABLE[0] <= low and high <= BELIEVABLE[1]
    in_mean = rate.ci[0] <= mean.value <= rate.ci[1]
    if in_slope and in_mean:
        return Check(TRUE, "pass", f"{evidence}: both agree.")
    reason = "the mean is off" if in_slope else "the slope may be off"
    return Check(TRUE, "inconclusive", f"{evidence}: {reason}.")


def _unseen(result: RunResult) -> Check:
    """How it was made sure that no borrower was learnt from before it was judged."""
    if result.config["evidence"] == "cross-validation":
        return Check(
            UNSEEN,
            "pass",
            "Nested cross-validation: each borrower was judged by a model chosen, calibrated and "
            "fitted without it, its other rows and exact copies of it.",
        )
    copies = int(result.manifest["counts"].get("rows_known_to_the_model", 0))
    told = f"Another table; {copies:,} rows that training had seen were left out."
    rows = judged(result)
    if not rows["known"].any():
        return Check(UNSEEN, "pass", f"{told} None of the rest is of a borrower it knew.")
    figure = _auc_of_the_new(result)
    evidence = (
        f"{told} Of the rest, {int(rows['known'].sum()):,} of {len(rows):,} are of borrowers that "
        "it knew at another date"
    )
    if figure.value is None or figure.ci is None:
        return Check(UNSEEN, "inconclusive", f"{evidence}; the others are too few to judge by.")
    low, high = figure.ci
    evidence += f"; among the others ROC-AUC {figure.value:.3f} ({low:.3f} to {high:.3f})"
    return Check(UNSEEN, "pass" if low > 0.5 else "inconclusive", f"{evidence}.")


def _later(result: RunResult) -> Check:
    """Whether the judged are later than all that the model learnt from."""
    trained, rows = result.config.get("trained_until"), judged(result)
    if result.config["evidence"] == "cross-validation":
        return Check(
            LATER,
            "not run",
            "Folds ignore time. `finstrat credit report MODEL TABLE` judges a later table.",
        )
    if trained is None or "as_of" not in rows or rows.empty:
        return Check(LATER, "inconclusive", "There are no dates to say which came first.")
    first = rows["as_of"].min()
    if str(first.date()) > trained:
        return Check(
            LATER, "pass", f"The model learnt until {trained}, these begin {first.date()}."
        )
    return Check(
        LATER, "inconclusive", f"The model learnt until {trained}, these begin {first.date()}."
    )
