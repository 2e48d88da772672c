"""The four families of credit models, what is tried of each, and how scikit-learn fits them.

A candidate is an encoding and a setting; fitting one gives a `Machine`, whose margins are those of
the estimator, which is checked on the training rows. It knows nothing of folds.
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

from finstrat.credit.machines import Kernel, Linear, Trees
from finstrat.errors import FinstratError

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
        return _agreeing(
            Kernel(
                vectors=model.support_vectors_.astype(np.float64),
                weight=model.dual_coef_[0].astype(np.float64),
                constant=model.intercept_.astype(np.float64),
                gamma=np.array([gamma]),
            ),
            rows,
            model.decision_function,
        )
    if candidate.family == "forest":
        model = RandomForestClassifier(
            n_estimators=200, min_samples_leaf=2, random_state=seed, **settings
        ).fit(rows, defaulted)
        return _agreeing(_forest(model), rows, lambda some: _averaged(model, some))
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=300,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
        **settings,
    ).fit(rows, defaulted)
    return _agreeing(_boosted(model), rows, model.decision_function)


def _averaged(model: RandomForestClassifier, rows: Floats) -> Floats:
    """A forest's averaged probability as `Trees.margin` gives it."""
    count = len(model.estimators_)
    return np.asarray(logit((model.predict_proba(rows)[:, 1] * count + 0.5) / (count + 1.0)))


def _agreeing(machine: Machine, rows: Floats, estimator: Any) -> Machine:  # noqa: ANN401 - a function of rows
    """The machine, if it says of some training rows what the estimator it was read from says.

    Raises:
        FinstratError: it doesn't; scikit-learn has changed how it stores a fitted model.
    """
    some = rows[:: max(1, len(rows) // 200)]
    if not np.allclose(machine.margin(some), estimator(some), rtol=1e-7, atol=1e-7):
        import sklearn

        raise FinstratError(
            f"a model fitted by scikit-learn {sklearn.__version__} reads differently from what it "
            "predicts; install the version that constraints.txt names"
        )
    return machine


def _forest(model: RandomForestClassifier) -> Trees:
    trees = [each.tree_ for each in model.estimators_]
    return _joined(
        [
            {
                "feature": np.where(tree.children_left < 0, -1, tree.feature),
                "threshold": tree.threshold,
                "left": tree.children_left,
                "right": tree.children_right,
                "holes_left": tree.missing_go_to_left,
                "value": tree.value[:, 0, 1] / tree.value[:, 0, :].sum(axis=1),
            }
            for tree in trees
        ],
        constant=np.nan,
        single=1,
    )


def _boosted(model: HistGradientBoostingClassifier) -> Trees:
    nodes = [each[0].nodes for each in model._predictors]  # noqa: SLF001 - no other way; see `_agreeing`
    return _joined(
        [
            {
                "feature": np.where(tree["is_leaf"], -1, tree["feature_idx"]),
                "threshold": tree["num_threshold"],
                "left": tree["left"],
                "right": tree["right"],
                "holes_left": tree["missing_go_to_left"],
                "value": tree["value"],
            }
            for tree in nodes
        ],
        constant=float(np.ravel(model._baseline_prediction)[0]),  # noqa: SLF001 - the same
        single=0,
    )


def _joined(trees: list[dict[str, NDArray[Any]]], *, constant: float, single: int) -> Trees:
    """Trees laid end to end, their children counted from the first node of all."""
    first = np.concatenate([[0], np.cumsum([len(tree["feature"]) for tree in trees])])

    def whole(name: str) -> NDArray[np.int64]:
        return np.concatenate([tree[name] for tree in trees]).astype(np.int64)

    def child(name: str) -> NDArray[np.int64]:
        moved = [
            tree[name].astype(np.int64) + root for tree, root in zip(trees, first[:-1], strict=True)
        ]
        return np.concatenate(moved)

    def number(name: str) -> Floats:
        return np.concatenate([tree[name] for tree in trees]).astype(np.float64)

    return Trees(
        first=first.astype(np.int64),
        feature=whole("feature"),
        threshold=number("threshold"),
        left=child("left"),
        right=child("right"),
        holes_left=whole("holes_left"),
        value=number("value"),
        constant=np.array([constant]),
        single=np.array([single], dtype=np.int64),
    )
