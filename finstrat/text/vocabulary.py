"""The distinct words of many texts as numbers, for what compares or counts them over and over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.text.clean import clean
from finstrat.text.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.data.documents import Wording


@dataclass(frozen=True, eq=False)
class DistinctWords:
    """The distinct words of texts: text i uses `words[starts[i] : starts[i + 1]]` of `count`."""

    starts: NDArray[np.int64]
    words: NDArray[np.int64]
    count: int


def distinct_words(wording: Wording) -> DistinctWords:
    """The distinct words of the raw texts of `wording`, counted by the first who asks."""
    return wording.once("distinct words", _counted)


def _counted(texts: Sequence[str]) -> DistinctWords:
    column: dict[str, int] = {}
    sets = [
        sorted({column.setdefault(word, len(column)) for word in words(clean(text))})
        for text in texts
    ]
    sizes = np.array([len(each) for each in sets], dtype=np.int64)
    return DistinctWords(
        starts=np.concatenate([[0], np.cumsum(sizes)]),
        words=np.array([each for one in sets for each in one], dtype=np.int64),
        count=len(column),
    )
