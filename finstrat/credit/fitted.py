"""Machines read out of what scikit-learn fitted, so that a stored model needs no scikit-learn.

What is read must say what the estimator says, which is checked on rows it was fitted to: boosted
trees come from a private attribute. It fits nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.credit.machines import Kernel, Trees
from finstrat.errors import FinstratError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.svm import SVC, SVR

    from finstrat.credit.machines import Machine

    Floats = NDArray[np.float64]


def agreeing(machine: Machine, rows: Floats, estimator: Any) -> Machine:  # noqa: ANN401 - a function of rows
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


def kernel_of(model: SVC | SVR, gamma: float) -> Kernel:
    """A machine with a radial kernel of this width, of two classes or for a number."""
    return Kernel(
        vectors=model.support_vectors_.astype(np.float64),
        weight=model.dual_coef_[0].astype(np.float64),
        constant=model.intercept_.astype(np.float64),
        gamma=np.array([gamma]),
    )


def forest_of(model: RandomForestClassifier) -> Trees:
    """The average of the trees' shares, as log odds."""
    trees = [each.tree_ for each in model.estimators_]
    shares = [tree.value[:, 0, 1] / tree.value[:, 0, :].sum(axis=1) for tree in trees]
    return _grown(trees, shares, constant=np.nan)


def value_forest_of(model: RandomForestRegressor) -> Trees:
    """The average of the trees' values."""
    trees = [each.tree_ for each in model.estimators_]
    return _grown(trees, [tree.value[:, 0, 0] / len(trees) for tree in trees], constant=0.0)


def _grown(trees: Sequence[Any], values: Sequence[Floats], *, constant: float) -> Trees:
    """The trees of a forest, with what each adds at every node."""
    return _joined(
        [
            {
                "feature": np.where(tree.children_left < 0, -1, tree.feature),
                "threshold": tree.threshold,
                "left": tree.children_left,
                "right": tree.children_right,
                "holes_left": tree.missing_go_to_left,
                "value": value,
            }
            for tree, value in zip(trees, values, strict=True)
        ],
        constant=constant,
        single=1,
    )


def boosted_of(model: HistGradientBoostingClassifier | HistGradientBoostingRegressor) -> Trees:
    """The sum of the trees."""
    nodes = [each[0].nodes for each in model._predictors]  # noqa: SLF001 - no other way; see `agreeing`
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
