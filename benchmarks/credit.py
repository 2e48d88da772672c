"""How well credit models rank borrowers they haven't seen, beside scikit-learn's own tuned models.

    python benchmarks/credit.py FOLDER [--set polish|ratings] [--seed 0]

FOLDER holds `polish_5year.arff.gz` (bankruptcies of Polish firms) and `corporate_rating.csv`
(agency ratings; "default" is a rating below BBB here, firms that come several times are kept
together). Both sides are judged on the same five outer folds, choose on the same three inner
folds, and see the training rows alone. The rivals are pipelines as scikit-learn's guide builds
them, tuned by `GridSearchCV` for ROC-AUC: imputation with indicators and standard or quantile
scaling before logistic regression and SVC, forests and histogram boosting on the numbers as they
are.

The last line is the target: finstrat's choice within 0.01 AUC of the best rival.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from finstrat.credit.borrowers import Borrowers, Columns, borrowers, read_borrowers
from finstrat.credit.calibration import calibrate
from finstrat.credit.folds import kinship
from finstrat.credit.training import INNER, train

TARGET = 0.01
SPECULATIVE = ("BB", "B", "CCC", "CC", "C", "D")


def polish(folder: Path) -> Borrowers:
    """Polish firms, one row each."""
    return read_borrowers(folder / "polish_5year.arff.gz", Columns(target="class"))


def ratings(folder: Path) -> Borrowers:
    """Rated firms, several rows each."""
    table = pd.read_csv(folder / "corporate_rating.csv")
    table["speculative"] = table["Rating"].isin(SPECULATIVE).astype(int)
    ignored = ("Rating", "Name", "Rating Agency Name", "Date")
    columns = Columns(target="speculative", entity="Symbol", ignored=ignored)
    return borrowers(table, columns, where="corporate_rating.csv")


def rivals() -> dict[str, tuple[Pipeline, dict[str, list[object]]]]:
    """scikit-learn's pipelines, and what is tried of each."""

    def prepared(*numeric: object) -> ColumnTransformer:
        return ColumnTransformer(
            [
                ("numbers", make_pipeline(*numeric), make_column_selector(dtype_include="number")),
                (
                    "categories",
                    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                    make_column_selector(dtype_exclude="number"),
                ),
            ]
        )

    scaled = prepared(
        SimpleImputer(strategy="median", add_indicator=True),
        QuantileTransformer(output_distribution="normal", n_quantiles=100),
    )
    scalers = [
        QuantileTransformer(output_distribution="normal", n_quantiles=100),
        StandardScaler(),
    ]
    scaler = "prepared__numbers__quantiletransformer"
    plain = prepared("passthrough")
    return {
        "logistic": (
            Pipeline([("prepared", scaled), ("model", LogisticRegression(max_iter=3000))]),
            {"model__C": [0.01, 0.1, 1.0, 10.0], scaler: scalers},
        ),
        "svm": (
            Pipeline([("prepared", scaled), ("model", SVC(cache_size=500))]),
            {"model__C": [0.3, 1.0, 10.0], "model__gamma": ["scale", 0.001, 0.01]},
        ),
        "forest": (
            Pipeline([("prepared", plain), ("model", RandomForestClassifier(200, random_state=0))]),
            {"model__max_features": ["sqrt", 0.2], "model__min_samples_leaf": [1, 3]},
        ),
        "boosting": (
            Pipeline(
                [("prepared", plain), ("model", HistGradientBoostingClassifier(random_state=0))]
            ),
            {
                "model__learning_rate": [0.05, 0.1],
                "model__max_iter": [150, 300],
                "model__max_leaf_nodes": [8, 31],
                "model__l2_regularization": [0.0, 10.0],
            },
        ),
    }


def rival_margins(
    known: Borrowers, fold: np.ndarray, kin: np.ndarray, seed: int, name: str
) -> np.ndarray:
    """Margins of one rival for every row, by models that hadn't seen its fold."""
    model, grid = rivals()[name]
    found = np.empty(len(known))
    assert known.defaulted is not None
    for held in range(int(fold.max()) + 1):
        learn = fold != held
        inner = StratifiedGroupKFold(INNER, shuffle=True, random_state=seed)
        search = GridSearchCV(model, grid, scoring="roc_auc", cv=inner)
        search.fit(known.features[learn], known.defaulted[learn], groups=kin[learn])
        best = search.best_estimator_
        rows = known.features[~learn]
        scored = hasattr(best, "decision_function")
        found[~learn] = best.decision_function(rows) if scored else best.predict_proba(rows)[:, 1]
    return found


def by_fold(measure: object, truth: np.ndarray, score: np.ndarray, fold: np.ndarray) -> float:
    """The mean of a measure over the outer folds."""
    return float(np.mean([measure(truth[fold == i], score[fold == i]) for i in np.unique(fold)]))


def main() -> None:
    """Print both sides, and how far apart they are."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", choices=["polish", "ratings"], default="polish")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    known = {"polish": polish, "ratings": ratings}[options.set](options.folder)
    truth, kin = known.defaulted, kinship(known)
    assert truth is not None
    print(f"{options.set}: {len(known):,} rows, {truth.sum()} defaults, {len(set(kin)):,} kin")
    began = time.process_time()
    trained = train(known, seed=options.seed)
    fold = trained.judged["fold"].to_numpy()
    print(f"finstrat took {time.process_time() - began:.0f} s of processor time")
    chosen = trained.judged["probability"].to_numpy()
    for name, chance in {**trained.families, "chosen": chosen}.items():
        slope = calibrate(np.log(chance / (1.0 - chance)), truth).slope
        print(
            f"finstrat {name:9} AUC {by_fold(roc_auc_score, truth, chance, fold):.4f} "
            f"PR-AUC {by_fold(average_precision_score, truth, chance, fold):.4f} "
            f"Brier {brier_score_loss(truth, chance):.4f} slope {slope:.3f}",
            flush=True,
        )
    print("families chosen:", trained.judged.groupby("fold")["family"].first().tolist())
    print("final model:", trained.model.candidate)
    found = {}
    for name in rivals():
        began = time.process_time()
        margins = rival_margins(known, fold, kin, options.seed, name)
        found[name] = by_fold(roc_auc_score, truth, margins, fold)
        print(
            f"scikit-learn {name:9} AUC {found[name]:.4f} "
            f"PR-AUC {by_fold(average_precision_score, truth, margins, fold):.4f} "
            f"({time.process_time() - began:.0f} s)",
            flush=True,
        )
    behind = max(found.values()) - by_fold(roc_auc_score, truth, chosen, fold)
    print(f"behind the best of scikit-learn's by {behind:+.4f} AUC (target {TARGET})")


if __name__ == "__main__":
    main()
