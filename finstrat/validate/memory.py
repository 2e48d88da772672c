"""Whether what a run earns needs a model to remember the period.

Pure functions over daily returns, scores and likelihoods. Which texts were masked, what stood in
for a model and what it was asked, is known elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import mannwhitneyu, spearmanr

from finstrat.risk.conventions import known, unknown
from finstrat.validate.bootstrap import FEWEST, bootstrap_interval, interval_of_difference
from finstrat.validate.luck import Finding

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.risk.figure import Figure
    from finstrat.validate.verdict import Status

PERMUTATIONS = 999
"""Of the dates a model is asked about: p can reach 0.001."""

SURE = 0.05
"""A p-value up to this is no accident."""

FEWEST_ASKED = 30
"""Questions or texts before a rank correlation or a comparison is worth a p-value."""


def edge_by_cutoff(
    own: NDArray[np.float64],
    lexicon: NDArray[np.float64],
    days: NDArray[np.datetime64],
    *,
    cutoff: dt.date | None,
    seed: int,
) -> Finding:
    """Whether the edge over a lexicon lies where the model may remember.

    `own` and `lexicon` are daily net returns less the twin's, `[T]`, of the run and of the same run
    with a lexicon in the models' place; `days` `[T]` rises; NaN sessions are left out. A lexicon
    has no memory, so what regimes do to both cancels. The first stretch is up to and including
    `cutoff`, None = all of it.

    Fails where the edge was larger before by a 90 % interval *and* what the run earned after the
    cutoff is not above zero by its own: an edge seen only where it can be memory. Where something
    is left after the cutoff, a larger edge before is inconclusive: edges also fade. Passes where
    what was earned after the cutoff is above zero and the edge wasn't larger before.
    """
    given = ~(np.isnan(own) | np.isnan(lexicon))
    edge, own, days = (own - lexicon)[given], own[given], days[given]
    until = "an unknown date" if cutoff is None else str(cutoff)
    early = np.ones(len(days), dtype=bool)
    if cutoff is not None:
        early = days.astype("datetime64[D]") <= np.datetime64(cutoff, "D")
    before, after = edge[early], edge[~early]
    figures = [
        (f"Edge over the lexicon, {when}", _mean_of(stretch, seed=seed))
        for when, stretch in (("up to the cutoff", before), ("after the cutoff", after))
    ]
    label = "Edge up to the cutoff less that after it"
    if not len(after):
        figures.append((label, unknown("memory.gap", n=0, reason="no session lies after it")))
        evidence = (
            f"Contaminated: no session lies after the models' cutoff ({until}), so there is none "
            f"to compare with. Up to it the edge over the lexicon is {_told(before, seed=seed)}."
        )
        return Finding("inconclusive", evidence, tuple(figures))
    gap = float(before.mean() - after.mean()) if len(before) else np.nan
    interval = interval_of_difference(before, after, seed=seed)
    if interval is None:
        short = min(len(before), len(after))
        reason = f"{len(before)} sessions up to the cutoff and {len(after)} after it; "
        reason += f"{FEWEST} are needed" if short < FEWEST else "the edge never varies"
        figures.append((label, unknown("memory.gap", n=short, reason=reason)))
        return Finding("inconclusive", f"No comparison by cutoff ({until}): {reason}.", (*figures,))
    figures.append(
        (label, known("memory.gap", gap, n=len(edge), ci=interval.bounds, method=interval.method))
    )
    left = bootstrap_interval(own[~early], np.mean, seed=seed)
    stays = left is not None and left.low > 0
    status: Status = "inconclusive"
    if interval.low > 0 and stays:
        why = "it was larger where the model may remember, though something is left after it"
    elif interval.low > 0:
        status, why = "fail", "after it nothing above zero is left, so it may all be memory"
    elif stays:
        status, why = "pass", "no sign of memory, and the twin is still beaten after it"
    else:
        why = "no sign of memory, but after it the twin is not beaten"
    evidence = (
        f"Up to the models' cutoff ({until}) the edge over the lexicon is {gap * 1e4:+.2f} basis "
        f"points larger a day than after it, 90 % interval {interval.low * 1e4:+.2f} to "
        f"{interval.high * 1e4:+.2f}: {why}."
    )
    return Finding(status, evidence, tuple(figures))


def edge_without_names(
    own: NDArray[np.float64],
    masked: NDArray[np.float64],
    *,
    scores: tuple[NDArray[np.float64], NDArray[np.float64]],
    changed: int,
    seed: int,
) -> Finding:
    """Whether the run still beats its twin when no name, handle or date is read.

    `own` and `masked` are daily net returns less the twin's, `[T]`; `scores` those of the texts as
    they are and masked, `[D]` each, where `changed` documents had anything to mask. Never fails: a
    name also tells what a text is about. It is inconclusive where the twin is beaten with names and
    not without, or where nothing was masked.
    """
    if not changed:
        return Finding("inconclusive", "No text has a name, handle or date to mask.")
    given = ~(np.isnan(own) | np.isnan(masked))
    loss = bootstrap_interval((own - masked)[given], np.mean, seed=seed)
    figures = (
        ("Return less twin's, names masked", _mean_of(masked[given], "memory.masked", seed=seed)),
        ("Lost by masking names", _mean_of((own - masked)[given], "memory.masked-loss", seed=seed)),
        ("Scores as they are and masked", _rank_correlation(*scores)),
    )
    intervals = [bootstrap_interval(each[given], np.mean, seed=seed) for each in (own, masked)]
    with_names, without = (each is not None and each.low > 0 for each in intervals)
    told = f"Without names, handles and dates, masked in {changed:,} documents, "
    told += f"the mean daily difference to the twin is {_told(masked[given], seed=seed)}"
    if with_names and not without:
        return Finding("inconclusive", f"{told}: the edge vanishes with the names.", figures)
    if with_names and loss is not None and loss.low > 0:
        return Finding("inconclusive", f"{told}: the edge shrinks without the names.", figures)
    if with_names:
        return Finding("pass", f"{told}: the edge doesn't need the names.", figures)
    return Finding("inconclusive", f"{told}; with names there is no edge to lose.", figures)


def recalls_directions(
    odds: NDArray[np.float64], returns: NDArray[np.float64], assets: NDArray[np.int64], *, seed: int
) -> Finding:
    """Whether a model tells which way an asset went from its name and a date, without any text.

    `odds` are log odds of up against down, `returns` those of that session and `assets` group
    numbers, `[Q]` each. Chance is what permuting the returns within each asset gives, so that a
    general liking for an asset counts for nothing.

    Source: Lopez-Lira, Tang and Zhu (2025), "The memorization problem", ask for levels; this asks
    for the sign, which a small model's likelihoods can answer.
    """
    label, n = "Direction by name and date alone", len(odds)
    if n < FEWEST_ASKED or np.ptp(odds) == 0 or np.ptp(returns) == 0:
        reason = f"{n} questions" if n < FEWEST_ASKED else "the answers or the returns never vary"
        figure = unknown("memory.direction", n=n, reason=reason)
        return Finding("inconclusive", f"No recall probe: {reason}.", ((label, figure),))
    rng = np.random.default_rng(seed)
    correlation = float(spearmanr(odds, returns).statistic)
    order, placed, above = np.argsort(assets, kind="stable"), np.empty(n), 0
    for _ in range(PERMUTATIONS):
        placed[order] = returns[np.lexsort((rng.random(n), assets))]
        above += spearmanr(odds, placed).statistic >= correlation
    p = (1 + int(above)) / (PERMUTATIONS + 1)
    method = f"{PERMUTATIONS} permutations within assets, p = {p:.3f}, seed {seed}"
    figure = known("memory.direction", correlation, n=n, method=method)
    told = (
        f"Asked by name and date alone, its odds of up and {n} returns correlate by "
        f"{correlation:+.2f} (p = {p:.3f})"
    )
    if p <= SURE:
        return Finding("inconclusive", f"{told}: it remembers.", ((label, figure),))
    return Finding("pass", f"{told}: no more than chance.", ((label, figure),))


def recalls_texts(before: NDArray[np.float64], after: NDArray[np.float64]) -> Finding:
    """Whether a model knows how texts go on better where it may have read them.

    Both hold what each text's own first half adds to the log likelihood of its second half, against
    another text's first half, `[D1]` of texts up to the cutoff and `[D2]` after it. Any coherent
    text gains, so only the comparison of the two speaks of memory; and even that also sees a change
    of style or subject, so it never fails.

    Source: after Carlini et al. (2021), "Extracting training data from large language models", and
    Golchin and Surdeanu (2023), "Time travel in LLMs", whose model completes a text.
    """
    before, after = before[~np.isnan(before)], after[~np.isnan(after)]
    figures: list[tuple[str, Figure]] = []
    for when, gains in (("up to", before), ("after", after)):
        label = f"Continuations told from shuffled, {when} the cutoff"
        if len(gains):
            share = float((gains > 0).mean())
            figures.append((label, known("memory.continuation", share, n=len(gains))))
        else:
            reason = "no text long enough comes from there"
            figures.append((label, unknown("memory.continuation", n=0, reason=reason)))
    label = "Continuations known better up to the cutoff"
    short = min(len(before), len(after))
    if short < FEWEST_ASKED:
        reason = f"{len(before)} texts up to the cutoff and {len(after)} after it"
        figures.append((label, unknown("memory.continuation-auc", n=short, reason=reason)))
        evidence = f"How texts go on can't be compared by cutoff: {reason}."
        return Finding("inconclusive", evidence, tuple(figures))
    test = mannwhitneyu(before, after, alternative="greater")
    auc, p = float(test.statistic) / (len(before) * len(after)), float(test.pvalue)
    method = f"Mann-Whitney, one-sided p = {p:.3f}"
    n = len(before) + len(after)
    figures.append((label, known("memory.continuation-auc", auc, n=n, method=method)))
    told = f"How texts go on it knows better from before the cutoff {auc:.0%} of the time"
    told += f" (p = {p:.3f})"
    if p <= SURE:
        return Finding("inconclusive", f"{told}: it may have read them.", tuple(figures))
    return Finding("pass", f"{told}: no more than chance.", tuple(figures))


def together(findings: Sequence[Finding]) -> Finding:
    """The worst of some findings, with the evidence and figures of all."""
    order: tuple[Status, ...] = ("fail", "inconclusive", "pass", "not applicable")
    status = min((each.status for each in findings), key=order.index)
    return Finding(
        status,
        " ".join(each.evidence for each in findings),
        tuple(pair for each in findings for pair in each.figures),
    )


def _mean_of(values: NDArray[np.float64], convention: str = "memory.edge", *, seed: int) -> Figure:
    """The mean with its bootstrap interval; null without a session."""
    if not len(values):
        return unknown(convention, n=0, reason="no session lies there")
    interval = bootstrap_interval(values, np.mean, seed=seed)
    return known(
        convention,
        float(values.mean()),
        n=len(values),
        ci=interval.bounds if interval else None,
        method=interval.method if interval else "no interval: too few sessions, or all the same",
    )


def _told(values: NDArray[np.float64], *, seed: int) -> str:
    """A mean daily return in words."""
    if not len(values):
        return "unknown"
    interval = bootstrap_interval(values, np.mean, seed=seed)
    mean = f"{values.mean() * 1e4:+.2f} basis points a day"
    if interval is None:
        return f"{mean} (no interval)"
    return f"{mean}, 90 % interval {interval.low * 1e4:+.2f} to {interval.high * 1e4:+.2f}"


def _rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> Figure:
    """Spearman's, over the documents where both are known."""
    given = ~(np.isnan(one) | np.isnan(other))
    n = int(given.sum())
    if n < FEWEST_ASKED or np.ptp(one[given]) == 0 or np.ptp(other[given]) == 0:
        reason = f"{n} documents" if n < FEWEST_ASKED else "the scores never vary"
        return unknown("memory.rank-correlation", n=n, reason=reason)
    value = float(spearmanr(one[given], other[given]).statistic)
    return known("memory.rank-correlation", value, n=n)
