"""How new a document is, beside what was known about the same asset before it.

Novelty is one minus the similarity to the most similar earlier document of the asset: 1 = nothing
like it within the window, 0 = a repetition. Two notions of similarity are offered: words shared,
which remember nothing, and the cosine of embeddings, which see through paraphrase.

Time is built in. "Earlier" is by the moment a document became visible, ties by known_at, id and
version (`Documents.in_time`); a document never sees a later one, and similarity depends on the two
texts alone, bit for bit, so that a longer history doesn't move what is past.

Sources: Tetlock (2011), "All the News That's Fit to Reprint", Review of Financial Studies 24(5),
for staleness as overlap with the firm's earlier stories; Fedyk and Hodson (2023), "When Can the
Market Identify Old News?", Journal of Financial Economics 149(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError
from finstrat.text.vocabulary import distinct_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from finstrat.data import Documents

    Similarity = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
    """Of some rows to others, `[rows, others]` in [0, 1]."""

_PAIRS_AT_ONCE = 4_000_000
_UNIT = float(2**20)


@dataclass(frozen=True, eq=False)
class Novelty:
    """What is new in D documents.

    Attributes:
        novelty: `[D]` in [0, 1]; NaN for a text with nothing to compare.
        nearest: row of the most similar earlier document, the oldest of equals, int64 `[D]`;
            -1 where there is none with anything in common.
    """

    novelty: NDArray[np.float64]
    nearest: NDArray[np.int64]


def novelty(
    documents: Documents, *, days: float = 7.0, vectors: NDArray[np.float32] | None = None
) -> Novelty:
    """The novelty of every document against its asset's earlier ones of the last `days`.

    Documents about the market as a whole are one group. Without `vectors`, similarity is the share
    of distinct words in common (Jaccard); with them, `[D, H]`, one a document and NaN for one
    without text, it is their cosine, negative ones counting as 0.

    Raises:
        DataError: `days` isn't positive, or `vectors` has another number of rows.
    """
    if not days > 0:
        raise DataError(f"novelty: days must be positive, got {days}")
    if vectors is not None and (vectors.ndim != 2 or len(vectors) != len(documents)):
        raise DataError(
            f"novelty: expected vectors [{len(documents)}, H], got {list(vectors.shape)}"
        )
    moments = documents.visible_at.astype(np.int64)
    reach = int(days * 86_400e9)
    if vectors is None:
        name = f"novelty by words within {reach} ns"
        if name not in documents.compared:
            documents.compared[name] = _by_words(documents, moments, reach=reach)
        result: Novelty = documents.compared[name]
        return result
    known, similarity = _cosines(vectors)
    found = _nothing_alike(known)
    for rows in _groups(documents, known):
        _compare(found, rows, moments[rows], reach=reach, similarity=similarity)
    return found


def _nothing_alike(known: NDArray[np.bool_]) -> Novelty:
    return Novelty(np.where(known, 1.0, np.nan), np.full(len(known), -1, dtype=np.int64))


def _by_words(documents: Documents, moments: NDArray[np.int64], *, reach: int) -> Novelty:
    """By the share of words in common, one asset's documents after another."""
    # Imported here because numba takes a moment.
    from finstrat.text.novelty_kernel import most_alike

    used = distinct_words(documents.wording)
    places = documents.wording.places
    known = np.diff(used.starts)[places] > 0
    found = _nothing_alike(known)
    latest = np.full(used.count, -1, dtype=np.int64)
    for rows in _groups(documents, known):
        first = np.searchsorted(moments[rows], moments[rows] - reach, side="left")
        alike, nearest = np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
        most_alike(used.starts, used.words, places[rows], first, latest, alike, nearest)
        found.novelty[rows] = 1.0 - alike
        found.nearest[rows] = np.where(nearest >= 0, rows[nearest], -1)
    for array in (found.novelty, found.nearest):
        array.flags.writeable = False
    return found


def _compare(
    found: Novelty,
    rows: NDArray[np.int64],
    moments: NDArray[np.int64],
    *,
    reach: int,
    similarity: Similarity,
) -> None:
    """Fill in one asset's documents, whose `rows` and `moments` come in the order of time."""
    first = np.searchsorted(moments, moments - reach, side="left")
    start = 0
    while start < len(rows):
        # As many rows as keep a block of similarities small; at least one.
        stop = start + 1
        while stop < len(rows) and (stop + 1 - start) * (stop + 1 - first[start]) < _PAIRS_AT_ONCE:
            stop += 1
        here = np.arange(start, stop)
        earlier = np.arange(first[start], stop)
        shared = similarity(rows[here], rows[earlier])
        shared[(earlier >= here[:, None]) | (earlier < first[here][:, None])] = -1.0
        best = shared.argmax(axis=1)
        highest = shared[np.arange(len(here)), best]
        alike = highest > 0
        found.novelty[rows[here[alike]]] = 1.0 - highest[alike]
        found.nearest[rows[here[alike]]] = rows[earlier[best[alike]]]
        start = stop


def _groups(documents: Documents, known: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The rows about each asset in the order of time, without those that can't be compared."""
    rows = documents.in_time[known[documents.in_time]]
    codes = documents.asset_codes.codes[rows]
    order = np.argsort(codes, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(codes[order])) + 1) if len(rows) else []


def _cosines(vectors: NDArray[np.float32]) -> tuple[NDArray[np.bool_], Similarity]:
    """Which rows have a vector, and their cosine similarity."""
    length = np.linalg.norm(vectors.astype(np.float64), axis=1)
    known = np.isfinite(length) & (length > 0)
    # Unit vectors in whole steps of 2^-20: sums of their products stay below 2^53, so they are
    # exact in any order, and a similarity can't depend on the shape of the block it stands in.
    whole = np.zeros(vectors.shape, dtype=np.float64)
    np.divide(vectors, length[:, None], out=whole, where=known[:, None])
    whole = np.rint(whole * _UNIT)

    def similarity(rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        cosine = whole[rows] @ whole[others].T / (_UNIT * _UNIT)
        result: NDArray[np.float64] = np.clip(cosine, 0.0, 1.0)
        return result

    return known, similarity
