"""What a scorer makes of many versions of texts: an answer each, and a number that can move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError
from finstrat.models.answers import BOUND
from finstrat.models.integrated import class_outputs
from finstrat.models.labelled import POLARITY
from finstrat.text.scoring import score_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from finstrat.components import Scorer


@dataclass(frozen=True, eq=False)
class Judged:
    """A scorer's answers to D texts.

    Attributes:
        classes: names of the answers.
        codes: the answers' places among them, `[D]`; -1 where unknown.
        outputs: every output, `[D, K]` float64; NaN where unknown.
        tone: the score's column; None for classes without polarity.
    """

    classes: tuple[str, ...]
    codes: NDArray[np.int64]
    outputs: NDArray[np.float64]
    tone: int | None

    def numbers(self, own: NDArray[np.int64]) -> NDArray[np.float64]:
        """The score `[D]`, or else the probability of the classes `own`, one a text."""
        if self.tone is not None:
            return self.outputs[:, self.tone]
        found: NDArray[np.float64] = self.outputs[np.arange(len(own)), np.maximum(own, 0)]
        return np.where(own < 0, np.nan, found)

    @property
    def polar(self) -> NDArray[np.bool_]:
        """Which answers are positive or negative, `[D]`."""
        named = [place for place, name in enumerate(self.classes) if name in POLARITY[::2]]
        return np.isin(self.codes, named)


def judged(
    scorer: Scorer,
    texts: Sequence[str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Judged:
    """What `scorer` answers to raw `texts`, cleaned as for scoring; nothing enters the cache.

    A scorer whose outputs aren't probabilities of classes answers by its score: above `BOUND`
    positive, below its negative negative.

    Raises:
        DataError: it has neither classes nor a score.
    """
    values = score_documents(scorer, texts, progress=progress).values.double().numpy()
    names = class_outputs(scorer.outputs)
    scored = "score" in scorer.outputs[-1]
    tone = len(scorer.outputs) - 1 if scored else None
    if not scored or (len(names) > 1 and set(POLARITY) <= set(names)):
        chances = values[:, : len(names)]
        unknown = np.isnan(chances).any(axis=1)
        if len(names) < 2 or not np.allclose(chances[~unknown].sum(axis=1), 1.0, atol=0.01):
            raise DataError(
                f'scorer "{scorer.name}" gives {", ".join(scorer.outputs[:4])}, neither '
                "probabilities of classes nor a score; choose a model that answers"
            )
        codes = np.where(unknown, -1, np.where(np.isnan(chances), 0.0, chances).argmax(axis=1))
        return Judged(names, codes.astype(np.int64), values, tone)
    last = values[:, -1]
    codes = np.select([np.isnan(last), last < -BOUND, last > BOUND], [-1, 0, 2], default=1)
    return Judged(POLARITY, codes.astype(np.int64), values, tone)
