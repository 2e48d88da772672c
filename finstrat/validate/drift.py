"""Whether the latest part of a series is distributed as the rest: KS and PSI, and their own null.

Both are compared with what they come to when the series is cut into blocks that are put together
in another order, so that neither sample size nor serial dependence raises an alarm by itself
(Kirch 2007, J. Stat. Plan. Inference 137). It knows nothing of what a series means.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BINS = 10
"""Of the population stability index: deciles of all values together."""

BLOCKS = 10
"""Blocks below which no order of them is like another by chance, so that nothing is said."""

LEAST = 20
"""Values in either part below which nothing is said."""


@dataclass(frozen=True)
class Drift:
    """How far the latest values lie from the ones before.

    Attributes:
        reference, recent: known values in either part.
        ks: largest distance of the two distribution functions.
        psi: Σ (qᵢ − pᵢ) ln (qᵢ / pᵢ) over tenths, with half a value added to each.
        psi_usual: what `psi` stays below in 95 % of the reorderings.
        p: of the larger of both deviations, by reordering.
        block: sessions or documents in a block.
        reason_if_null: why nothing can be said; empty where it can.
    """

    reference: int
    recent: int
    ks: float | None = None
    psi: float | None = None
    psi_usual: float | None = None
    p: float | None = None
    block: int = 1
    reason_if_null: str = ""


def drift(values: NDArray[np.float64], *, recent: int, draws: int = 999, seed: int = 0) -> Drift:
    """The drift of the last `recent` of `values` `[T]`, in the order of time; NaN is left out.

    p = (1 + reorderings that deviate at least as much) / (draws + 1), where what deviates is the
    smaller of the ranks of KS and PSI among their own reorderings.
    """
    known = ~np.isnan(values)
    late = int(known[len(values) - recent :].sum())
    x = values[known]
    early = len(x) - late
    if min(early, late) < LEAST:
        return Drift(early, late, reason_if_null=f"fewer than {LEAST} known values in a part")
    if (x == x[0]).all():
        return Drift(early, late, reason_if_null="it never varies")
    # Of what came before alone: a shift looks like dependence in the whole.
    block = block_length(x[:early])
    if block * BLOCKS > len(x):
        reason = f"it depends on its past over some {block} values, too long for {len(x)} of them"
        return Drift(early, late, block=block, reason_if_null=reason)
    rng = np.random.default_rng(seed)
    order = np.argsort(x, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(x[order]) > 0, True))
    tenth = np.searchsorted(np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)[1:-1])), x)
    statistics = np.empty((draws + 1, 2))
    for i in range(draws + 1):
        places = np.arange(early, len(x)) if i == 0 else _reordered(len(x), block, rng)[early:]
        statistics[i] = _ks(places, order, ends), _psi(places, tenth)
    # Ranks from the largest; a tie counts against the alarm.
    above = np.sort(statistics, axis=0)
    rank = (draws + 1) - np.stack(
        [np.searchsorted(above[:, k], statistics[:, k], side="left") for k in (0, 1)]
    )
    best = rank.min(axis=0)
    return Drift(
        early,
        late,
        ks=float(statistics[0, 0]),
        psi=float(statistics[0, 1]),
        psi_usual=float(np.quantile(statistics[1:, 1], 0.95)),
        p=float((best <= best[0]).sum() / (draws + 1)),
        block=block,
    )


def shortfall(
    values: NDArray[np.float64], *, recent: int, draws: int = 999, seed: int = 0
) -> Drift:
    """Whether the mean of the last `recent` of `values` is lower than reorderings make it.

    `p` is how often a reordering's is as low; there is no KS and no PSI.
    """
    known = ~np.isnan(values)
    late = int(known[len(values) - recent :].sum())
    x = values[known]
    early = len(x) - late
    if min(early, late) < LEAST:
        return Drift(early, late, reason_if_null=f"fewer than {LEAST} known values in a part")
    rng, block = np.random.default_rng(seed), block_length(x[:early])
    own = x[early:].mean()
    found = [x[_reordered(len(x), block, rng)[early:]].mean() for _ in range(draws)]
    as_low = int((np.array(found) <= own + 1e-15).sum())
    return Drift(early, late, p=(1 + as_low) / (draws + 1), block=block)


def block_length(x: NDArray[np.float64]) -> int:
    """How many values in a row depend on each other: by Politis and White (2004) of the values and
    of their squares, the longer, doubled.
    """
    from arch.bootstrap import optimal_block_length

    centred = x - x.mean()
    if not centred.any():
        return 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [
            float(optimal_block_length(each)["circular"].iloc[0]) for each in (centred, centred**2)
        ]
    longest = max((each for each in found if np.isfinite(each)), default=1.0)
    # Independent values give about one, and then every order is as likely.
    return 1 if longest < 2.0 else int(np.ceil(2.0 * longest))


def holm(p: Sequence[float]) -> list[float]:
    """`p` adjusted for all being looked at together (Holm 1979, Scand. J. Stat. 6)."""
    order = np.argsort(p, kind="stable")
    adjusted, highest = np.empty(len(p)), 0.0
    for place, i in enumerate(order.tolist()):
        highest = max(highest, min(1.0, (len(p) - place) * p[i]))
        adjusted[i] = highest
    return [float(each) for each in adjusted]


def _reordered(count: int, block: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The places 0 … count − 1, cut in a circle into blocks that come in another order."""
    if block == 1:
        return rng.permutation(count)
    start = int(rng.integers(count))
    cuts = list(range(block, count, block))
    pieces = np.split(np.roll(np.arange(count), -start), cuts)
    return np.concatenate([pieces[i] for i in rng.permutation(len(pieces)).tolist()])


def _ks(places: NDArray[np.int64], order: NDArray[np.int64], ends: NDArray[np.int64]) -> float:
    inside = np.zeros(len(order))
    inside[places] = 1.0
    below = np.cumsum(inside[order])[ends]
    recent = len(places)
    rest = (ends + 1 - below) / (len(order) - recent)
    return float(np.abs(below / recent - rest).max())


def _psi(places: NDArray[np.int64], tenth: NDArray[np.int64]) -> float:
    every = np.bincount(tenth, minlength=BINS)
    late = np.bincount(tenth[places], minlength=BINS)
    used = every > 0
    q = (late[used] + 0.5) / (len(places) + 0.5 * used.sum())
    p = (every - late)[used] + 0.5
    p = p / (len(tenth) - len(places) + 0.5 * used.sum())
    return float(((q - p) * np.log(q / p)).sum())
