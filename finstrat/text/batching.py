"""Batches in which a text's numbers can't depend on its company.

Matrix kernels choose their order of summation by the matrix's shape, so the same text moves by
about 1e-6 from batch to batch. Here every text of one length meets exactly one shape. A model that
computes text by text inside one matrix gets packs, which all have the same height; any other gets
batches of one exact length, with a fixed number of rows. It knows only lengths, not texts.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

BATCH_TOKENS = 512
"""Tokens in a pack, and about those in a batch: part of the shape, hence of every fingerprint."""


@dataclass(frozen=True, eq=False)
class Pack:
    """Texts of any lengths that lie one after another in one matrix.

    Attributes:
        rows: positions of the texts in the input.
        starts: the first token of each in the matrix.
        lengths: tokens of each.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def packs(lengths: Sequence[int] | NDArray[np.int64], height: int) -> Iterator[Pack]:
    """Packs of at most `height` tokens that cover every text of at least one token once.

    The longest text that is left always comes first, then the longest that still fits.

    Raises:
        ValueError: a text is longer than `height`.
    """
    counts = np.asarray(lengths, dtype=np.int64)
    if counts.size and counts.max() > height:
        raise ValueError(f"expected texts of at most {height} tokens, got one of {counts.max()}")
    order = np.argsort(counts, kind="stable")
    rows = order[counts[order] > 0].tolist()
    left = counts[rows].tolist()
    while rows:
        chosen: list[int] = []
        room = height
        while place := bisect_right(left, room):
            room -= left.pop(place - 1)
            chosen.append(rows.pop(place - 1))
        taken = counts[chosen]
        yield Pack(np.array(chosen), np.cumsum(taken) - taken, taken)


@dataclass(frozen=True, eq=False)
class Batch:
    """Texts of one length, to be run as one `[height, length]` matrix.

    Attributes:
        rows: positions of the texts in the input, at most `height`; the rest are dummies.
        length: tokens of each text.
        height: rows of the matrix, a function of `length` alone.
    """

    rows: NDArray[np.int64]
    length: int
    height: int


def exact_length_batches(
    lengths: Sequence[int] | NDArray[np.int64], tokens: int = BATCH_TOKENS
) -> Iterator[Batch]:
    """Batches that cover every text of at least one token once, shorter texts first.

    Each has as many rows as hold `tokens` tokens, at least 1.
    """
    counts = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    values, starts = np.unique(counts[order], return_index=True)
    for length, group in zip(values.tolist(), np.split(order, starts[1:]), strict=False):
        height = max(1, tokens // length)
        for start in range(0, len(group), height):
            yield Batch(rows=group[start : start + height], length=length, height=height)
