"""The sentences of a document that say most of it, word for word and in their order.

A sentence is near what the document is about (the centroid of its sentences) and not a repetition
of one already taken. Everything is measured within the document, so a summary depends on its text
alone. It writes nothing new and knows nothing of finance.

Sources: Radev, Jing, Styś and Tam (2004), "Centroid-based summarization of multiple documents",
Information Processing & Management 40(6), and `finstrat.text.diversity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from finstrat.text.clean import clean
from finstrat.text.diversity import maximal_marginal_relevance
from finstrat.text.words import sentences, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.text.diversity import Rows

DIVERSITY = 0.3
"""How much a repetition counts against a sentence's relevance."""


def summary(text: str, *, count: int = 2) -> str:
    """Up to `count` sentences of a raw text, by its words; "" where nothing can be read."""
    found = sentences(clean(text))
    if len(found) <= count:
        return " ".join(found)
    if not any(words(each) for each in found):
        return " ".join(found[:count])
    rows = TfidfVectorizer(analyzer=words).fit_transform(found)
    return _joined(found, rows, np.asarray(rows.mean(axis=0)).ravel(), count)


def embedded_summary(found: Sequence[str], vectors: NDArray[np.float32], *, count: int = 2) -> str:
    """The same out of sentences and their unit vectors `[n, H]`, by meaning instead of words."""
    if len(found) <= count:
        return " ".join(found)
    rows = vectors.astype(np.float64)
    return _joined(found, rows, rows.mean(axis=0), count)


def _joined(found: Sequence[str], rows: Rows, centroid: NDArray[np.float64], count: int) -> str:
    length = float(np.linalg.norm(centroid))
    taken = maximal_marginal_relevance(
        rows, centroid / (length or 1.0), count=count, diversity=DIVERSITY
    )
    return " ".join(found[place] for place in sorted(taken))
