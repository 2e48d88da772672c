"""What moved a number made of texts: each document's part in a fading mean, each word's in a score.

Both answers are differences to what comes out with the one thing left out, not causes. It knows
neither signals nor time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from finstrat.components import Scorer

_WORD = re.compile(r"\S+")

MOST_WORDS = 200
"""Words of a text that are left out in turn; those after them aren't looked at."""


@dataclass(frozen=True)
class Word:
    """A word of a text, `text[start:end]`, and how much of the score is there because of it."""

    start: int
    end: int
    effect: float


def effects_on_mean(
    values: torch.Tensor, weights: torch.Tensor, ages: torch.Tensor, *, half_life: float
) -> torch.Tensor:
    """The weighted mean less what it is without the document, for each of D, `[D]`.

    The weight of a document is its own times 0.5 ** (age / half_life). NaN for one that doesn't
    count: an unknown value or weight, or an age below 0. Where a document is the only one, its
    effect is the mean itself.
    """
    counts = ~(values.isnan() | weights.isnan()) & (ages >= 0)
    weight = torch.where(counts, weights * 0.5 ** (ages.double() / half_life), 0.0)
    value = torch.where(counts, values, 0.0)
    total, first = weight.sum(), (weight * value).sum()
    rest = total - weight
    # What rounding leaves of the total, once all of it is taken away, is nothing.
    without = torch.where(rest > 1e-12 * total, (first - weight * value) / rest, 0.0)
    return torch.where(counts & (total > 0), first / total - without, torch.nan)


def word_effects(scorer: Scorer, text: str, *, output: int) -> list[Word]:
    """The words that a score of `text` rests on, in the order of the text; zero effects left out.

    A scorer that counts words says itself which; for any other each word is left out in turn, and
    the effect is the score less that of the text without it. Words that only matter together, or
    that say the same twice, show less than they mean.
    """
    told = scorer.words_behind(text)
    if told is not None:
        return [Word(start, end, effect) for start, end, effect in told if effect]
    places = [(each.start(), each.end()) for each in _WORD.finditer(text)][:MOST_WORDS]
    if len(places) < 2:
        return []
    # Without its white space too, or the gap would be a word of its own to some models.
    others = [f"{text[:start].rstrip()} {text[end:].lstrip()}".strip() for start, end in places]
    scores = scorer.score([text, *others])[:, output].double()
    effects = (scores[0] - scores[1:]).tolist()
    return [
        Word(start, end, effect)
        for (start, end), effect in zip(places, effects, strict=True)
        if effect and effect == effect  # noqa: PLR0124 - NaN: nothing is left to score
    ]
