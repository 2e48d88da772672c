"""How far stated numbers are from labels that are numbers: measures, by slice, and against others.

The sister of `evaluate`, with the same intervals: percentiles over texts drawn anew. A text that a
model states no number for has no error; how many there are is told. It knows numbers only, and
nothing of models or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from finstrat.models.intervals import drawn_figure, draws
from finstrat.models.slices import FEWEST, in_order
from finstrat.risk.conventions import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.models.evaluate import Figures
    from finstrat.risk.figure import Figure

    Floats = NDArray[np.float64]

GROUPS = 10
"""Of texts, by the number stated, whose mean labels are shown."""

POINTS = 1_000
"""Texts that are drawn to be shown one by one."""

_MEASURES = {
    "rmse": "Root mean squared error",
    "mae": "Mean absolute error",
    "bias": "Mean error",
    "explained": "Share of variance explained",
    "spearman": "Rank correlation",
}
_OF_SLICES = ("rmse", "spearman")
_SAME = "there is nothing to tell apart: every label, or every number stated, is the same"


@dataclass(frozen=True, eq=False)
class ValueEvaluation:
    """One model's numbers against the labels of D texts.

    Attributes:
        figures: root mean squared, mean absolute and mean error, share of the labels' variance
            explained, Spearman's rank correlation.
        slices: root mean squared error and rank correlation by kind of slice and value.
        unknown: texts without a number.
        groups: of each tenth of the texts, by the number stated: texts, mean stated, mean label.
        points: stated numbers and labels `[P, 2]` of at most `POINTS` texts, drawn at random.
    """

    figures: Figures
    slices: dict[str, dict[str, Figures]]
    unknown: int
    groups: tuple[tuple[int, float, float], ...]
    points: Floats


@dataclass(frozen=True)
class ValueComparison:
    """Two models on the texts that both state a number for.

    Attributes:
        n: these texts.
        nearer_first, nearer_second: those to whose label one is nearer than the other.
        difference: of mean squared errors, first less second; below 0 the first is better.
    """

    n: int
    nearer_first: int
    nearer_second: int
    difference: Figure


def evaluate_values(
    said: Floats,
    truth: Floats,
    *,
    slices: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> ValueEvaluation:
    """Numbers `said` `[D]`, NaN = unknown, against `truth` `[D]`; `slices` name texts' parts."""
    known = ~np.isnan(said)
    stated, wanted = said[known], truth[known]
    drawn = np.random.default_rng(seed).permutation(len(stated))[:POINTS]
    return ValueEvaluation(
        figures=_figures(stated, wanted, seed=seed),
        slices={
            kind: _sliced(stated, wanted, np.asarray(values, dtype=object)[known], seed=seed)
            for kind, values in (slices or {}).items()
        },
        unknown=int((~known).sum()),
        groups=_groups(stated, wanted),
        points=np.column_stack([stated, wanted])[np.sort(drawn)],
    )


def compare_values(first: Floats, second: Floats, truth: Floats, *, seed: int) -> ValueComparison:
    """Numbers `first` against `second`, each `[D]`, on the same texts.

    The interval is of pairs: a text that is drawn anew is drawn for both.
    """
    both = ~(np.isnan(first) | np.isnan(second))
    error, other = np.abs(first - truth)[both], np.abs(second - truth)[both]
    n = len(error)
    convention = "regression.difference"
    difference = unknown(convention, n=0, reason="no text has a number of both")
    if n:
        gain = error**2 - other**2
        spread = gain[draws(n, seed=seed)].mean(axis=1)
        difference = drawn_figure(convention, float(gain.mean()), spread, n=n, seed=seed)
    return ValueComparison(
        n=n,
        nearer_first=int((error < other).sum()),
        nearer_second=int((other < error).sum()),
        difference=difference,
    )


def measures(said: Floats, truth: Floats) -> dict[str, float]:
    """The measures of `ValueEvaluation.figures` by short name; NaN where one can't be had.

    Explained is 1 less the squared errors' sum over that of the labels about their own mean: it is
    below 0 where stating this mean would be better. Source: Spearman (1904), mean ranks for ties.
    """
    errors = said - truth
    squares = float(errors @ errors)
    about = truth - truth.mean()
    spread = float(about @ about)
    ranks, wanted = rankdata(said), rankdata(truth)
    ranks, wanted = ranks - ranks.mean(), wanted - wanted.mean()
    scale = float(np.sqrt((ranks @ ranks) * (wanted @ wanted)))
    return {
        "rmse": float(np.sqrt(squares / len(said))),
        "mae": float(np.abs(errors).mean()),
        "bias": float(errors.mean()),
        "explained": 1.0 - squares / spread if spread > 0 else np.nan,
        "spearman": float(ranks @ wanted) / scale if scale > 0 else np.nan,
    }


def _figures(said: Floats, truth: Floats, *, seed: int) -> Figures:
    """The measures with their intervals; null where no text has a number."""
    n = len(said)
    if not n:
        return _null(_MEASURES, n=0, reason="no text has a number")
    found = measures(said, truth)
    spread = [measures(said[draw], truth[draw]) for draw in draws(n, seed=seed)]
    return tuple(
        (
            label,
            drawn_figure(
                f"regression.{key}",
                found[key],
                np.array([each[key] for each in spread]),
                n=n,
                seed=seed,
                otherwise=_SAME,
            ),
        )
        for key, label in _MEASURES.items()
    )


def _sliced(
    said: Floats, truth: Floats, values: NDArray[np.object_], *, seed: int
) -> dict[str, Figures]:
    """Two measures of each value of a slice; null where there are fewer than `FEWEST` texts."""
    found: dict[str, Figures] = {}
    for value in in_order(values):
        rows = np.flatnonzero(values == value)
        if len(rows) < FEWEST:
            reason = f"{len(rows)} texts are too few; {FEWEST} are needed"
            found[value] = _null(_OF_SLICES, n=len(rows), reason=reason)
            continue
        figures = dict(_figures(said[rows], truth[rows], seed=seed))
        found[value] = tuple((_MEASURES[key], figures[_MEASURES[key]]) for key in _OF_SLICES)
    return found


def _groups(said: Floats, truth: Floats) -> tuple[tuple[int, float, float], ...]:
    """Texts, mean stated and mean label of tenths by the number stated; equal numbers together."""
    if not len(said):
        return ()
    bounds = np.unique(np.quantile(said, np.linspace(0, 1, GROUPS + 1)[1:-1]))
    place = np.searchsorted(bounds, said, side="right")
    parts = [place == each for each in np.unique(place)]
    return tuple(
        (int(rows.sum()), float(said[rows].mean()), float(truth[rows].mean())) for rows in parts
    )


def _null(keys: Sequence[str] | Mapping[str, str], *, n: int, reason: str) -> Figures:
    return tuple((_MEASURES[key], unknown(f"regression.{key}", n=n, reason=reason)) for key in keys)
