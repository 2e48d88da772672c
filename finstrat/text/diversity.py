"""A few rows that speak for a whole: relevant to it, and not all saying the same.

Used by keywords and summaries alike; it sees vectors, not texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray
    from scipy import sparse

    Rows: TypeAlias = NDArray[np.float64] | sparse.csr_array


def maximal_marginal_relevance(
    rows: Rows, whole: NDArray[np.float64], *, count: int, diversity: float
) -> list[int]:
    """Positions of up to `count` of the unit vectors `rows` `[n, H]`, the best first.

    Each is the one with the highest (1 − diversity) · its cosine to `whole` `[H]` − diversity · its
    highest cosine to those taken before; the earlier of equals. `diversity` 0 ranks by relevance
    alone. Source: Carbonell and Goldstein (1998), "The Use of MMR", SIGIR.
    """
    relevance = np.asarray(rows @ whole)
    repeated = np.full(len(relevance), -np.inf)
    free = np.ones(len(relevance), dtype=bool)
    taken: list[int] = []
    while len(taken) < min(count, len(relevance)):
        penalty = repeated if taken else np.zeros(len(relevance))
        merit = np.where(free, (1.0 - diversity) * relevance - diversity * penalty, -np.inf)
        best = int(merit.argmax())
        taken.append(best)
        free[best] = False
        row = rows[[best]]
        dense = row if isinstance(row, np.ndarray) else row.toarray()
        repeated = np.maximum(repeated, np.asarray(rows @ dense[0]))
    return taken
