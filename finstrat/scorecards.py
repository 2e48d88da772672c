"""From a table of borrowers to a stored credit model, and from a model to a stored, reported run.

What the command line and a notebook call. Training itself is `credit.training`, applying a model
`credit.model`; here they meet files, the report and the run store.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat import __version__
from finstrat.credit.bands import EDGES, bands, checked_edges
from finstrat.credit.borrowers import read_borrowers
from finstrat.credit.families import FAMILIES
from finstrat.credit.model import CreditScorecard, row_hashes
from finstrat.credit.reasons import typical_values
from finstrat.credit.training import INNER, OUTER, train
from finstrat.data import Finding
from finstrat.errors import DataError
from finstrat.risk import credit
from finstrat.store import RunResult
from finstrat.text.card import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.credit.borrowers import Borrowers, Columns
    from finstrat.credit.families import Family
    from finstrat.credit.training import Progress, Trained

MOST_FOR_SVM = 20_000
"""Rows above which support vectors, whose time grows with their square, aren't tried unasked."""

LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        families: among which to choose; empty means all that a table of its size can afford.
        edges: of the rating bands.
        horizon_years: over which the outcome counts, for the record.
        licence: of the training table. seed: of folds, forests and boosting.
    """

    families: tuple[Family, ...] = ()
    edges: tuple[float, ...] = EDGES
    horizon_years: float = 1.0
    licence: str = "not stated"
    seed: int = 0


def train_scorecard(
    table: Path,
    columns: Columns,
    *,
    name: str,
    recipe: Recipe,
    progress: Progress = lambda _done, _of: None,
) -> CreditScorecard:
    """A credit model trained on the borrowers of a file, with its card.

    Raises:
        DataError, ConfigError: see `read_borrowers` and `training.train`.
    """
    edges = checked_edges(recipe.edges)
    known = read_borrowers(table, columns)
    families = recipe.families or affordable(len(known))
    trained = train(known, families=families, seed=recipe.seed, progress=progress)
    chance = trained.judged["probability"].to_numpy(dtype=np.float64)
    model = trained.model
    return CreditScorecard(
        columns=replace(columns, features=tuple(known.features.columns)),
        encoding=model.encoding,
        machine=model.machine,
        calibration=model.calibration,
        edges=edges,
        typical=typical_values(known.features),
        seen=row_hashes(known.features),
        judged=trained.judged.assign(band=bands(chance, edges)),
        card=_card(table, known, trained, name=name, recipe=recipe),
    )


def affordable(rows: int) -> tuple[Family, ...]:
    """The families that are tried on so many rows where none is asked for."""
    return tuple(each for each in FAMILIES if each != "svm" or rows <= MOST_FOR_SVM)


def _card(
    table: Path, known: Borrowers, trained: Trained, *, name: str, recipe: Recipe
) -> dict[str, Any]:
    """What a reader wants to know of a model; plain JSON data."""
    defaulted = known.defaulted
    assert defaulted is not None
    fold = trained.judged["fold"].to_numpy()
    chance = trained.judged["probability"].to_numpy(dtype=np.float64)
    model = trained.model
    until = None if known.as_of is None else str(known.as_of.max())
    return {
        "name": name,
        "version": "1",
        "summary": f"{model.candidate}, calibrated on held-out rows.",
        "training_data": f"{table.name}: {len(known):,} rows, {int(defaulted.sum()):,} defaults",
        "training_sha256": hashlib.sha256(table.read_bytes()).hexdigest(),
        "licence": recipe.licence,
        "trained_until": until,
        "horizon_years": recipe.horizon_years,
        "seed": recipe.seed,
        "features": list(known.features.columns),
        "rows": len(known),
        "defaults": int(defaulted.sum()),
        "folds": {"outer": OUTER, "inner": INNER},
        "chosen": {"family": model.candidate.family, "inner_auc": round(model.auc, 4)},
        "families": {
            family: _by_fold(found, defaulted, fold) for family, found in trained.families.items()
        },
        "cross_validation": _by_fold(chance, defaulted, fold),
        "finstrat": __version__,
        "libraries": {each: metadata.version(each) for each in LIBRARIES},
        "limits": [
            "Probabilities hold for borrowers like those of the training table, over its horizon.",
            "Reasons change one column at a time; effects of columns that act together don't add.",
        ],
    }


def _by_fold(chance: np.ndarray, defaulted: np.ndarray, fold: np.ndarray) -> dict[str, float]:
    """Means over the outer folds of the rows with a probability."""
    told = ~np.isnan(chance)
    parts = [
        (chance[here], defaulted[here])
        for i in np.unique(fold)
        if (here := told & (fold == i)).any()
    ]
    measured = {
        "roc_auc": credit.roc_auc,
        "pr_auc": credit.pr_auc,
        "brier": credit.brier,
    }
    return {
        key: round(float(np.mean([measure(*part) for part in parts])), 4)
        for key, measure in measured.items()
    }


def credit_result(
    scorecard: CreditScorecard, *, table: Path | None = None, columns: Columns | None = None
) -> RunResult:
    """What is to be reported of a model: its cross-validation, or how it fares on another table.

    Rows of the table that training had seen are left out and counted.

    Raises:
        DataError: the table has no outcome, or no row that training hadn't seen.
    """
    card = scorecard.card
    counts: dict[str, int] = {"rows_trained_on": int(card["rows"])}
    findings: list[Finding] = []
    if table is None:
        rows = scorecard.judged.assign(sample="judged")
        evidence, inputs = "cross-validation", card["training_sha256"]
    else:
        judged, left_out = _judged(scorecard, table, columns or scorecard.columns, findings)
        reference = scorecard.judged.drop(columns=["fold", "family"])
        reference = reference.assign(sample="reference", known=True)
        rows = pd.concat([judged.assign(sample="judged"), reference], ignore_index=True)
        counts["rows_known_to_the_model"] = left_out
        evidence, inputs = str(table.name), hashlib.sha256(table.read_bytes()).hexdigest()
    judged_rows = rows[rows["sample"] == "judged"]
    counts["rows_judged"] = len(judged_rows)
    unknown = int(judged_rows["probability"].isna().sum())
    if unknown:
        findings.append(
            Finding("borrowers", "row with nothing known", unknown, "no probability", "warning")
        )
    empty = pd.DataFrame(index=pd.DatetimeIndex([], name="session"))
    families = {
        family: (found["roc_auc"], found["pr_auc"], found["brier"])
        for family, found in card["families"].items()
    }
    return RunResult(
        kind="credit",
        name=str(card["name"]),
        config={
            "evidence": evidence,
            "bands": list(scorecard.edges),
            "horizon_years": card["horizon_years"],
            "trained_until": card["trained_until"],
            "seed": card["seed"],
            "columns": {
                key: list(each) if isinstance(each, tuple) else each
                for key, each in vars(scorecard.columns).items()
            },
        },
        sessions=empty,
        targets=empty,
        holdings=empty,
        asset_returns=empty,
        orders=empty,
        periods_per_year=0.0,
        initial_cash=0.0,
        findings=tuple(findings),
        cards=(_model_card(card),),
        manifest={
            "inputs": {"borrowers": inputs},
            "counts": counts,
            **({"families": families} if table is None else {}),
        },
        assessments=rows,
    )


def _judged(
    scorecard: CreditScorecard, table: Path, columns: Columns, findings: list[Finding]
) -> tuple[pd.DataFrame, int]:
    """Probabilities and bands of a table's rows that training hadn't seen, and how many it had."""
    known = read_borrowers(table, columns)
    if known.defaulted is None:
        raise DataError(f"{table}: a report needs the outcome; name its column with --target")
    features = scorecard.fitting(known, where=str(table))
    seen = np.isin(row_hashes(features), scorecard.seen)
    if seen.all():
        raise DataError(
            f"{table}: the model was trained on every one of its rows; `finstrat credit report "
            "MODEL` without a table shows how it was judged on rows it hadn't seen"
        )
    for name, count in scorecard.unfamiliar(features).items():
        detail = f"{name}: taken as unknown"
        findings.append(Finding("borrowers", "category never seen", count, detail, "warning"))
    left = known.rows(~seen)
    assert left.defaulted is not None
    chance = scorecard.probability(features[~seen])
    rows = pd.DataFrame(
        {
            "entity": left.entity,
            "defaulted": left.defaulted,
            "probability": chance,
            "band": bands(chance, scorecard.edges),
            "known": _known_before(scorecard, left, columns),
        }
    )
    if left.as_of is not None:
        rows["as_of"] = left.as_of.astype("datetime64[ns]")
    return rows, int(seen.sum())


def _known_before(
    scorecard: CreditScorecard, left: Borrowers, columns: Columns
) -> NDArray[np.bool_]:
    """Whether training knew each borrower at another date; not where nobody has a name."""
    if scorecard.columns.entity is None or columns.entity is None:
        return np.zeros(len(left), dtype=bool)
    return np.isin(left.entity.astype(str), scorecard.judged["entity"].to_numpy().astype(str))


def _model_card(card: dict[str, Any]) -> ModelCard:
    until = card["trained_until"]
    return ModelCard(
        name=str(card["name"]),
        version=str(card["version"]),
        summary=str(card["summary"]),
        training_data=(str(card["training_data"]),),
        licence=str(card["licence"]),
        training_cutoff=None if until is None else dt.date.fromisoformat(until),
        cutoff_reason="the last date of the training table" if until else "the table has no dates",
        metrics={"cross_validation": card["cross_validation"]},
        limits=tuple(card["limits"]),
    )


def stamped(result: RunResult, runs: Path) -> RunResult:
    """The result with the provenance of this moment and machine, under a run id that is free."""
    created = dt.datetime.now(dt.UTC)
    digest = hashlib.sha256(str(result.manifest["inputs"]).encode()).hexdigest()[:6]
    base = f"{result.name}-{created:%Y%m%d-%H%M%S}-{digest}"
    taken, run_id = 1, base
    while (runs / run_id).exists():
        taken += 1
        run_id = f"{base}-{taken}"
    return replace(
        result,
        provenance={
            "run_id": run_id,
            "created_at": created.isoformat(timespec="seconds"),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
            "python": platform.python_version(),
            "finstrat": __version__,
            "libraries": {name: metadata.version(name) for name in LIBRARIES},
        },
    )
