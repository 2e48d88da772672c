"""A ranking of assets that a classifier has learnt: which will do better than the middle one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from finstrat_plugins.signals.ranks import OutputNames, centred_ranks, filled
from pydantic import Field

from finstrat.components import Signal
from finstrat.data.clock import Every  # noqa: TC001 - pydantic reads it
from finstrat.fitting import Examples, FittedSignal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from numpy.typing import NDArray

    from finstrat.components import Inputs, Settings

FOLDS = 3
"""Later stretches of the window on which a setting is chosen."""


class LearnedRanking(FittedSignal):
    """How much likelier than not an asset is to return more than its session's median.

    The classifier sees other signals' ranks among the members, and learns on which side of the
    median the total return over `horizon` sessions fell. Its one free setting is chosen by the
    area under the ROC curve on later stretches of each window, never by the future of a fit. Gu,
    Kelly and Xiu (2020) compare such models on a large cross-section; on a small one expect little.
    """

    name = "learned-ranking"
    version = "1"

    class Config(Signal.Config):
        """What it sees, what it is, and how it is fitted."""

        signals: OutputNames = Field(
            min_length=1, description='outputs of other signals, like ["a.value", "b.value"]'
        )
        model: Literal["logistic", "svm", "random-forest", "boosting", "network"] = "logistic"
        window: int = Field(1008, ge=60, description="sessions of examples of each fit")
        horizon: int = Field(21, ge=1, description="sessions of the returns that followed")
        refit: Every = Field("quarterly", description="how often it is fitted")

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        """Fit by the options."""
        super().__init__(config)
        self.window, self.horizon = self.config.window, self.config.horizon
        self.refit = self.config.refit

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """The signals, and prices to learn from."""
        return (*self.config.signals, "close")

    def observe(self, inputs: Inputs) -> torch.Tensor:
        """The ranks; what is unknown of an asset stands in the middle."""
        return filled(centred_ranks(inputs, self.config.signals))

    def fit(self, examples: Examples) -> Any:  # noqa: ANN401 - scikit-learn's, or a network
        """The classifier, or None where no asset ever did better than another."""
        better = examples.rank > 0.0
        if not better.any() or better.all():
            return None
        if self.config.model == "network":
            from finstrat_plugins.signals.network import fit_network

            return fit_network(examples, better)
        return _chosen(self.config.model, examples, better)

    def predict(self, model: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ANN401
        """The probability of the better half less ½; for `svm` the distance from its border."""
        if self.config.model == "network":
            said: NDArray[np.float64] = model.probability(x) - 0.5
            return said
        return _score(model.classifier, x)

    def describe(self, model: Any) -> str:  # noqa: ANN401
        """What was chosen, and how well it did on the later stretches that chose it."""
        if self.config.model == "network":
            return f"{model.steps} steps, loss {model.loss:.4f} against a coin's {np.log(2):.4f}"
        return f"{model.setting} {model.value:g}, AUC {model.auc:.3f}"


@dataclass(frozen=True, eq=False)
class Chosen:
    """A classifier fitted to all examples, and the setting that did best on later stretches.

    `auc` is the mean area there; NaN where no stretch had both classes.
    """

    classifier: Any
    setting: str
    value: float
    auc: float


def _chosen(name: str, examples: Examples, better: NDArray[np.bool_]) -> Chosen:
    """The best setting of a classifier, the first of equals, fitted to everything."""
    from sklearn.metrics import roc_auc_score

    x = examples.x
    folds = [
        (early, late)
        for early, late in examples.folds(FOLDS)
        if 0 < better[early].mean() < 1 and 0 < better[late].mean() < 1
    ]
    fewest = min((len(early) for early, _ in folds), default=len(x))
    classifier, setting, values = _classifier(name, examples.seed, fewest)
    areas = []
    for value in values:
        classifier.set_params(**{setting: value})
        fold_areas = [
            roc_auc_score(better[late], _score(classifier.fit(x[early], better[early]), x[late]))
            for early, late in folds
        ]
        areas.append(float(np.mean(fold_areas)) if fold_areas else float("nan"))
    best = int(np.nanargmax(areas)) if folds else 0
    classifier.set_params(**{setting: values[best]}).fit(x, better)
    return Chosen(classifier, setting.rpartition("__")[2], values[best], areas[best])


def _score(classifier: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ANN401
    """The probability of the better half less ½, or the distance from the border."""
    said: NDArray[np.float64]
    if hasattr(classifier, "predict_proba"):
        said = classifier.predict_proba(x)[:, 1] - 0.5
    else:
        said = classifier.decision_function(x)
    return said


def _classifier(name: str, seed: int, fewest: int) -> tuple[Any, str, list[float]]:
    """A classifier of scikit-learn's for at least `fewest` examples, its setting, and the choice.

    Little freedom each: returns are mostly noise.
    """
    if name == "logistic":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(), "C", [1e-4, 1e-3, 1e-2, 1e-1]
    if name == "svm":
        from sklearn.kernel_approximation import Nystroem
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        # An RBF kernel by 100 landmarks: the exact one takes the square of the examples in time.
        kernel = Nystroem(gamma=1.0, n_components=min(100, fewest), random_state=seed)
        return make_pipeline(kernel, LinearSVC(dual=False)), "linearsvc__C", [1e-4, 1e-3, 1e-2]
    if name == "random-forest":
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(100, max_features="sqrt", random_state=seed)
        return forest, "min_samples_leaf", [0.01, 0.05]
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_leaf_nodes=6,
        min_samples_leaf=50,
        early_stopping=False,
        random_state=seed,
    )
    return trees, "max_iter", [20, 80]
