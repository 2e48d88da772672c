"""How an answer stands changes of a text that a reader hardly sees, and one that turns it round.

The raw text is changed and then cleaned as for scoring, so a change that cleaning takes back shows
as such. Changes are drawn from the seed and the text alone: a text is changed alike in any company.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.models.intervals import mean_figure
from finstrat.models.judged import judged
from finstrat.text.clean import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from finstrat.components import Scorer
    from finstrat.risk.figure import Figure

SHARE = 0.2
"""Of a text's words of four letters or more that a typo, look-alike or invisible sign gets into."""

_WORD = re.compile(r"[A-Za-z]{4,}")
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|may|might|should|must|does|did)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\s*(?:not|n't|never|no)\b", re.IGNORECASE)
_LATIN = "aceopxyiACEOPXBHKMT"
_CYRILLIC = (
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456"
    "\u0410\u0421\u0415\u041e\u0420\u0425\u0412\u041d\u041a\u041c\u0422"
)
_LOOKALIKE = str.maketrans(_LATIN, _CYRILLIC)
_ZERO_WIDTH = "\u200b"


def typos(text: str, rng: np.random.Generator) -> str | None:
    """Two letters in the middle of some words changed over."""

    def swapped(word: str) -> str:
        places = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
        if not places:
            return word
        at = int(rng.choice(places))
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return _in_some_words(text, rng, swapped)


def lookalikes(text: str, rng: np.random.Generator) -> str | None:
    """Letters of some words as the Cyrillic ones that look the same."""
    return _in_some_words(text, rng, lambda word: word.translate(_LOOKALIKE))


def invisible(text: str, rng: np.random.Generator) -> str | None:
    """A space of no width in the middle of some words."""
    return _in_some_words(
        text, rng, lambda word: f"{word[: len(word) // 2]}{_ZERO_WIDTH}{word[len(word) // 2 :]}"
    )


def capitals(text: str, rng: np.random.Generator) -> str | None:  # noqa: ARG001 - as the others
    """Everything in capitals."""
    return text.upper()


def negation(text: str, rng: np.random.Generator) -> str | None:  # noqa: ARG001 - as the others
    """A "not" after the first auxiliary verb, or else "It is not true that" before everything.

    None for a text that is negated there already.
    """
    found = _AUXILIARY.search(text)
    if found is None:
        return f"It is not true that {text.lstrip()}"
    if _NEGATED.match(text, found.end()):
        return None
    word = "NOT" if found[0].isupper() and len(found[0]) > 1 else "not"
    return f"{text[: found.end()]} {word}{text[found.end() :]}"


KINDS: dict[str, Callable[[str, np.random.Generator], str | None]] = {
    "typos": typos,
    "look-alikes": lookalikes,
    "invisible signs": invisible,
    "capitals": capitals,
    "negation": negation,
}
SHOULD_MOVE = ("negation",)


@dataclass(frozen=True)
class Robustness:
    """What one kind of change does to the answers.

    Attributes:
        kind: its name. should_move: whether the answer should be another.
        texts: that could be changed. undone: those that cleaning changes back.
        flips: share of other answers; `polar` the same of texts answered positive or negative.
        movement: mean absolute change of the score.
        example: the text whose score moved most, as it was and as changed; None where none moved.
    """

    kind: str
    should_move: bool
    texts: int
    undone: int
    flips: Figure
    polar: Figure
    movement: Figure
    example: tuple[str, str, float, float] | None


def robustness(
    scorer: Scorer,
    texts: Sequence[str],
    *,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Robustness]:
    """What each of `KINDS` does to the answers to raw `texts`."""
    changed = {
        kind: [change(text, _drawn(kind, text, seed)) for text in texts]
        for kind, change in KINDS.items()
    }
    rows = {
        kind: [row for row, each in enumerate(found) if each not in {None, texts[row]}]
        for kind, found in changed.items()
    }
    versions = [str(changed[kind][row]) for kind in KINDS for row in rows[kind]]
    answers = judged(scorer, [*texts, *versions], progress=progress)
    n = len(texts)
    base = answers.codes[:n]
    own = np.concatenate([base, *(base[rows[kind]] for kind in KINDS)]).astype(np.int64)
    numbers = answers.numbers(own)
    told, at = [], n
    for kind in KINDS:
        places = np.array(rows[kind], dtype=np.int64)
        after = slice(at, at + len(places))
        at += len(places)
        other = (answers.codes[after] != base[places]).astype(float)
        moved = np.abs(numbers[after] - numbers[places])
        undone = [clean(str(changed[kind][row])) == clean(texts[row]) for row in rows[kind]]
        example = None
        if len(moved) and np.nanmax(np.nan_to_num(moved)) > 0:
            most = int(np.nan_to_num(moved).argmax())
            row = rows[kind][most]
            now = float(numbers[after][most])
            example = (texts[row], str(changed[kind][row]), float(numbers[row]), now)
        polar = answers.polar[places]
        told.append(
            Robustness(
                kind=kind,
                should_move=kind in SHOULD_MOVE,
                texts=len(places),
                undone=sum(undone),
                flips=mean_figure("perturbation.flips", other, seed=seed),
                polar=mean_figure("perturbation.flips", other[polar], seed=seed),
                movement=mean_figure("perturbation.movement", moved, seed=seed),
                example=example,
            )
        )
    return told


def _in_some_words(text: str, rng: np.random.Generator, change: Callable[[str], str]) -> str | None:
    words = list(_WORD.finditer(text))
    if not words:
        return None
    count = max(1, round(SHARE * len(words)))
    for place in sorted(rng.choice(len(words), count, replace=False).tolist(), reverse=True):
        start, stop = words[place].span()
        text = text[:start] + change(text[start:stop]) + text[stop:]
    return text


def _drawn(kind: str, text: str, seed: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{kind}\n{text}".encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
