"""Placebo texts: the same ones at other times, or about other assets.

Knows only which documents belong together, not what they say.
"""

from __future__ import annotations

import math
import sys
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def circular_shift(groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Which document's text each document gets, `[D]`, where those of a group move in a circle.

    `groups` `[D]` says which documents belong together (an asset's, say), in the order of their
    times. Each group of n moves by its own 1 … n − 1 places, all equally likely, so that the order
    of its texts, and with it their autocorrelation, stays. A group of one keeps its text.
    """
    order = np.arange(len(groups))
    together = np.argsort(groups, kind="stable")
    bounds = np.flatnonzero(np.diff(groups[together])) + 1
    for places in np.split(together, bounds):
        if len(places) > 1:
            order[places] = np.roll(places, int(rng.integers(1, len(places))))
    return order


FEWEST_SWAPPED = 5
"""Groups of which there are enough swaps, 44, that p can reach 0.05; of 4 there are 9."""

_LISTED = 6
"""Groups up to which all the swaps, here 265, are listed, so that none is drawn twice."""


def different_swaps(groups: int) -> int:
    """How many permutations of so many groups have no fixed point: n! / e, rounded."""
    return round(math.factorial(groups) / math.e) if groups <= _LISTED else sys.maxsize


def swaps(groups: int, draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which group each gets the documents of, `[B, groups]`, never its own.

    Permutations without a fixed point, all equally likely. Of few groups there are fewer of them
    than `draws`; then B is smaller, and each occurs once.
    """
    own = np.arange(groups)
    if groups <= _LISTED:
        every = np.array(list(permutations(own)), dtype=np.int64)
        every = every[(every != own).all(axis=1)]
        some: NDArray[np.int64] = every[rng.permutation(len(every))[:draws]]
        return some
    found: list[NDArray[np.int64]] = []
    while len(found) < draws:
        # One in e has no fixed point.
        order = rng.permutation(groups)
        if (order != own).all():
            found.append(order)
    return np.array(found, dtype=np.int64)
