"""What a scorer answers to texts that have labels: a class each, and how sure it is of it.

A scorer whose outputs hold the classes answers with the likeliest; any other is read by its last
output, a tone. It knows neither files nor measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import ConfigError, DataError
from finstrat.models.labelled import POLARITY, require_known
from finstrat.text.scoring import score_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from finstrat.components import Scorer
    from finstrat.text.cache import ScoreCache

TONE = "score"
"""The last output of a scorer that states one."""

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


def require_answerable(
    scorer: Scorer, frame: pd.DataFrame, *, model: str, names: Mapping[str, str]
) -> None:
    """Refuse labels of `frame` that `scorer` can't answer with, before it reads a text.

    It can where all are among its classes, or all polarities, and it states a tone. `model` is what
    the user called it, `names` what labels were said to mean (see `labelled.Columns`).

    Raises:
        DataError: file and row of the first such label, and what to say.
    """
    classes = tuple(name for name in scorer.outputs if name != TONE)
    ways = [classes] if classes else []
    if TONE in scorer.outputs[-1:] and not set(POLARITY) <= set(classes):
        ways.append(POLARITY)
    best = max(ways, key=lambda way: int(frame["label"].isin(way).sum()))
    require_known(frame, best, model=model, names=names)


def require_number(scorer: Scorer, *, model: str) -> None:
    """Refuse a scorer that states no tone or value, before it reads a text.

    Raises:
        ConfigError: it only tells classes.
    """
    if TONE not in scorer.outputs[-1:]:
        raise ConfigError(
            f"{model}: a model of {', '.join(scorer.outputs)}, which states no number; judge it by "
            "labels that are classes"
        )


def values_of(
    scorer: Scorer,
    texts: Sequence[str],
    *,
    cache: ScoreCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """The tone or value that `scorer` states of each of `texts`, `[D]`; NaN = unknown."""
    scored = score_documents(scorer, texts, cache=cache, progress=progress)
    last: NDArray[np.float64] = scored.values.double().numpy()[:, -1]  # noqa: PD011 - no table
    return last


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
    values = score_documents(scorer, texts, cache=cache, progress=progress).values.double().numpy()  # noqa: PD011 - no table
    if set(classes) <= set(scorer.outputs) and _states_probabilities(scorer, values):
        chances = values[:, [scorer.outputs.index(name) for name in classes]]
        unknown = np.isnan(chances).any(axis=1)
        codes = np.where(unknown, UNKNOWN, np.where(np.isnan(chances), 0, chances).argmax(axis=1))
        return Answers(codes.astype(np.int64), chances)
    if not set(classes) <= set(POLARITY) or TONE not in scorer.outputs[-1:]:
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


def _states_probabilities(scorer: Scorer, values: NDArray[np.float64]) -> bool:
    """Whether the outputs besides the tone add up to 1; shares of words and the like don't."""
    stated = values[:, [place for place, name in enumerate(scorer.outputs) if name != TONE]]
    sums = stated.sum(axis=1)
    return bool(np.allclose(sums[~np.isnan(sums)], 1.0, atol=0.01))
