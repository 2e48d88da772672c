"""Which text to label next: one that a model can't tell, that is unlike those already labelled, and
that stands for many others.

The model is a head on frozen embeddings, fitted anew to the labels given so far, which takes
milliseconds. It knows vectors and labels, nothing of terminals. Source: Settles (2009), "Active
Learning Literature Survey", sections 3.1 (margin) and 5.1 (information density); before there is a
model, density and distance alone, as Hacohen, Dekel and Weinshall (2022) advise for few labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.models.trained import Trained

ENOUGH = 3
"""Texts of every class from which on their own labels choose; before, the given model does."""

NEIGHBOURS = 20
"""Texts among which a text must be at home to stand for many."""

_BLOCK = 1024
_STRENGTH = 10.0
"""C of the head that chooses: few texts, unit vectors."""


def doubt(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """One less the lead of the likeliest class over the next, of each row of `[D, K]`: `[D]`."""
    ordered = np.sort(probabilities, axis=1)
    lead: NDArray[np.float64] = ordered[:, -1] - ordered[:, -2]
    return 1.0 - lead


def density(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean cosine of each unit vector with its `NEIGHBOURS` nearest, `[D]`, 0 at least."""
    count = min(NEIGHBOURS, len(vectors) - 1)
    if count < 1:
        return np.ones(len(vectors))
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        near = vectors[start : start + _BLOCK] @ vectors.T
        nearest = np.partition(near, -count - 1, axis=1)[:, -count - 1 :]
        found[start : start + _BLOCK] = (nearest.sum(axis=1) - 1.0) / count  # less itself
    return np.clip(found, 0.0, None)


@dataclass(eq=False)
class Queue:
    """Texts that wait for a label, the most informative first.

    Attributes:
        vectors: unit vectors `[D, H]` of the texts.
        classes: K names.
        prior: probabilities `[D, K]` by a model that is there already, or None.
    """

    vectors: NDArray[np.float64]
    classes: tuple[str, ...]
    prior: NDArray[np.float64] | None = None
    _labels: dict[int, str | None] = field(default_factory=dict)

    @cached_property
    def _density(self) -> NDArray[np.float64]:
        return density(self.vectors)

    @property
    def left(self) -> int:
        """Texts that have no answer yet."""
        return len(self.vectors) - len(self._labels)

    @property
    def labels(self) -> Mapping[int, str | None]:
        """Every answer by its text's place, in order; None = skipped."""
        return self._labels

    def answer(self, place: int, label: str | None) -> None:
        """Take an answer; None leaves the text without a label for good."""
        if label is not None and label not in self.classes:
            raise DataError(f"expected one of: {', '.join(self.classes)}; got {label!r}")
        self._labels[place] = label

    def undo(self) -> int | None:
        """Take the last answer back; its text's place, or None where there is none."""
        return self._labels.popitem()[0] if self._labels else None

    def next(self) -> int | None:
        """The place of the text to ask for now; None where none is left.

        Doubt, times the distance (1 - cosine) from the nearest text that was answered, times
        density; without a model there is no doubt. Ties go to the earlier text.
        """
        waiting = np.array([i for i in range(len(self.vectors)) if i not in self._labels])
        if not len(waiting):
            return None
        worth = self._density[waiting]
        if self._labels:
            known = self.vectors[list(self._labels)]
            worth = worth * (1.0 - np.clip((self.vectors[waiting] @ known.T).max(axis=1), 0, 1))
        chances = self._probabilities(waiting)
        if chances is not None:
            worth = worth * doubt(chances)
        return int(waiting[np.argmax(worth)])

    def _probabilities(self, waiting: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """What the labels so far say of the texts that wait, or else the given model."""
        given = [(place, label) for place, label in self._labels.items() if label is not None]
        counts = [sum(label == name for _, label in given) for name in self.classes]
        if min(counts) < ENOUGH:
            return None if self.prior is None else self.prior[waiting]
        from sklearn.linear_model import LogisticRegression

        places, labels = zip(*given, strict=True)
        head = LogisticRegression(C=_STRENGTH, max_iter=1000)
        head.fit(self.vectors[list(places)], np.array(labels, dtype=object).astype(str))
        found: NDArray[np.float64] = head.predict_proba(self.vectors[waiting])
        return found


def queue_of(
    texts: Sequence[str],
    *,
    classes: tuple[str, ...],
    vectors: NDArray[np.float64],
    model: Trained | None,
) -> Queue:
    """A queue of `texts` with `vectors` `[D, H]`; `model` chooses until there are enough labels.

    Raises:
        DataError: the model knows other classes.
    """
    if model is None:
        return Queue(vectors, classes)
    if set(model.classes) != set(classes):
        raise DataError(
            f"{model.directory}: a model of {', '.join(model.classes)}; the classes asked for are "
            f"{', '.join(classes)}"
        )
    return Queue(vectors, classes, prior=model.probabilities(texts).numpy())
