"""How likely a result is luck, given how many were tried and what text at random would have earned.

Pure functions over returns and counts. Where trials come from, and how a placebo is run, is known
elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from finstrat.risk.conventions import known, observed
from finstrat.validate.bootstrap import FEWEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.components import Placebo
    from finstrat.risk.figure import Figure
    from finstrat.validate.verdict import Status

CONFIDENCE = 0.95
"""A deflated Sharpe ratio below this, or a placebo p-value above 1 less it, may be luck."""

ALIKE = 0.5
"""Trials whose returns correlate more than this are variations of one idea, not two draws."""


@dataclass(frozen=True)
class Finding:
    """What an audit concludes; `detail` is what else its record keeps, plain JSON data."""

    status: Status
    evidence: str
    figures: tuple[tuple[str, Figure], ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The record in a run's `checks/`."""
        return {
            "status": self.status,
            "evidence": self.evidence,
            "figures": [[label, figure.to_dict()] for label, figure in self.figures],
            **self.detail,
        }


@dataclass(frozen=True)
class Diagnosis:
    """What an audit saw without judging it: no verdict rests on it. Else as `Finding`."""

    evidence: str
    figures: tuple[tuple[str, Figure], ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The record in a run's `checks/`."""
        told = Finding("not applicable", self.evidence, self.figures, self.detail).to_dict()
        return {**told, "status": "diagnostic"}


def independent_trials(returns: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """The mean returns of each group of trials that are variations of one idea.

    Average linkage on √((1 − ρ) / 2), cut where ρ = `ALIKE` (López de Prado and Lewis, 2019,
    cluster on the same distance and choose the cut by silhouette, which two trials don't have).
    Trials over different numbers of sessions can't be compared and count as different; NaN is 0.
    """
    groups: list[NDArray[np.float64]] = []
    for length in sorted({len(each) for each in returns}):
        table = np.nan_to_num(np.array([each for each in returns if len(each) == length]))
        if len(table) == 1:
            groups.append(table[0])
            continue
        # A trial that never earned anything is like no other.
        moving = np.ptp(table, axis=1) > 0.0
        correlation = np.eye(len(table))
        if moving.sum() > 1:
            correlation[np.ix_(moving, moving)] = np.corrcoef(table[moving])
        distance = np.sqrt(np.clip((1.0 - correlation) / 2.0, 0.0, 1.0))
        np.fill_diagonal(distance, 0.0)
        tree = linkage(squareform(distance, checks=False), method="average")
        labels = fcluster(tree, t=np.sqrt((1.0 - ALIKE) / 2.0), criterion="distance")
        groups += [table[labels == label].mean(axis=0) for label in np.unique(labels)]
    return groups


def deflated_sharpe(
    own: NDArray[np.float64],
    rivals: Sequence[NDArray[np.float64]],
    *,
    recorded: int,
    declared: int,
) -> Finding:
    """Whether the best of so many trials without any skill would have looked worse.

    `own` are the daily returns judged, `[T]`, and `rivals` those of the family's other trials.
    The effective number of trials N is that of `independent_trials`, plus the `declared` ones and
    those that failed, about which nothing is known. The probability is Bailey and López de Prado
    (2014), per session: PSR(SR₀) with SR₀ = σ[(1 − γ)Z⁻¹(1 − 1/N) + γZ⁻¹(1 − 1/(Ne))], σ being the
    spread of the groups' Sharpe ratios, and at least what chance alone gives, 1/√(T − 1).
    """
    from skfolio.measures import expected_max_sharpe_ratio, probabilistic_sharpe_ratio

    mine = observed(own)
    n = len(mine)
    if n < FEWEST or np.ptp(mine) == 0.0:
        return Finding(
            "inconclusive",
            f"{n} sessions of returns that {'vary' if n and np.ptp(mine) else 'never vary'} "
            f"can't be judged; {FEWEST} are needed.",
        )
    groups = independent_trials([mine, *(observed(each) for each in rivals)])
    unseen = declared + max(recorded - 1 - len(rivals), 0)
    trials = len(groups) + unseen
    ratios = [each.mean() / each.std(ddof=1) for each in groups if each.std() > 0]
    spread = float(np.std(ratios, ddof=1)) if len(ratios) > 1 else 0.0
    spread = max(spread, 1.0 / np.sqrt(n - 1))
    bar = expected_max_sharpe_ratio(float(trials), spread) if trials > 1 else 0.0
    probability = float(probabilistic_sharpe_ratio(mine, benchmark_sharpe_ratio=bar))
    figures = (
        ("Deflated Sharpe probability", known("luck.deflated-sharpe", probability, n=n)),
        ("Independent trials", known("luck.independent-trials", trials, n=trials)),
        ("Recorded and declared trials", known("trials.total", recorded + declared, n=trials)),
    )
    told = (
        f"Trials: {recorded + declared}, independent: {trials}. The probability that the "
        f"Sharpe ratio beats the best of as many without skill is {probability:.3f}"
    )
    if probability >= CONFIDENCE:
        return Finding("pass", f"{told}.", figures)
    return Finding("inconclusive", f"{told}; {CONFIDENCE} is needed.", figures)


TOLD = {
    "shift": "with the same texts at other times",
    "swap": "with the texts of each asset given to another",
}
"""What was done to the texts, by kind of placebo."""

NAMES = {"shift": "shifted in time", "swap": "swapped between assets"}
"""The same for a label."""


def placebo_test(own: float, placebos: Mapping[Placebo, NDArray[np.float64]]) -> Finding:
    """Whether text that stands at the wrong time, or with the wrong asset, earns as much.

    `own` and, by kind, `placebos` `[B]` are mean daily returns before costs. For each kind p = (1 +
    #{placebo ≥ own}) / (B + 1) (Phipson and Smyth, 2010), so it is never zero; all must be at
    most 0.05.
    """
    figures = [
        (
            "Mean daily return before costs",
            known("return.daily-gross", own, n=sum(map(len, placebos.values()))),
        )
    ]
    told = []
    likely = 0.0
    for kind, earned in placebos.items():
        draws, as_much = len(earned), int((earned >= own).sum())
        p = (1 + as_much) / (draws + 1)
        likely = max(likely, p)
        figures += [
            (f"Placebo p-value, {NAMES[kind]}", known("luck.placebo-p", p, n=draws)),
            (
                f"Median placebo, {NAMES[kind]}",
                known("return.daily-gross", float(np.median(earned)), n=draws),
            ),
        ]
        told.append(f"Of {draws} placebos {TOLD[kind]}, {as_much} earned as much: p = {p:.3f}")
    evidence = f"{'. '.join(told)}, before costs"
    if likely <= 1 - CONFIDENCE:
        return Finding("pass", f"{evidence}.", tuple(figures))
    needed = f"at most {1 - CONFIDENCE:.2f} is needed"
    return Finding("inconclusive", f"{evidence}; {needed}.", tuple(figures))
