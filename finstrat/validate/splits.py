"""Which sessions a model may learn from, and which it is then asked about: the only owner of that.

It deals in rows of a clock and in the first session that may use a row's label. It knows neither
models nor returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to learn from and rows to speak about, both rising."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def walk_forward(
    refits: NDArray[np.bool_], known_from: NDArray[np.int64], *, window: int | None
) -> Iterator[Split]:
    """One split for every refit: what could be learnt by then, and the sessions until the next.

    A refit at row r takes the rows t with `known_from[t]` ≤ r, the last `window` of them or, with
    None, all. `refits` is `[T]` and True in its first row; `known_from` is `[T]` and rising.
    """
    starts = np.flatnonzero(refits)
    for start, stop in zip(starts, [*starts[1:], len(refits)], strict=True):
        known = int(np.searchsorted(known_from, start, side="right"))
        first = 0 if window is None else max(0, known - window)
        yield Split(np.arange(first, known), np.arange(start, stop))
