"""What the other trials of a run's family say about it: chosen by luck, or better than all of them.

It knows daily returns, the run's own and those that the ledger kept, and no configuration. Trials
are compared where they have as many sessions as the run; the ledger doesn't keep their dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import known, observed, unknown
from finstrat.risk.performance import sharpe_ratio
from finstrat.validate.overfitting import overfitting
from finstrat.validate.superior import superiority

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.risk.figure import Figure

FEWEST_TRIALS = 5
"""Trials of one length, the run among them, below which choosing among them says nothing."""


@dataclass(frozen=True)
class Family:
    """What was found: a sentence, and its figures by label."""

    told: str
    figures: tuple[tuple[str, Figure], ...]


def among_its_family(
    own: NDArray[np.float64],
    rivals: Sequence[NDArray[np.float64]],
    *,
    trials: int,
    periods_per_year: float,
    seed: int,
) -> Family:
    """The probability of overfitting, Hansen's p, Romano and Wolf's choice, the length wanted.

    `own` `[T]` and `rivals` are daily returns less the twin's (net where no text is read); `trials`
    is the number of independent ones. None of it passes or fails a run: the deflated Sharpe ratio
    does, and counts every trial.
    """
    length = ("Minimum backtest length", minimum_length(own, trials, periods_per_year))
    alike = [each for each in rivals if len(each) == len(own) and not np.isnan(each).any()]
    if len(alike) + 1 < FEWEST_TRIALS or np.isnan(own).any():
        reason = (
            f"trials of {len(own)} sessions: {len(alike) + 1}; {FEWEST_TRIALS} are needed to say "
            "what choosing among them is worth"
        )
        missing = (
            ("Probability of overfitting", unknown("luck.overfitting", n=0, reason=reason)),
            ("p-value of the best of the family", unknown("luck.superior-p", n=0, reason=reason)),
        )
        return Family("", (length, *missing))
    table = np.column_stack([own, *alike])
    halves = overfitting(table)
    best = superiority(table, seed=seed)
    count, sessions = table.shape[1], len(own)
    figures = [length]
    told = f"Among {count} trials of {sessions} sessions"
    if halves is None:
        reason = f"{sessions} sessions are too few to halve"
        figures.append(
            ("Probability of overfitting", unknown("luck.overfitting", n=0, reason=reason))
        )
    else:
        value = known("luck.overfitting", halves.probability, n=halves.ways)
        figures.append(("Probability of overfitting", value))
        told += (
            f", the best of one half of the time is no better than the median in the other in "
            f"{halves.probability:.0%}"
        )
    if best is None:
        reason = "too few sessions, or nothing moves"
        figures.append(
            ("p-value of the best of the family", unknown("luck.superior-p", n=0, reason=reason))
        )
        return Family(f"{told}.", tuple(figures))
    value = known("luck.superior-p", best.p_value, n=sessions)
    figures.append(("p-value of the best of the family", value))
    among = "is" if best.superior[0] else "isn't"
    told += (
        f"; if none earned anything, a best so good has p = {best.p_value:.3f}, and this run "
        f"{among} among the {int(best.superior.sum())} that are superior"
    )
    return Family(f"{told}.", tuple(figures))


def minimum_length(own: NDArray[np.float64], trials: int, periods_per_year: float) -> Figure:
    """Sessions from which the best of `trials` without skill has a lower Sharpe ratio than `own`.

    (E[max_N] / SR)² years, with E[max_N] = (1 − γ)Z⁻¹(1 − 1/N) + γZ⁻¹(1 − 1/(Ne)) and SR a year.
    Source: Bailey, Borwein, López de Prado and Zhu (2014), "Pseudo-Mathematics and Financial
    Charlatanism", Notices of the AMS 61(5), theorem 1.
    """
    from skfolio.measures import expected_max_sharpe_ratio

    mine = observed(own)
    if trials < 2:
        reason = "a single trial is the best of one"
        return unknown("luck.minimum-length", n=len(mine), reason=reason)
    ratio = sharpe_ratio(mine, periods_per_year=periods_per_year) if len(mine) > 1 else np.nan
    if not ratio > 0:
        reason = "the Sharpe ratio isn't above 0: no length makes it better than chance"
        return unknown("luck.minimum-length", n=len(mine), reason=reason)
    highest = float(expected_max_sharpe_ratio(float(trials), 1.0))
    years = (highest / ratio) ** 2
    return known("luck.minimum-length", years * periods_per_year, n=len(mine))
