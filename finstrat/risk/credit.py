"""How well default probabilities told borrowers apart, and whether they came true.

Measures over probabilities `[D]` and outcomes `[D]`, each a `Figure`. Intervals are 90 % and redraw
whole groups of rows, since one borrower's rows aren't independent. Nothing here knows how the
probabilities came about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from finstrat.risk.conventions import Floats, known, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from finstrat.risk.figure import Figure

    Outcomes = NDArray[np.bool_]

DRAWS = 200
_SMALLEST = 1e-9
"""Probabilities are kept this far from 0 and 1 where their log odds are taken."""


@dataclass(frozen=True)
class BandRecord:
    """What became of the borrowers of one rating band.

    Attributes:
        band: its name. count: of borrowers. expected: mean probability; None in an empty band.
        observed: share that defaulted, with its Jeffreys interval.
    """

    band: str
    count: int
    expected: float | None
    observed: Figure


def roc_auc(probability: Floats, defaulted: Outcomes) -> float:
    """The chance that a borrower who defaulted had the higher probability, ties counting half."""
    return float(roc_auc_score(defaulted, probability))


def pr_auc(probability: Floats, defaulted: Outcomes) -> float:
    """Average precision: the mean share of defaults among those ranked above each default."""
    return float(average_precision_score(defaulted, probability))


def gini(probability: Floats, defaulted: Outcomes) -> float:
    """2 AUC − 1, the accuracy ratio."""
    return 2.0 * roc_auc(probability, defaulted) - 1.0


def kolmogorov_smirnov(probability: Floats, defaulted: Outcomes) -> float:
    """The largest gap between the two groups' distributions."""
    false_rate, true_rate, _ = roc_curve(defaulted, probability)
    return float((true_rate - false_rate).max())


def brier(probability: Floats, defaulted: Outcomes) -> float:
    """Mean squared distance of probability and outcome (Brier, 1950)."""
    return float(((probability - defaulted) ** 2).mean())


def calibration_slope(probability: Floats, defaulted: Outcomes) -> float:
    """The slope of the outcome's log odds on the predicted ones: below 1, they are too extreme.

    Cox's (1958) logistic recalibration, by Newton's method; NaN where it has no finite answer,
    since the predictions part the two groups or are all the same.
    """
    odds = logit(np.clip(probability, _SMALLEST, 1.0 - _SMALLEST))
    if np.ptp(odds) == 0 or odds[defaulted].min() > odds[~defaulted].max():
        return float("nan")
    centre, scale = odds.mean(), odds.std()
    design = np.column_stack([(odds - centre) / scale, np.ones(len(odds))])

    def loss(line: Floats) -> float:
        log_odds = design @ line
        return float((np.logaddexp(0.0, log_odds) - defaulted * log_odds).mean())

    line: Floats = np.zeros(2)
    for _ in range(100):
        fitted = expit(design @ line)
        hessian = design.T @ (design * (fitted * (1.0 - fitted))[:, None])
        step = np.linalg.lstsq(hessian, design.T @ (defaulted - fitted), rcond=None)[0]
        # The loss is convex, so some part of Newton's step always lowers it.
        here = loss(line)
        while loss(line + step) > here and np.abs(step).max() > 1e-12:
            step = 0.5 * step
        line = line + step
        if np.abs(step).max() < 1e-10:
            break
    return float(line[0] / scale)


_MEASURES: dict[str, Callable[[Floats, Outcomes], float]] = {
    "credit.roc-auc": roc_auc,
    "credit.pr-auc": pr_auc,
    "credit.gini": gini,
    "credit.ks": kolmogorov_smirnov,
    "credit.brier": brier,
    "credit.calibration-slope": calibration_slope,
}


def credit_figures(
    probability: Floats, defaulted: Outcomes, groups: Sequence[object], *, seed: int
) -> dict[str, Figure]:
    """Every measure by its convention's id, with a bootstrap interval over `groups` `[D]`.

    Rows without a probability are left out. Without both defaults and others, each is null.
    """
    told = ~np.isnan(probability)
    p, y = probability[told], defaulted[told]
    names = np.asarray(groups, dtype=object)[told]
    n = len(p)
    if not y.any() or y.all():
        reason = f"{int(y.sum())} of {n} borrowers defaulted; both sorts are needed"
        return {name: unknown(name, n=n, reason=reason) for name in _MEASURES}
    values = {name: measure(p, y) for name, measure in _MEASURES.items()}
    draws: dict[str, list[float]] = {name: [] for name in _MEASURES}
    rng = np.random.default_rng(seed)
    members = _members(names)
    for _ in range(DRAWS):
        drawn = rng.integers(len(members), size=len(members))
        rows = np.concatenate([members[i] for i in drawn])
        if not y[rows].any() or y[rows].all():
            continue
        for name, measure in _MEASURES.items():
            draws[name].append(measure(p[rows], y[rows]))
    method = f"90 % bootstrap over {len(members):,} borrowers, {DRAWS} draws"
    return {name: _figure(name, values[name], draws[name], n, method) for name in _MEASURES}


def _members(names: NDArray[np.object_]) -> list[NDArray[np.int64]]:
    """The rows of every group."""
    _, codes = np.unique(names.astype(str), return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _figure(name: str, value: float, draws: list[float], n: int, method: str) -> Figure:
    if np.isnan(value):
        return unknown(name, n=n, reason="the probabilities part the two groups, or are all one")
    finite = np.array(draws)[np.isfinite(draws)]
    if len(finite) < 0.9 * DRAWS:
        return known(name, value, n=n, method="no interval: too few defaults")
    low, high = np.quantile(finite, [0.05, 0.95])
    return known(name, value, n=n, ci=(float(low), float(high)), method=method)


def default_rate(defaulted: Outcomes) -> Figure:
    """The share that defaulted, with the 90 % interval of Jeffreys' prior (Brown et al., 2001)."""
    n, bad = len(defaulted), int(defaulted.sum())
    if not n:
        return unknown("credit.default-rate", n=0, reason="no borrower")
    low, high = beta.ppf([0.05, 0.95], bad + 0.5, n - bad + 0.5)
    bounds = (0.0 if bad == 0 else float(low), 1.0 if bad == n else float(high))
    return known("credit.default-rate", bad / n, n=n, ci=bounds, method="90 % Jeffreys interval")


def by_band(
    probability: Floats, defaulted: Outcomes, band: Sequence[str], names: Sequence[str]
) -> list[BandRecord]:
    """What became of each band of `names`, in that order; `band` `[D]` says who is in which."""
    placed = np.asarray(band, dtype=object)
    records = []
    for name in names:
        here = placed == name
        expected = float(probability[here].mean()) if here.any() else None
        records.append(BandRecord(name, int(here.sum()), expected, default_rate(defaulted[here])))
    return records


def population_stability(reference: Floats, current: Floats) -> Figure:
    """Σ (a − b) ln(a/b) over ten bins that hold a tenth of `reference` each.

    By custom 0.1 is a shift worth a look and 0.25 a large one. An empty bin counts as half a row.
    Values that are NaN are left out.
    """
    base, now = reference[~np.isnan(reference)], current[~np.isnan(current)]
    n = len(now)
    if not len(base) or not n:
        return unknown("credit.psi", n=n, reason="one of the two samples is empty")
    edges = np.unique(np.quantile(base, np.linspace(0.1, 0.9, 9)))
    shares = []
    for sample in (base, now):
        counts = np.bincount(np.searchsorted(edges, sample, side="left"), minlength=len(edges) + 1)
        shares.append(np.maximum(counts, 0.5) / len(sample))
    a, b = shares
    return known("credit.psi", float(((a - b) * np.log(a / b)).sum()), n=n)
