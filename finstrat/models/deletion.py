"""Whether attributions are faithful: what the output does without the tokens that they name.

Deleting the tokens that count most should move the output more than deleting as many drawn at
random, and keeping those alone should move it less. A text with tokens taken out is no text that
anybody wrote, for either arm alike. Source: DeYoung et al. (2020), "ERASER: A Benchmark to Evaluate
Rationalized NLP Models", section 4.2 and its aggregate over bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.models.integrated import class_outputs
from finstrat.models.intervals import mean_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from finstrat.models.evaluate import Figures
    from finstrat.models.integrated import Attribution
    from finstrat.text.differentiable import Differentiable

SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)
"""Of a text's tokens, at least one token each."""

RANDOM = 4
"""Random orders of the tokens of each text."""

ALL = "all texts"
FEWEST = 10
"""Texts of one answer below which it has no row of its own."""

_BATCH = 8  # texts whose deletions are computed together


@dataclass(frozen=True)
class Faithfulness:
    """The deletion test.

    Attributes:
        by_answer: of all texts, and of each output that is explained: comprehensiveness and
            sufficiency of the attributions, of random tokens, and what the first gain.
    """

    by_answer: dict[str, Figures]


def faithfulness(
    model: Differentiable,
    found: Sequence[Attribution],
    *,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Faithfulness:
    """The deletion test of attributions, over texts with at least two tokens.

    An output that is a class should fall without its tokens; any other should come nearer to what
    it is without text.
    """
    kept = [each for each in found if sum(not own for own in each.tokens.own) > 1]
    falls = np.full((len(kept), 4), np.nan)
    for at in range(0, len(kept), _BATCH):
        part = kept[at : at + _BATCH]
        falls[at : at + len(part)] = _falls(model, part, seed=seed, first=at)
        if progress is not None:
            progress(at + len(part), len(kept))
    answers = np.array([each.output for each in kept], dtype=object)
    rows = {ALL: np.ones(len(kept), dtype=bool)}
    for name in sorted(set(answers)):
        own = answers == name
        if len(set(answers)) > 1 and own.sum() >= FEWEST:
            rows[name] = own
    return Faithfulness({name: _figures(falls[own], seed=seed) for name, own in rows.items()})


def _falls(
    model: Differentiable, found: Sequence[Attribution], *, seed: int, first: int
) -> NDArray[np.float64]:
    """Mean falls `[D, 4]`: without and with only the best tokens, then the same of random ones."""
    asked: dict[tuple[int, ...], int] = {}
    cells: list[tuple[int, int, int]] = []  # text, column, place of its row
    for number, each in enumerate(found):
        ids = np.array(each.tokens.ids)
        real = np.flatnonzero(~np.array(each.tokens.own))
        signed = np.array(each.effects)[real] * _direction(model, each)
        rng = np.random.default_rng([seed, first + number])
        orders = [real[np.argsort(-signed, kind="stable")]]
        orders += [rng.permutation(real) for _ in range(RANDOM)]
        for place, order in enumerate(orders):
            for share in SHARES:
                cut = order[: max(1, round(share * len(real)))]
                rest = np.setdiff1d(real, cut)
                for column, dropped in enumerate((cut, rest)):
                    row = tuple(np.delete(ids, dropped).tolist())
                    cells.append(
                        (number, column + 2 * (place > 0), asked.setdefault(row, len(asked)))
                    )
    values = model.values(list(asked)).numpy()
    sums, counts = np.zeros((len(found), 4)), np.zeros((len(found), 4))
    for number, column, place in cells:
        each = found[number]
        left = values[place, model.outputs.index(each.output)]
        sums[number, column] += _direction(model, each) * (each.value - left)
        counts[number, column] += 1
    return sums / counts


def _direction(model: Differentiable, each: Attribution) -> float:
    classes = class_outputs(model.outputs)
    if len(classes) > 1 and each.output in classes:
        return 1.0
    return 1.0 if each.value >= each.blank else -1.0


def _figures(falls: NDArray[np.float64], *, seed: int) -> Figures:
    without, only, random_without, random_only = falls.T
    named = (
        ("Comprehensiveness", "deletion.comprehensiveness", without),
        ("of random tokens", "deletion.comprehensiveness", random_without),
        ("gain", "deletion.gain", without - random_without),
        ("Sufficiency", "deletion.sufficiency", only),
        ("of random tokens", "deletion.sufficiency", random_only),
        ("gain", "deletion.gain", random_only - only),
    )
    return tuple((label, mean_figure(key, each, seed=seed)) for label, key, each in named)
