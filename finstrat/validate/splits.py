"""Which sessions a model may learn from, and which it is then asked about: the only owner of that.

It deals in rows of a clock and in the first session that may use a row's label. It knows neither
models nor returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError

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


@dataclass(frozen=True, eq=False)
class PathSplit:
    """Rows to learn from, and stretches to speak about, each with the path that it belongs to."""

    train: NDArray[np.int64]
    tests: tuple[NDArray[np.int64], ...]
    paths: tuple[int, ...]


def combinatorial(count: int, *, folds: int, purge: int, embargo: int) -> list[PathSplit]:
    """Every choice of two of `folds` stretches of `count` rows to speak about; the rest is learnt.

    The folds − 1 predictions of each stretch make as many paths, each of which covers every row
    once. `purge` rows are left out of the training on either side of a stretch, and `embargo` more
    after it. López de Prado (2018), chapter 12; skfolio's `CombinatorialPurgedCV`.

    Raises:
        DataError: a stretch is no longer than what is left out beside it.
    """
    from skfolio.model_selection import CombinatorialPurgedCV

    if count // folds <= purge + embargo:
        raise DataError(
            f"{count} sessions in {folds} folds are too few to leave out {purge + embargo} beside "
            "each"
        )
    cv = CombinatorialPurgedCV(
        n_folds=folds, n_test_folds=2, purged_size=purge, embargo_size=embargo
    )
    ids = cv.get_path_ids()
    return [
        PathSplit(np.asarray(train), tuple(tests), tuple(int(each) for each in ids[i]))
        for i, (train, tests) in enumerate(cv.split(np.zeros((count, 1))))
    ]


def forward_folds(
    session: NDArray[np.int64], *, count: int, gap: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of examples to learn from and later ones to judge by, as scikit-learn takes them.

    The sessions of the examples, `session` `[R]` rising, are cut into `count` + 1 stretches of
    nearly the same length. Each but the first is judged by what was learnt from all before it, less
    those within `gap` sessions of it, whose outcome wasn't over. [] where a fold would be empty.
    """
    edges = [part[0] for part in np.array_split(np.unique(session), count + 1) if len(part)]
    folds = []
    for start, stop in zip(edges[1:], [*edges[2:], session[-1] + 1], strict=True):
        train = np.flatnonzero(session < start - gap)
        test = np.flatnonzero((session >= start) & (session < stop))
        folds.append((train, test))
    return folds if len(folds) == count and all(len(train) for train, _ in folds) else []


def forward_stretches(
    times: NDArray[np.int64], *, count: int, gap: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The same for rows in any order, as texts come: stretches of as many rows, not as many times.

    `times` `[R]` are the rows' moments and are cut into `count` + 1 stretches; rows of one moment
    are never divided, so a stretch may be empty where moments are few. Each but the first is judged
    by what was learnt from the rows before it, less those that lie `gap` or less before its first.
    """
    shares = np.arange(1, count + 1) / (count + 1)
    stretch = np.searchsorted(np.quantile(times, shares, method="lower"), times, side="left")
    folds = []
    for number in range(1, count + 1):
        test = np.flatnonzero(stretch == number)
        train = np.flatnonzero(stretch < number)
        if len(test):
            train = train[times[train] < times[test].min() - gap]
        folds.append((train, test))
    return folds
