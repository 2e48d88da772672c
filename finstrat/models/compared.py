"""A model before and after it was made smaller: bytes, speed, how good its answers are.

It measures on the machine that it runs on, and knows nothing of how a model came to be smaller.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.models.heads import as_json, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.models.trained import Trained


@dataclass(frozen=True, eq=False)
class Measured:
    """A model on labelled texts, on this machine.

    Attributes:
        size: bytes of weights: encoder, adapter and head. speed: texts a second of processor time.
        probabilities: `[D, K]`. quality: see `heads.measure`, plain data.
    """

    size: int
    speed: float
    probabilities: NDArray[np.float64]
    quality: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """What a card says of it."""
        kept = {key: self.quality[key] for key in ("n", "accuracy", "macro_f1")}
        return {"bytes": self.size, "texts_per_cpu_second": round(self.speed, 1), **kept}


def measured(model: Trained, texts: Sequence[str], truth: NDArray[np.int64]) -> Measured:
    """`model` on clean `texts` whose class codes are `truth` `[D]`; the best of three passes."""
    places = {model.directory, model.encoder, *([model.adapter] if model.adapter else [])}
    return timed(
        lambda lines: model.probabilities(lines).numpy(),
        texts,
        truth,
        files=[file for each in places for file in each.glob("*.safetensors")],
    )


def timed(
    probabilities: Callable[[Sequence[str]], NDArray[np.float64]],
    texts: Sequence[str],
    truth: NDArray[np.int64],
    *,
    files: Sequence[Path],
) -> Measured:
    """The same of anything that gives probabilities; `files` are its weights."""
    probabilities(texts[:64])  # loads it
    spent = []
    for _ in range(3):
        start = time.process_time()
        chances = probabilities(texts)
        spent.append(time.process_time() - start)
    size = sum(file.stat().st_size for file in files)
    return Measured(size, len(texts) / min(spent), chances, as_json(measure(chances, truth)))


def comparison(before: Measured, after: Measured) -> dict[str, Any]:
    """What compression did, as a card carries it."""
    gap = np.abs(after.probabilities - before.probabilities)
    flips = before.probabilities.argmax(axis=1) != after.probabilities.argmax(axis=1)
    return {
        "before": before.told(),
        "after": after.told(),
        "largest_difference": round(float(gap.max()), 4),
        "answers_changed": int(flips.sum()),
    }
