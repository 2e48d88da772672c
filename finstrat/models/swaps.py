"""Whether a model's answer depends on whom a text is about: the same texts under other names.

The names come from the one table of entities. Every name is put into every text, so that no name
is judged by other news than the rest; what is left is what the model holds for or against a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.models.intervals import LEAST, LEVEL, draws, mean_figure
from finstrat.models.judged import judged
from finstrat.risk.conventions import known, unknown
from finstrat.text.clean import clean
from finstrat.text.entities import Index

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from finstrat.components import Scorer
    from finstrat.data.entities import Entities
    from finstrat.risk.figure import Figure

MOST_NAMES = 40
"""Names that are put in; of a longer table those that the texts mention most."""


@dataclass(frozen=True)
class Example:
    """A text that answers otherwise under some name."""

    text: str
    name: str
    other: str
    before: float
    after: float


@dataclass(frozen=True)
class Swaps:
    """What names do to the answers.

    Attributes:
        texts: those that name an asset of the table. names: those put into them.
        spread: mean range of the score over the names.
        flips: share of swaps that change the answer.
        effects: of each name, from the one that lowers the score most to the one that raises it
            most; their intervals hold together.
        examples: swaps that change the answer, those that move it most first, one a text.
    """

    texts: int
    names: tuple[str, ...]
    spread: Figure
    flips: Figure
    effects: tuple[tuple[str, Figure], ...]
    examples: tuple[Example, ...]


def swaps(
    scorer: Scorer,
    texts: Sequence[str],
    entities: Entities,
    *,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Swaps | None:
    """Every text that names an asset of `entities`, under the name of every asset.

    In a text with several assets the first gives way, wherever it stands; a cashtag gives way to a
    cashtag. None where no text names one, or the table has a single asset.
    """
    index = Index(entities)
    found = [each for text in texts if (each := _named(index, clean(text))) is not None]
    own = [asset for _, asset in found]
    assets = sorted(entities.assets, key=lambda each: (-own.count(each), each))[:MOST_NAMES]
    if not found or len(assets) < 2:
        return None
    called = {asset: _called(entities, asset) for asset in entities.assets}
    written = [
        _written(parts, name=called[asset], ticker=asset) for parts, _ in found for asset in assets
    ]
    originals = [_written(parts, name="", ticker="") for parts, _ in found]
    answers = judged(scorer, [*originals, *written], progress=progress)
    shape = (len(found), len(assets))
    codes = answers.codes[len(found) :].reshape(shape)
    base = answers.codes[: len(found)]
    numbers = answers.numbers(np.concatenate([base, np.repeat(base, len(assets))]))
    scores = numbers[len(found) :].reshape(shape)
    other = np.array(own)[:, None] != np.array(assets)[None, :]
    changed = (codes != base[:, None]) & other
    effects = scores - scores.mean(axis=1, keepdims=True)
    figures = zip((called[each] for each in assets), _together(effects, seed=seed), strict=True)
    moved = np.where(changed, np.abs(scores - numbers[: len(found), None]), 0.0)
    examples = [
        Example(
            text=originals[row],
            name=called[own[row]],
            other=called[assets[column]],
            before=float(numbers[row]),
            after=float(scores[row, column]),
        )
        for row, column in ((row, int(moved[row].argmax())) for row in np.argsort(-moved.max(1)))
        if moved[row, column] > 0
    ]
    return Swaps(
        texts=len(found),
        names=tuple(called[each] for each in assets),
        spread=mean_figure("swap.spread", np.ptp(scores, axis=1), seed=seed),
        flips=mean_figure("swap.flips", changed.sum(axis=1) / other.sum(axis=1), seed=seed),
        effects=tuple(sorted(figures, key=lambda pair: pair[1].value or 0.0)),
        examples=tuple(examples),
    )


def _named(index: Index, text: str) -> tuple[list[str], str] | None:
    """The text cut at the mentions of the first asset that it names, mentions at odd places."""
    mentions = [each for each in index.mentions(text) if len(each.assets) == 1]
    if not mentions:
        return None
    asset = mentions[0].assets[0]
    parts, free = [], 0
    for each in mentions:
        if each.assets == (asset,):
            parts += [text[free : each.start], each.name]
            free = each.stop
    return [*parts, text[free:]], asset


def _written(parts: list[str], *, name: str, ticker: str) -> str:
    """The text with another name at the odd places; an empty one leaves what stands there."""
    return "".join(
        part if place % 2 == 0 or not name else f"${ticker}" if part.startswith("$") else name
        for place, part in enumerate(parts)
    )


def _called(entities: Entities, asset: str) -> str:
    """The first name that the table lists of an asset, as short as it lists one that begins so."""
    names = [each.name for each in entities.aliases if each.asset == asset]
    return min((each for each in names if names[0].startswith(each)), key=len)


def _together(effects: NDArray[np.float64], *, seed: int) -> list[Figure]:
    """The mean of each column of `[D, N]`, with intervals that hold for all columns at once.

    Half-widths are each mean's standard error times the quantile of the largest standardised
    deviation over the columns, bootstrapped over texts (Westfall and Young, 1993, max-t).
    """
    kept = effects[~np.isnan(effects).any(axis=1)]
    n = len(kept)
    if n < LEAST:
        reason = f"{n} texts are too few; {LEAST} are needed"
        return [unknown("swap.effect", n=n, reason=reason) for _ in effects.T]
    mean = kept.mean(axis=0)
    drawn = np.stack([kept[rows].mean(axis=0) for rows in draws(n, seed=seed)])
    error = np.maximum(drawn.std(axis=0), 1e-12)
    wide = float(np.quantile(np.abs((drawn - mean) / error).max(axis=1), LEVEL))
    method = f"{LEVEL:.0%} for all names at once: bootstrap over texts, max-t, seed {seed}"
    return [
        known(
            "swap.effect",
            float(m),
            n=n,
            ci=(float(m - wide * e), float(m + wide * e)),
            method=method,
        )
        for m, e in zip(mean, error, strict=True)
    ]
