"""The words a document is about, by TF-IDF or by embeddings.

Time is built in: a document's TF-IDF weights use the document frequencies of *earlier periods*
only (sessions, or days), an expanding count. Nothing is fitted on the whole corpus, so a word's
weight in 2014 doesn't know how common it became in 2015. Embedding-ranked keywords look at the one
document alone.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from finstrat.errors import DataError
from finstrat.text.clean import clean
from finstrat.text.diversity import maximal_marginal_relevance
from finstrat.text.words import STOP_WORDS, sentences, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DIVERSITY = 0.4
"""How much a candidate's likeness to a keyword already taken counts against it."""

_PHRASE_WORDS = 3
_JOINING = frozenset({"and", "of"})
_PIECE = re.compile(r"[^\W_]+(?:[-'’&][^\W_]+)*|[^\w\s]")


class Keyword(NamedTuple):
    """A word or phrase, and how much the document is about it."""

    term: str
    weight: float


@dataclass(frozen=True, eq=False)
class TermWeights:
    """TF-IDF weights of D documents over V terms.

    Attributes:
        weights: sparse `[D, V]`; 0 = the document doesn't use the term.
        terms: the V terms, sorted.
        empty: bool `[D]`, where a text has no word.
    """

    weights: sparse.csr_array
    terms: tuple[str, ...]
    empty: NDArray[np.bool_]

    def of(self, term: str) -> NDArray[np.float64]:
        """The weights of one term in every document, `[D]`; NaN for a text without a word."""
        place = {name: column for column, name in enumerate(self.terms)}.get(term)
        column = (
            np.zeros(len(self.empty))
            if place is None
            else self.weights[:, [place]].toarray().ravel()
        )
        result: NDArray[np.float64] = np.where(self.empty, np.nan, column)
        return result

    def keywords(self, *, count: int = 5) -> list[tuple[Keyword, ...]]:
        """Each document's heaviest terms, the heaviest first, equals in alphabetical order.

        A bare number is no keyword.
        """
        worded = np.array([not term.isdigit() for term in self.terms], dtype=bool)
        found = []
        for start, stop in itertools.pairwise(self.weights.indptr):
            columns = self.weights.indices[start:stop]
            weights = self.weights.data[start:stop]
            order = [i for i in np.lexsort((columns, -weights)) if worded[columns[i]]]
            found.append(
                tuple(Keyword(self.terms[columns[i]], float(weights[i])) for i in order[:count])
            )
        return found


def term_weights(texts: Sequence[str], periods: NDArray[np.int64]) -> TermWeights:
    """The TF-IDF weights of raw texts, with what was known before each one's period.

    `periods` `[D]` numbers the session or day in which each text may first be used. The weight of
    a term is (1 + ln f) · (1 + ln((1 + n) / (1 + d))): f its count in the text, n the documents of
    earlier periods, d those of them that use it (scikit-learn's smoothed form, by time). Texts of
    one period don't count for each other, so their order doesn't matter.

    Raises:
        DataError: `periods` isn't int64 `[D]`.
    """
    if periods.shape != (len(texts),) or periods.dtype != np.int64:
        raise DataError(
            f"periods: expected int64 [{len(texts)}], got {periods.dtype} {list(periods.shape)}"
        )
    read = [words(clean(text)) for text in texts]
    empty = np.array([not each for each in read], dtype=bool)
    if empty.all():
        return TermWeights(sparse.csr_array((len(texts), 0)), (), empty)
    counter = CountVectorizer(analyzer=list)
    counts = sparse.csr_array(counter.fit_transform(read)).astype(np.float64)
    counts.sort_indices()
    rows = np.repeat(np.arange(len(texts)), np.diff(counts.indptr))
    earlier = _used_before(counts.indices.astype(np.int64), periods[rows])
    before = np.searchsorted(np.sort(periods), periods, side="left")
    counts.data = (1.0 + np.log(counts.data)) * (
        1.0 + np.log((1.0 + before[rows]) / (1.0 + earlier))
    )
    return TermWeights(counts, tuple(counter.get_feature_names_out().tolist()), empty)


def _used_before(terms: NDArray[np.int64], periods: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each use of a term in a document, in how many documents of earlier periods it is used."""
    order = np.lexsort((periods, terms))
    term, period = terms[order], periods[order]
    place = np.arange(len(order))
    new_term = np.ones(len(order), dtype=bool)
    new_term[1:] = term[1:] != term[:-1]
    new_period = new_term.copy()
    new_period[1:] |= period[1:] != period[:-1]
    before = np.maximum.accumulate(np.where(new_period, place, 0))
    first = np.maximum.accumulate(np.where(new_term, place, 0))
    result = np.empty(len(order), dtype=np.int64)
    result[order] = before - first
    return result


def candidates(text: str) -> list[str]:
    """The phrases of a raw text that could be keywords: up to three words within a sentence.

    None begins or ends with a number, spans a punctuation mark, or holds a stop word but "and" and
    "of" between others. In their order, each once whatever its capitals, as it first stands there.
    """
    found: dict[str, str] = {}
    for sentence in sentences(clean(text)):
        pieces = _PIECE.findall(sentence)
        for start in range(len(pieces)):
            for stop in range(start + 1, min(start + _PHRASE_WORDS, len(pieces)) + 1):
                last = pieces[stop - 1]
                if not last[0].isalnum() or last.lower() in STOP_WORDS - _JOINING:
                    break
                if _edge(pieces[start]) and _edge(last):
                    phrase = " ".join(pieces[start:stop])
                    found.setdefault(phrase.casefold(), phrase)
    return list(found.values())


def embedding_keywords(
    phrases: Sequence[str],
    vectors: NDArray[np.float32],
    document: NDArray[np.float32],
    *,
    count: int = 5,
) -> tuple[Keyword, ...]:
    """The phrases nearest to the document in meaning and apart from each other, the best first.

    `vectors` `[n, H]` and `document` `[H]` are unit vectors of one encoder; the weight is the
    cosine. Source: Bennani-Smires et al. (2018), "Simple Unsupervised Keyphrase Extraction using
    Sentence Embeddings" (EmbedRank++).
    """
    rows, whole = vectors.astype(np.float64), document.astype(np.float64)
    if not len(rows) or np.isnan(whole).any():
        return ()
    taken = maximal_marginal_relevance(rows, whole, count=count, diversity=DIVERSITY)
    return tuple(Keyword(phrases[place], float(rows[place] @ whole)) for place in taken)


def _edge(piece: str) -> bool:
    """Whether a phrase may begin or end with this word."""
    return piece[0].isalpha() and len(piece) > 1 and piece.lower() not in STOP_WORDS
