"""What prices do around the texts that a run's scorers find strongest. It judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finstrat.pipeline import benchmark_returns, equal_weight_returns
from finstrat.risk.conventions import known
from finstrat.validate.event_study import (
    AROUND,
    LEVEL,
    OFFSETS,
    betas_before,
    event_path,
    strongest,
)
from finstrat.validate.luck import Diagnosis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.audit.case import Case
    from finstrat.risk.figure import Figure
    from finstrat.validate.event_study import Events, Path

SCORE = "score"
"""The output by which texts are ranked; embeddings have none."""

FEWEST = 20
"""Dates of either kind below which nothing is said."""

METHOD = f"{LEVEL:.0%} bootstrap over dates"


def around_documents(case: Case) -> Diagnosis:
    """Abnormal returns around the strongest tenth of documents either way, by each scorer.

    Texts are ranked by each scorer's output "score". The event is the first session at whose close
    a document counts. Documents about assets that are traded are studied by asset, against the mean
    return of the assets; where all are about the market, it is the assets' mean return against its
    own average. For assets, where the run has a benchmark, it is also against beta times that.
    """
    scorers = case.plan.scorers
    names = sorted(name for name in scorers if SCORE in scorers[name].outputs)
    if not len(case.market.documents) or not names:
        return Diagnosis("No text was scored, so there is no event to study.")
    told, figures, studies = [], [], []
    for done, name in enumerate(names):
        case.progress("event study", done, len(names))
        study = _study(case, name)
        told.append(f"{name}: {study['told']}" if len(names) > 1 else str(study["told"]))
        figures += study.pop("figures")
        studies.append(study)
    case.progress("event study", len(names), len(names))
    return Diagnosis(" ".join(told), tuple(figures), {"studies": studies})


def _study(case: Case, scorer: str) -> dict[str, Any]:
    """One scorer's study, as JSON values but for its `figures`."""
    returns, market, columns, about = _compared(case)
    place = case.plan.scorers[scorer].outputs.index(SCORE)
    scores = case.inputs.scores(scorer)[:, place].double().cpu().numpy()
    sessions = case.inputs.document_sessions().cpu().numpy()
    kept = (columns >= 0) & ~np.isnan(scores)
    kept &= (sessions >= case.market.first) & (sessions < len(returns))
    head = {"scorer": scorer, "about": about, "documents": int(kept.sum()), "paths": {}}
    if not kept.any():
        return {**head, "told": "no scored document counts within the span.", "figures": []}
    good, bad = strongest(scores[kept], sessions[kept], columns[kept])
    few = min(len(np.unique(each.sessions)) for each in (good, bad))
    if few < FEWEST or len(returns) - case.market.first <= 2 * AROUND:
        why = f"strong texts either way fall on {few} dates only; {FEWEST} are needed."
        return {**head, "told": why, "figures": []}
    paths = {
        key: _path(case, events, returns, market) for key, events in (("good", good), ("bad", bad))
    }
    told = " ".join(_told(_LABEL[key], path) for key, path in paths.items())
    figures: list[tuple[str, Figure]] = []
    for key, path in paths.items():
        figures += [
            (f"{_LABEL[key]}, until known, {scorer}", _figure("before", path)),
            (f"{_LABEL[key]}, afterwards, {scorer}", _figure("after", path)),
        ]
    drawn = {key: _drawn(path) for key, path in paths.items()}
    if about == "assets" and case.plan.config.market.benchmark != "none":
        benchmark = benchmark_returns(case.plan, case.market.panel)
        betas = betas_before(returns, benchmark)
        for key, events in (("good", good), ("bad", bad)):
            path = _path(case, events, returns, benchmark, betas=betas)
            drawn[key]["beta_adjusted"] = path.mean.tolist()
    return {**head, "paths": drawn, "told": told, "figures": figures}


_LABEL = {"good": "Strongly positive texts", "bad": "Strongly negative texts"}


def _compared(
    case: Case,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], str]:
    """Returns `[T, N]`, what they are held against `[T]`, each document's column, and about what.

    Where no document is about a traded asset, the one column is the assets' mean.
    """
    returns = case.market.panel.returns()
    mean = equal_weight_returns(case.market.panel)
    columns = case.inputs.document_assets().cpu().numpy()
    if (columns >= 0).any():
        return returns, mean, columns, "assets"
    usual = np.full(len(mean), mean[case.market.first :].mean())
    return mean[:, None], usual, np.zeros(len(columns), dtype=np.int64), "market"


def _path(
    case: Case,
    events: Events,
    returns: NDArray[np.float64],
    market: NDArray[np.float64],
    *,
    betas: NDArray[np.float64] | None = None,
) -> Path:
    return event_path(events, returns, market, betas=betas, first=case.market.first, seed=case.seed)


def _figure(when: Literal["before", "after"], path: Path) -> Figure:
    value, bounds = {
        "before": (path.before, path.before_bounds),
        "after": (path.after, path.after_bounds),
    }[when]
    return known(f"event.{when}", value, n=path.n, ci=bounds, method=METHOD)


def _drawn(path: Path) -> dict[str, Any]:
    """What the report draws, as JSON values."""
    bands = ("mean", "low", "high", "placebo_low", "placebo_high")
    return {
        "events": path.n,
        "dates": path.dates,
        "offsets": OFFSETS.tolist(),
        **{name: getattr(path, name).tolist() for name in bands},
    }


def _told(label: str, path: Path) -> str:
    """What happened around one kind of event, in words."""
    before, after = (
        f"{value * 1e4:+.0f} basis points ({low * 1e4:+.0f} to {high * 1e4:+.0f})"
        for value, (low, high) in (
            (path.before, path.before_bounds),
            (path.after, path.after_bounds),
        )
    )
    told = (
        f"{label} ({path.n:,} events on {path.dates:,} dates): {before} by the close of the "
        f"session at which they first count, {after} in the {AROUND} sessions after"
    )
    gone, left = _sign(path.before_bounds), _sign(path.after_bounds)
    if gone == 0 and left == 0:
        return f"{told}; no move can be told from none."
    if left == 0:
        return f"{told}: the move is complete before anybody can trade on them."
    if gone == 0:
        return f"{told}: the move comes after they are known."
    if left == gone:
        return f"{told}: part of the move is gone before they can be traded on, part follows."
    return f"{told}: what moved before they can be traded on is undone afterwards."


def _sign(bounds: tuple[float, float]) -> int:
    """1 or -1 where an interval lies on one side of zero, else 0."""
    return int(bounds[0] > 0) - int(bounds[1] < 0)
