"""Placebo texts: the same ones, at other times.

Knows only which documents belong together, not what they say.
"""

from __future__ import annotations

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
