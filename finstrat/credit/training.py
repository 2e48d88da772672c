"""A credit model chosen, calibrated and judged by nested cross-validation on fixed folds.

The outer folds judge the whole procedure: within each, the rows outside it alone choose encoding,
setting and, among the families asked for, the family, and fit the calibration. Then the procedure
is run once on everything. It reads no file and writes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from finstrat.credit.calibration import Calibration, calibrate
from finstrat.credit.encoding import Encoding, learn_encoding
from finstrat.credit.families import FAMILIES, Candidate, Family, candidates, fit_machine
from finstrat.credit.folds import grouped_folds, kinship
from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from finstrat.credit.borrowers import Borrowers
    from finstrat.credit.machines import Machine

    Floats = NDArray[np.float64]
    Progress = Callable[[int, int], None]

OUTER, INNER = 5, 3
FEWEST_DEFAULTS = 30
"""Below this, folds hold a handful of defaults each and every figure is noise."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that was chosen on some rows.

    Attributes:
        candidate: what won. auc: its mean over the inner folds.
        encoding, machine, calibration: how a row becomes a probability.
    """

    candidate: Candidate
    auc: float
    encoding: Encoding
    machine: Machine
    calibration: Calibration

    def probability(self, features: pd.DataFrame) -> Floats:
        """Default probabilities `[D]`; NaN for a row of which nothing is known."""
        found = self.calibration.probability(self.machine.margin(self.encoding.matrix(features)))
        return np.where(features.isna().all(axis=1).to_numpy(), np.nan, found)


@dataclass(frozen=True, eq=False)
class Trained:
    """What training found.

    Attributes:
        model: fitted on everything.
        judged: one row a borrower: entity, as_of (where there are dates), defaulted, fold, and the
            probability by a model that hadn't seen it, its kin or its fold; and the family of it.
        families: the same probabilities by each family alone `[D]`.
    """

    model: Fitted
    judged: pd.DataFrame
    families: dict[Family, Floats]


def train(
    borrowers: Borrowers,
    *,
    families: Sequence[Family] = FAMILIES,
    seed: int = 0,
    progress: Progress = lambda _done, _of: None,
) -> Trained:
    """The best of `families` for these borrowers, and how the choice fares on unseen ones.

    Folds keep a borrower's rows, and exact duplicates, together. Candidates are compared by their
    mean ROC-AUC over the inner folds.

    Raises:
        DataError: the outcome is unknown, or there are too few defaults.
    """
    defaulted = borrowers.defaulted
    if defaulted is None:
        raise DataError("training needs the outcome of every borrower")
    rarer = int(min(defaulted.sum(), (~defaulted).sum()))
    if rarer < FEWEST_DEFAULTS:
        what = "defaults" if defaulted.sum() == rarer else "borrowers that paid"
        raise DataError(f"{rarer} {what} are too few to train on; {FEWEST_DEFAULTS} are needed")
    kin = kinship(borrowers)
    fold = grouped_folds(defaulted, kin, count=OUTER, seed=seed)
    steps = (OUTER + 1) * len(families)
    alone = {family: np.full(len(borrowers), np.nan) for family in families}
    chosen = np.full(len(borrowers), np.nan)
    winner = np.empty(len(borrowers), dtype=object)
    done = 0
    for held in range(OUTER):
        learn, judge = borrowers.rows(fold != held), borrowers.rows(fold == held)
        rivals = []
        for family in families:
            fitted = _best(learn, kin[fold != held], family, seed=seed)
            alone[family][fold == held] = fitted.probability(judge.features)
            rivals.append(fitted)
            done += 1
            progress(done, steps)
        best = max(rivals, key=lambda each: each.auc)
        chosen[fold == held] = alone[best.candidate.family][fold == held]
        winner[fold == held] = best.candidate.family
    finalists = []
    for family in families:
        finalists.append(_best(borrowers, kin, family, seed=seed))
        done += 1
        progress(done, steps)
    judged = pd.DataFrame({"entity": borrowers.entity, "defaulted": defaulted, "fold": fold})
    if borrowers.as_of is not None:
        judged.insert(1, "as_of", borrowers.as_of.astype("datetime64[ns]"))
    return Trained(
        model=max(finalists, key=lambda each: each.auc),
        judged=judged.assign(probability=chosen, family=winner),
        families=alone,
    )


def _best(borrowers: Borrowers, kin: NDArray[np.int64], family: Family, *, seed: int) -> Fitted:
    """The best candidate of a family by cross-validation on these rows, calibrated and refitted."""
    defaulted = borrowers.defaulted
    assert defaulted is not None
    fold = grouped_folds(defaulted, kin, count=INNER, seed=seed)
    tried = candidates(family)
    margins = {candidate: np.empty(len(borrowers)) for candidate in tried}
    for held in range(INNER):
        learn, judge = fold != held, fold == held
        rows = {}
        for candidate in tried:
            kind = candidate.encoding
            if kind not in rows:
                encoding = learn_encoding(kind, borrowers.features[learn], defaulted[learn])
                rows[kind] = encoding.matrix(borrowers.features)
            machine = fit_machine(candidate, rows[kind][learn], defaulted[learn], seed=seed)
            margins[candidate][judge] = machine.margin(rows[kind][judge])
    scores = {
        candidate: float(
            np.mean([roc_auc_score(defaulted[fold == i], margin[fold == i]) for i in range(INNER)])
        )
        for candidate, margin in margins.items()
    }
    best = max(tried, key=lambda candidate: scores[candidate])
    encoding = learn_encoding(best.encoding, borrowers.features, defaulted)
    machine = fit_machine(best, encoding.matrix(borrowers.features), defaulted, seed=seed)
    return Fitted(best, scores[best], encoding, machine, calibrate(margins[best], defaulted))
