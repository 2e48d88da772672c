"""Scorer `vader`: the rules and word ratings of VADER, made for posts in social media.

It needs the package vaderSentiment (extra `vader`). It knows words, emoji, negation and emphasis
as Hutto and Gilbert wrote them down, and nothing of finance.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from finstrat.components import Scorer
from finstrat.errors import DataError
from finstrat.text import CLEAN_VERSION, ModelCard

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILES = ("vaderSentiment.py", "vader_lexicon.txt", "emoji_utf8_lexicon.txt")


class Vader(Scorer):
    """VADER's compound score from -1 to 1, and the shares of the text that speak for each side.

    Its authors read a score of at least 0.05 as positive and of at most -0.05 as negative. The
    shares are weights of words, not probabilities, hence their names. NaN for a text without a
    letter, digit or emoji that VADER could read.

    Source: Hutto and Gilbert (2014), "VADER: a parsimonious rule-based model for sentiment analysis
    of social media text", ICWSM.
    """

    name = "vader"
    version = "1"
    outputs = ("negative_share", "neutral_share", "positive_share", "score")
    remembers = False

    @property
    def fingerprint(self) -> str:
        """The package's rules and word lists, with the versions of this code and of cleaning."""
        return f"{self.name}:{self.version}:clean{CLEAN_VERSION}:{_package_digest()}"

    @property
    def card(self) -> ModelCard:
        """Where the ratings come from."""
        return ModelCard(
            name=self.name,
            version=self.version,
            summary="VADER: about 7,500 rated words and emoticons, with rules for negation, "
            "degree words, capitals, punctuation and 'but'",
            training_data=("word ratings by ten people each, as carried by vaderSentiment",),
            licence="MIT",
            training_cutoff=dt.date(2020, 5, 22),
            cutoff_reason="the date of the files in release 3.3.2; the ratings are of 2014",
            limits=(
                "knows words, not events: its scores hold no memory of what happened later",
                "made for social media; in finance it misreads words like liability, tax and crude",
                "English only",
            ),
        )

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, 4]` float32."""
        analyzer = _analyzer()
        rows = []
        for text in texts:
            found = analyzer.polarity_scores(text)
            shares = (found["neg"], found["neu"], found["pos"])
            rows.append((*shares, found["compound"]) if any(shares) else (float("nan"),) * 4)
        return torch.tensor(rows, dtype=torch.float32).reshape(len(texts), len(self.outputs))


def _package() -> Path:
    spec = importlib.util.find_spec("vaderSentiment")
    if spec is None or spec.origin is None:
        raise DataError(
            'scorer "vader" needs the package vaderSentiment: pip install "finstrat[vader]"'
        )
    return Path(spec.origin).parent


@lru_cache(maxsize=1)
def _package_digest() -> str:
    files = b"".join((_package() / name).read_bytes() for name in _FILES)
    return hashlib.sha256(files).hexdigest()


@lru_cache(maxsize=1)
def _analyzer() -> Any:  # noqa: ANN401 - the package has no types
    _package()
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
