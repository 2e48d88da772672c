"""Rating bands: default probabilities cut at fixed edges, the safest band being called "1"."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EDGES = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
"""Each band's upper edge but the last's: about twice the probability from one to the next."""


def band_names(edges: Sequence[float]) -> tuple[str, ...]:
    """The bands that `edges` make, the safest first."""
    return tuple(str(place + 1) for place in range(len(edges) + 1))


def bands(probability: NDArray[np.float64], edges: Sequence[float]) -> list[str]:
    """Each borrower's band; "" where the probability is unknown. An edge belongs to its band."""
    names = np.array([*band_names(edges), ""], dtype=object)
    places = np.searchsorted(np.asarray(edges), probability, side="left")
    return list(names[np.where(np.isnan(probability), len(names) - 1, places)])


def checked_edges(edges: Sequence[float]) -> tuple[float, ...]:
    """The edges, if they rise strictly between 0 and 1.

    Raises:
        ConfigError: they don't.
    """
    given = [0.0, *edges, 1.0]
    if not edges or any(low >= high for low, high in pairwise(given)):
        shown = ", ".join(map(str, edges)) or "none"
        raise ConfigError(
            f"bands: edges must rise between 0 and 1, like 0.01,0.05,0.2; got {shown}"
        )
    return tuple(float(edge) for edge in edges)
