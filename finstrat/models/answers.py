"""What a scorer answers to texts that have labels: a class each, and how sure it is of it.

A scorer whose outputs hold the classes answers with the likeliest; any other is read by its last
output, a tone. It knows neither files nor measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError
from finstrat.models.labelled import POLARITY
from finstrat.text.scoring import score_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from finstrat.components import Scorer
    from finstrat.text.cache import ScoreCache

BOUND = 0.05
"""A tone above it is positive, below its negative negative, as VADER's authors recommend."""

UNKNOWN = -1
"""The code of a text that the scorer leaves unknown; it counts as a wrong answer."""


@dataclass(frozen=True, eq=False)
class Answers:
    """One scorer's answers to D texts.

    Attributes:
        codes: places among K classes, int64 `[D]`; `UNKNOWN` where it gave none.
        probabilities: `[D, K]`, NaN where unknown; None for a scorer that states none.
    """

    codes: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Answers:
        """The answers to some of the texts."""
        chances = self.probabilities
        return Answers(self.codes[chosen], None if chances is None else chances[chosen])


def answers_of(
    scorer: Scorer,
    texts: Sequence[str],
    *,
    classes: tuple[str, ...],
    cache: ScoreCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Answers:
    """The answers of `scorer` to `texts`, among `classes`.

    Raises:
        DataError: the scorer neither has an output for each class nor a tone, or a tone is asked
            for classes that aren't polarities.
    """
    values = score_documents(scorer, texts, cache=cache, progress=progress).values.double().numpy()
    if set(classes) <= set(scorer.outputs):
        chances = values[:, [scorer.outputs.index(name) for name in classes]]
        unknown = np.isnan(chances).any(axis=1)
        codes = np.where(unknown, UNKNOWN, np.where(np.isnan(chances), 0, chances).argmax(axis=1))
        return Answers(codes.astype(np.int64), chances)
    if not set(classes) <= set(POLARITY) or "score" not in scorer.outputs[-1:]:
        raise DataError(
            f'scorer "{scorer.name}" answers with {", ".join(scorer.outputs)}, and the labels are '
            f"{', '.join(classes)}; rename labels by --label given=CLASS, or choose another model"
        )
    tone = values[:, -1]
    place = {name: classes.index(name) if name in classes else UNKNOWN for name in POLARITY}
    codes = np.select(
        [np.isnan(tone), tone < -BOUND, tone > BOUND],
        [UNKNOWN, place["negative"], place["positive"]],
        default=place["neutral"],
    )
    return Answers(codes.astype(np.int64), None)
