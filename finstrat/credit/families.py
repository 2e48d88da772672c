"""The four families of credit models, what is tried of each, and how scikit-learn fits them.

A candidate is an encoding and a setting; fitting one gives a `Machine`, which `fitted` reads out of
the estimator. It knows nothing of folds.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from finstrat.credit.fitted import agreeing, boosted_of, forest_of, kernel_of
from finstrat.credit.machines import Linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.credit.encoding import Kind
    from finstrat.credit.machines import Machine

    Floats = NDArray[np.float64]

Family = Literal["logistic", "svm", "forest", "boosting"]
FAMILIES: tuple[Family, ...] = get_args(Family)


@dataclass(frozen=True)
class Candidate:
    """One thing to try: a family, how columns are encoded, and a name for its setting.

    `settings` are scikit-learn's own; `gamma` of the SVM is in units of 1 / number of columns.
    """

    family: Family
    encoding: Kind
    settings: tuple[tuple[str, float | str], ...]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.settings)
        return f"{self.family} ({self.encoding}; {told})"


def candidates(family: Family) -> list[Candidate]:
    """What is tried of a family."""
    if family == "logistic":
        encodings: tuple[Kind, ...] = ("scores", "woe")
        return [
            Candidate(family, encoding, (("C", c),))
            for encoding in encodings
            for c in (0.01, 0.1, 1.0)
        ]
    if family == "svm":
        return [
            Candidate(family, "scores", (("C", c), ("gamma", gamma)))
            for c in (1.0, 10.0)
            for gamma in (0.03, 0.1)
        ]
    if family == "forest":
        return [Candidate(family, "plain", (("max_features", share),)) for share in ("sqrt", 0.2)]
    return [
        Candidate(family, "plain", (("max_leaf_nodes", leaves), ("l2_regularization", strength)))
        for leaves in (8, 24)
        for strength in (1.0, 30.0)
    ]


def fit_machine(
    candidate: Candidate, rows: Floats, defaulted: NDArray[np.bool_], *, seed: int
) -> Machine:
    """The machine that a candidate makes of encoded training rows `[D, E]`, on one core.

    On more, the threads of small boosted trees mostly wait for each other, on a busy machine for
    longer than they compute.
    """
    with threadpool_limits(1):
        return _fit(candidate, rows, defaulted, seed=seed)


def _fit(candidate: Candidate, rows: Floats, defaulted: NDArray[np.bool_], *, seed: int) -> Machine:
    settings: dict[str, Any] = dict(candidate.settings)
    if candidate.family == "logistic":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(max_iter=3000, **settings).fit(rows, defaulted)
        return Linear(model.coef_[0].astype(np.float64), model.intercept_.astype(np.float64))
    if candidate.family == "svm":
        gamma = settings.pop("gamma") / rows.shape[1]
        model = SVC(gamma=gamma, cache_size=500, **settings).fit(rows, defaulted)
        return agreeing(kernel_of(model, gamma), rows, model.decision_function)
    if candidate.family == "forest":
        model = RandomForestClassifier(
            n_estimators=200, min_samples_leaf=2, random_state=seed, **settings
        ).fit(rows, defaulted)
        return agreeing(forest_of(model), rows, lambda some: _averaged(model, some))
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=300,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
        **settings,
    ).fit(rows, defaulted)
    return agreeing(boosted_of(model), rows, model.decision_function)


def _averaged(model: RandomForestClassifier, rows: Floats) -> Floats:
    """A forest's averaged probability as `Trees.margin` gives it."""
    count = len(model.estimators_)
    return np.asarray(logit((model.predict_proba(rows)[:, 1] * count + 0.5) / (count + 1.0)))
