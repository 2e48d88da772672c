"""Which labelled texts a model learns from, and which it is developed and tested on.

Each way gives every text one of three parts; none knows what a label means or what a model is.
Sessions, which have an order in time and a moment at which labels are known, are `splits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Shares:
    """How much of the texts each part gets, in the order of `PARTS`; they sum to 1.

    Raises:
        ConfigError: a share is negative, or they don't sum to 1.
    """

    train: float = 0.8
    validation: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        if min(self.parts) < 0 or self.train == 0 or abs(sum(self.parts) - 1) > 1e-9:
            raise ConfigError(
                "shares: expected three numbers from 0 that sum to 1, for train, validation and "
                f"test, the first above 0; got {', '.join(f'{each:g}' for each in self.parts)}"
            )

    @property
    def parts(self) -> tuple[float, float, float]:
        """The three shares."""
        return self.train, self.validation, self.test


def stratified(
    labels: Sequence[object], groups: NDArray[np.int64], shares: Shares, *, seed: int
) -> NDArray[np.int64]:
    """The part of each text, `[D]`: every part has each label's share of the texts.

    Texts of one group stay together; the group counts for the label of its first text. Shares are
    met as nearly as whole groups allow.
    """
    part = np.zeros(len(groups), dtype=np.int64)
    places, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    stratum = [labels[place] for place in first]
    order = np.random.default_rng(seed).permutation(len(places))
    chosen = np.zeros(len(places), dtype=np.int64)
    for label in dict.fromkeys(stratum):
        mine = [place for place in order if stratum[place] == label]
        chosen[mine] = _filled([int(sizes[place]) for place in mine], shares)
    part[:] = chosen[np.searchsorted(places, groups)]
    return part


def grouped(groups: Sequence[object], shares: Shares, *, seed: int) -> NDArray[np.int64]:
    """The part of each text, `[D]`: all texts of one group (an asset, a source) in one part."""
    names, number = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    sizes = np.bincount(number, minlength=len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    # The largest first: a small group can still fill what is left, a large one can't.
    order = order[np.argsort(-sizes[order], kind="stable")]
    chosen = np.zeros(len(names), dtype=np.int64)
    chosen[order] = _filled([int(sizes[place]) for place in order], shares)
    part: NDArray[np.int64] = chosen[number]
    return part


def by_time(moments: NDArray[np.int64], shares: Shares) -> NDArray[np.int64]:
    """The part of each text, `[D]`: the earliest train, the latest test.

    Texts of one moment stay together, in the earlier part: nothing in a part is older than, or as
    old as, anything in the part before.

    Raises:
        DataError: all texts are of one moment.
    """
    ranked = np.sort(moments)
    if len(ranked) and ranked[0] == ranked[-1]:
        raise DataError("a split by time needs texts of different times; all are of one moment")
    ends = [
        ranked[min(len(ranked) - 1, max(0, round(share * len(ranked)) - 1))]
        for share in (shares.train, shares.train + shares.validation)
    ]
    part: NDArray[np.int64] = np.searchsorted(np.array(ends), moments, side="left")
    return part


def leaking(part: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each text, `[D]`, has a text of its group in an earlier part."""
    earliest = np.full(int(groups.max(initial=-1)) + 1, len(PARTS), dtype=np.int64)
    np.minimum.at(earliest, groups, part)
    found: NDArray[np.bool_] = earliest[groups] < part
    return found


def _filled(sizes: Sequence[int], shares: Shares) -> list[int]:
    """The part of each group in turn: the one that lacks the most of its share so far."""
    wanted = np.array(shares.parts) * sum(sizes)
    parts = []
    for size in sizes:
        parts.append(int(wanted.argmax()))
        wanted[parts[-1]] -= size
    return parts
