"""How likely the best of so many is luck: three questions put to a whole sweep.

It knows returns and how many trials there were; which parameters they came from doesn't matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import known, unknown
from finstrat.validate.luck import deflated_sharpe
from finstrat.validate.overfitting import overfitting
from finstrat.validate.superior import SIZE, superiority
from finstrat.validate.verdict import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ROBUST = 0.05
"""Below this the best of one half is rarely no better than the median of the other."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What the three questions are put to.

    Attributes:
        compared: daily returns of every configuration, less the twin's where text is read,
            `[T, C]`.
        beside: those less what they must beat, `[T, C]`.
        against: what that is, in words.
        best: the column that looks best.
        rivals: returns of the family's other trials, as the ledger has them.
        recorded, declared: trials of the family.
        periods_per_year: sessions in a year.
        seed: of the bootstrap.
    """

    compared: NDArray[np.float64]
    beside: NDArray[np.float64]
    against: str
    best: int
    rivals: Sequence[NDArray[np.float64]]
    recorded: int
    declared: int
    periods_per_year: float
    seed: int


def verdict_on(judged: Judged, *, best: str) -> Verdict:
    """What the three checks amount to; `best` names the best configuration in the sentence.

    Support takes all three. Nothing refutes: where choosing is chance, the configurations may all
    be good, or all bad.
    """
    checks = (survives(judged), holds_elsewhere(judged), beats(judged))
    many = f"of {judged.compared.shape[1]:,} configurations the best, {best}"
    undecided = [check for check in checks if check.status != "pass"]
    if undecided:
        told = f"Inconclusive: {many}, may be so by luck. {undecided[0].evidence}"
        return Verdict("inconclusive", told, checks)
    told = f"Supported: {many}, is better than so many tries explain."
    return Verdict("supported", told, checks)


def survives(judged: Judged) -> Check:
    """Whether the best outlives the number of trials of its family."""
    found = deflated_sharpe(
        judged.compared[:, judged.best],
        judged.rivals,
        recorded=judged.recorded,
        declared=judged.declared,
    )
    return Check("survives the number of trials", found.status, found.evidence, found.figures)


def holds_elsewhere(judged: Judged) -> Check:
    """Whether what is best in one half of the time is any good in the other."""
    name, label = "the best of one half is good in the other", "Probability of overfitting"
    found = overfitting(judged.compared)
    sessions, count = judged.compared.shape
    if found is None:
        reason = f"{count} configurations over {sessions} sessions are too few to halve"
        figure = unknown("luck.overfitting", n=sessions, reason=reason)
        return Check(name, "inconclusive", f"{reason}.", ((label, figure),))
    year = np.sqrt(judged.periods_per_year)
    figures = (
        (label, known("luck.overfitting", found.probability, n=found.ways)),
        ("Probability of a loss", known("luck.overfitting-loss", found.loss, n=found.ways)),
    )
    told = (
        f"Over {found.ways:,} ways to halve the time, the best of one half (Sharpe ratio "
        f"{found.inside * year:.2f} on average) has {found.outside * year:.2f} in the other, and "
        f"is no better than the median there in {found.probability:.0%}"
    )
    if found.probability <= ROBUST:
        return Check(name, "pass", f"{told}.", figures)
    return Check(name, "inconclusive", f"{told}; at most {ROBUST:.0%} is needed.", figures)


def beats(judged: Judged) -> Check:
    """Whether any configuration beats what it must beat, counting all of them."""
    name, label = f"beats {judged.against}", "p-value of the best"
    found = superiority(judged.beside, seed=judged.seed)
    sessions, count = judged.beside.shape
    if found is None:
        reason = f"{sessions} sessions are too few, or no configuration differs from it"
        figure = unknown("luck.superior-p", n=sessions, reason=reason)
        return Check(name, "inconclusive", f"{reason}.", ((label, figure),))
    named = int(found.superior.sum())
    figures = (
        (label, known("luck.superior-p", found.p_value, n=sessions)),
        ("Superior configurations", known("luck.superior-count", named, n=count)),
    )
    told = (
        f"If none of {count:,} beat {judged.against}, a best so good would be seen with "
        f"p = {found.p_value:.3f}; {named:,} are superior"
    )
    if found.p_value <= SIZE:
        return Check(name, "pass", f"{told}.", figures)
    return Check(name, "inconclusive", f"{told}; at most {SIZE} is needed.", figures)
