"""Batches in which a text's numbers can't depend on its company.

Matrix kernels choose their order of summation by the matrix's shape, so the same text moves by
about 1e-6 from batch to batch. Here every text of one length meets exactly one shape: no padding
inside a row, a fixed number of rows, dummy rows to fill up. It knows only lengths, not texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

BATCH_TOKENS = 512
"""About the tokens in a batch; part of the shape, hence of every fingerprint."""


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


def batch_height(length: int) -> int:
    """Rows of a batch of texts of `length` tokens: as many as `BATCH_TOKENS` holds, at least 1."""
    return max(1, BATCH_TOKENS // length)


def exact_length_batches(lengths: Sequence[int] | NDArray[np.int64]) -> Iterator[Batch]:
    """Batches that cover every text of at least one token once, shorter texts first."""
    counts = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    values, starts = np.unique(counts[order], return_index=True)
    for length, group in zip(values.tolist(), np.split(order, starts[1:]), strict=False):
        height = batch_height(length)
        for start in range(0, len(group), height):
            yield Batch(rows=group[start : start + height], length=length, height=height)
