"""Texts that are nearly the same, found without comparing each with each.

Near means that the sets of five-character stretches overlap (Jaccard). It looks at characters
alone: two reports of one event in other words aren't near, two templates with other numbers are.
Source: Broder (1997), "On the resemblance and containment of documents".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIMILARITY = 0.7
"""Share of common stretches from which two texts count as nearly the same."""

_WIDTH = 5
_BANDS, _ROWS = 32, 4  # a pair at 0.7 is compared with a chance of 0.9998, one at 0.3 of 0.23
_BASE = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 4_096
"""Stretches that are hashed together, so that a long filing doesn't fill the memory."""


def near_groups(texts: Sequence[str], *, similarity: float = SIMILARITY) -> NDArray[np.int64]:
    """For each text the place of the first text of its group, int64 `[D]`.

    Texts whose stretches overlap by `similarity` or more are in one group, and so are texts that
    both are near a third. Candidates come from min-hashes, and every candidate is compared exactly:
    a group never joins what isn't near, and misses a pair at 0.7 about twice in ten thousand.

    Raises:
        ConfigError: `similarity` isn't above 0 and at most 1.
    """
    if not 0 < similarity <= 1:
        raise ConfigError(f"similarity: expected more than 0 and at most 1, got {similarity}")
    stretches = [_stretches(text) for text in texts]
    first = list(range(len(texts)))

    def root(place: int) -> int:
        while first[place] != place:
            first[place] = first[first[place]]
            place = first[place]
        return place

    bands = np.stack([_bands(each) for each in stretches]) if texts else np.empty((0, _BANDS))
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        ends = np.flatnonzero(np.diff(band[order])) + 1
        for bucket in np.split(order, ends):
            # Against the first and the one before: in a bucket of templates all pairs are too many.
            for at, place in enumerate(bucket[1:].tolist()):
                for other in {int(bucket[0]), int(bucket[at])}:
                    a, b = sorted((root(other), root(place)))
                    if a != b and _overlap(stretches[other], stretches[place]) >= similarity:
                        first[b] = a
    return np.array([root(place) for place in range(len(texts))], dtype=np.int64)


def _stretches(text: str) -> NDArray[np.uint64]:
    """The hashes of all stretches of a text, each once, rising; spaces and case don't count."""
    plain = " ".join(text.casefold().split())
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = codes.astype(np.uint64)
    width = min(_WIDTH, max(1, len(codes)))
    if not len(codes):
        return np.zeros(1, dtype=np.uint64)
    hashed = np.zeros(len(codes) - width + 1, dtype=np.uint64)
    for place in range(width):
        hashed = hashed * _BASE + codes[place : place + len(hashed)]
    return np.unique(hashed)


def _bands(stretches: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One number a band, `[32]`: equal where four min-hashes are."""
    least = np.full(_BANDS * _ROWS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(stretches), _AT_ONCE):
        part = stretches[start : start + _AT_ONCE, None]
        mixed = (part ^ (part >> np.uint64(29))) * _FACTORS + _OFFSETS
        np.minimum(least, (mixed ^ (mixed >> np.uint64(32))).min(axis=0), out=least)
    bands = np.zeros(_BANDS, dtype=np.uint64)
    for row in least.reshape(_ROWS, _BANDS):
        bands = bands * _BASE + row
    return bands


def _overlap(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)


_RNG = np.random.default_rng(1997)
_FACTORS = _RNG.integers(1, 2**63, _BANDS * _ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _RNG.integers(0, 2**63, _BANDS * _ROWS, dtype=np.uint64)
