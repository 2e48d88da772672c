"""How well answers fit labels: measures with intervals, by class and slice, and against others.

Intervals are percentiles over texts drawn anew with replacement, so they hold for texts like these
that don't depend on each other; texts of one event do, and make them too narrow. It knows answers
and labels, and nothing of models or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.models.answers import UNKNOWN
from finstrat.models.intervals import drawn_figure, draws
from finstrat.models.slices import FEWEST, in_order
from finstrat.risk.conventions import known, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.models.answers import Answers
    from finstrat.risk.figure import Figure

BINS = 10
"""Of the likeliest class's probability, each a tenth wide."""

Figures = tuple[tuple[str, "Figure"], ...]

_LABELS = {
    "accuracy": "Accuracy",
    "macro-f1": "Macro-F1",
    "mcc": "Matthews correlation",
    "log-loss": "Log loss",
    "brier": "Brier score",
    "ece": "Expected calibration error",
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One model against the labels of D texts.

    Attributes:
        classes: K names.
        figures: accuracy, macro-F1, Matthews correlation, log loss, Brier score, calibration error.
        confusion: counts `[K, K + 1]`: rows true, columns answered, the last one unknown.
        by_class: precision, recall and F1 of each class, by its name.
        slices: accuracy and macro-F1 by kind of slice and value.
        reliability: of each tenth of confidence that occurs: texts, mean confidence, share right.
    """

    classes: tuple[str, ...]
    figures: Figures
    confusion: NDArray[np.int64]
    by_class: dict[str, Figures]
    slices: dict[str, dict[str, Figures]]
    reliability: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class Comparison:
    """Two models on the same texts.

    Attributes:
        only_first, only_second: texts that one alone has right.
        difference: of accuracies, first less second.
        p: of McNemar's exact test that they are right equally often.
    """

    only_first: int
    only_second: int
    difference: Figure
    p: Figure


def evaluate(
    answers: Answers,
    truth: NDArray[np.int64],
    *,
    classes: Sequence[str],
    slices: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> Evaluation:
    """`answers` against the class codes `truth` `[D]`; `slices` name each text's part, by kind."""
    size = len(classes)
    picks = draws(len(truth), seed=seed)
    per_class: dict[str, Figures] = {}
    table = confusion(answers.codes, truth, size=size)
    drawn = _confusions(answers.codes, truth, picks, size=size)
    for code, name in enumerate(classes):
        n = int((truth == code).sum())
        per_class[name] = tuple(
            (
                label,
                drawn_figure(
                    f"classification.{key}", fn(table)[code], fn(drawn)[:, code], n=n, seed=seed
                ),
            )
            for key, label, fn in (
                ("precision", "Precision", _precision),
                ("recall", "Recall", _recall),
                ("f1", "F1", _f1),
            )
        )
    return Evaluation(
        classes=tuple(classes),
        figures=(*_counted(table, drawn, len(truth), seed), *_stated(answers, truth, picks, seed)),
        confusion=table,
        by_class=per_class,
        slices={
            kind: _sliced(answers, truth, np.asarray(values, dtype=object), size=size, seed=seed)
            for kind, values in (slices or {}).items()
        },
        reliability=_reliability(answers, truth),
    )


def compare(first: Answers, second: Answers, truth: NDArray[np.int64], *, seed: int) -> Comparison:
    """`first` against `second` on the same texts.

    Source: McNemar (1947); the exact binomial form, two-sided.
    """
    from scipy.stats import binomtest

    right, other = first.codes == truth, second.codes == truth
    ahead, behind = int((right & ~other).sum()), int((other & ~right).sum())
    gain = right.astype(float) - other
    spread = gain[draws(len(truth), seed=seed)].mean(axis=1)
    p = unknown("mcnemar.p", n=0, reason="the models are right about the same texts")
    if ahead + behind:
        p = known("mcnemar.p", float(binomtest(ahead, ahead + behind).pvalue), n=ahead + behind)
    return Comparison(
        only_first=ahead,
        only_second=behind,
        difference=drawn_figure(
            "classification.difference", gain.mean(), spread, n=len(truth), seed=seed
        ),
        p=p,
    )


def confusion(
    codes: NDArray[np.int64], truth: NDArray[np.int64], *, size: int
) -> NDArray[np.int64]:
    """Counts `[K, K + 1]`: rows true, columns answered, the last one unknown."""
    answered = np.where(codes == UNKNOWN, size, codes)
    counts = np.bincount(truth * (size + 1) + answered, minlength=size * (size + 1))
    return counts.reshape(size, size + 1)


def _confusions(
    codes: NDArray[np.int64], truth: NDArray[np.int64], picks: NDArray[np.int64], *, size: int
) -> NDArray[np.int64]:
    """`confusion` of each draw, `[DRAWS, K, K + 1]`."""
    cells = truth * (size + 1) + np.where(codes == UNKNOWN, size, codes)
    width = size * (size + 1)
    counts = [np.bincount(cells[draw], minlength=width) for draw in picks]
    return np.array(counts).reshape(len(picks), size, size + 1)


# Each of these takes confusions `[..., K, K + 1]`.


def _accuracy(table: NDArray[np.int64]) -> NDArray[np.float64]:
    right: NDArray[np.float64] = np.trace(table[..., :-1], axis1=-2, axis2=-1) / table.sum((-2, -1))
    return right


def _precision(table: NDArray[np.int64]) -> NDArray[np.float64]:
    hits = np.diagonal(table[..., :-1], axis1=-2, axis2=-1)
    return _share(hits, table[..., :-1].sum(axis=-2))


def _recall(table: NDArray[np.int64]) -> NDArray[np.float64]:
    return _share(np.diagonal(table[..., :-1], axis1=-2, axis2=-1), table.sum(axis=-1))


def _f1(table: NDArray[np.int64]) -> NDArray[np.float64]:
    hits = np.diagonal(table[..., :-1], axis1=-2, axis2=-1)
    return _share(2 * hits, table.sum(axis=-1) + table[..., :-1].sum(axis=-2))


def _macro_f1(table: NDArray[np.int64]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.nan_to_num(_f1(table)).mean(axis=-1)
    return mean


def _mcc(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """Gorodkin's R_K (2004); an unknown answer counts as one of a class that no text has."""
    hits = np.trace(table[..., :-1], axis1=-2, axis2=-1).astype(float)
    n = table.sum((-2, -1)).astype(float)
    true = table.sum(axis=-1).astype(float)
    said = table.sum(axis=-2).astype(float)
    both = hits * n - (true * said[..., :-1]).sum(axis=-1)
    scale = np.sqrt((n**2 - (said**2).sum(-1)) * (n**2 - (true**2).sum(-1)))
    return _share(both, scale)


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = np.asarray(part, float) / np.asarray(whole, float)
    return np.where(np.asarray(whole, float) > 0, found, np.nan)


def _counted(table: NDArray[np.int64], drawn: NDArray[np.int64], n: int, seed: int) -> Figures:
    """The measures that are made of counts alone."""
    return tuple(
        (
            _LABELS[key],
            drawn_figure(f"classification.{key}", float(fn(table)), fn(drawn), n=n, seed=seed),
        )
        for key, fn in (("accuracy", _accuracy), ("macro-f1", _macro_f1), ("mcc", _mcc))
    )


def _stated(
    answers: Answers, truth: NDArray[np.int64], picks: NDArray[np.int64], seed: int
) -> Figures:
    """The measures of stated probabilities, over the texts that have some."""
    if answers.probabilities is None:
        return _unstated("the model states no probabilities")
    stated = ~np.isnan(answers.probabilities).any(axis=1)
    if stated.all():
        chances, wanted, places = answers.probabilities, truth, picks
    else:
        chances, wanted = answers.probabilities[stated], truth[stated]
        places = draws(len(wanted), seed=seed) if len(wanted) else picks[:, :0]
    if not len(wanted):
        return _unstated("no text has a probability")
    rows = np.arange(len(wanted))
    shares = chances / chances.sum(axis=1, keepdims=True)
    losses = -np.log(np.clip(shares[rows, wanted], 1e-12, 1.0))
    hit = np.zeros_like(shares)
    hit[rows, wanted] = 1.0
    squares = ((shares - hit) ** 2).sum(axis=1)
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == wanted
    eces = np.array([_ece(sure[draw], right[draw]) for draw in places])
    found = {
        "log-loss": (losses.mean(), losses[places].mean(axis=1)),
        "brier": (squares.mean(), squares[places].mean(axis=1)),
        "ece": (_ece(sure, right), eces),
    }
    return tuple(
        (
            _LABELS[key],
            drawn_figure(f"classification.{key}", float(value), drawn, n=len(wanted), seed=seed),
        )
        for key, (value, drawn) in found.items()
    )


def _unstated(reason: str) -> Figures:
    return tuple(
        (_LABELS[key], unknown(f"classification.{key}", n=0, reason=reason))
        for key in ("log-loss", "brier", "ece")
    )


def _ece(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=right - sure, minlength=BINS)
    return float(np.abs(gaps).sum() / len(sure))


def _reliability(
    answers: Answers, truth: NDArray[np.int64]
) -> tuple[tuple[int, float, float], ...]:
    if answers.probabilities is None:
        return ()
    stated = ~np.isnan(answers.probabilities).any(axis=1)
    shares = answers.probabilities[stated]
    sure, right = shares.max(axis=1, initial=0.0), answers.codes[stated] == truth[stated]
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    inside = [bins == each for each in np.unique(bins)]
    return tuple((int(b.sum()), float(sure[b].mean()), float(right[b].mean())) for b in inside)


def _sliced(
    answers: Answers,
    truth: NDArray[np.int64],
    values: NDArray[np.object_],
    *,
    size: int,
    seed: int,
) -> dict[str, Figures]:
    """Accuracy and macro-F1 of each value of a slice; null where there are fewer than `FEWEST`."""
    found: dict[str, Figures] = {}
    for value in in_order(values):
        rows = np.flatnonzero(values.astype(str) == value)
        codes, wanted = answers.codes[rows], truth[rows]
        if len(rows) < FEWEST:
            reason = f"{len(rows)} texts are too few; {FEWEST} are needed"
            found[value] = tuple(
                (_LABELS[key], unknown(f"classification.{key}", n=len(rows), reason=reason))
                for key in ("accuracy", "macro-f1")
            )
            continue
        drawn = _confusions(codes, wanted, draws(len(rows), seed=seed), size=size)
        found[value] = _counted(confusion(codes, wanted, size=size), drawn, len(rows), seed)[:2]
    return found
