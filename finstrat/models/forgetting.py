"""What an update of a model gained on new periods and lost on old ones.

Pure functions over what models said. Differences are of the same texts, so their intervals are of
pairs. It knows no model and no training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from finstrat.models.labelled import moments, time_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

Every = Literal["year", "quarter", "month", "file"]
_CODES = {"year": "Y", "quarter": "Q", "month": "M"}
_DRAWS = 2_000


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval, texts bootstrapped."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Judged:
    """How models did on the texts of one period.

    Attributes:
        period: its name, "old" and "new" for all of them together.
        n: texts.
        accuracy, macro_f1: of each model, by its name.
        accuracy_change, macro_f1_change: against the model as it was.
    """

    period: str
    n: int
    accuracy: dict[str, Measured]
    macro_f1: dict[str, Measured]
    accuracy_change: dict[str, Measured]
    macro_f1_change: dict[str, Measured]


def periods(frame: pd.DataFrame, every: Every) -> list[str]:
    """The period that each text is of; its file's name where there is no date, or if asked for."""
    if every == "file" or time_column(frame) is None:
        return [str(name) for name in frame["file"]]
    times = moments(frame)
    assert times is not None
    return [str(each) for each in times.dt.tz_localize(None).dt.to_period(_CODES[every])]


def judged(
    said: Mapping[str, NDArray[np.int64]],
    truth: NDArray[np.int64],
    period: str,
    *,
    classes: int,
    seed: int,
) -> Judged:
    """The figures of each model on the texts of one period.

    `said` are the classes that models name, `[D]` each, the model as it was first.
    """
    drawn = np.random.default_rng(seed).integers(0, len(truth), (_DRAWS, len(truth)))
    accuracy = {name: _draws(right, drawn) for name, right in _right(said, truth).items()}
    f1 = {name: _f1_draws(each, truth, drawn, classes) for name, each in said.items()}
    before = next(iter(said))
    later = [name for name in said if name != before]
    return Judged(
        period=period,
        n=len(truth),
        accuracy={name: _measured(each) for name, each in accuracy.items()},
        macro_f1={name: _measured(each) for name, each in f1.items()},
        accuracy_change={name: _measured(accuracy[name] - accuracy[before]) for name in later},
        macro_f1_change={name: _measured(f1[name] - f1[before]) for name in later},
    )


def _right(
    said: Mapping[str, NDArray[np.int64]], truth: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    return {name: (each == truth).astype(np.float64) for name, each in said.items()}


def _draws(values: NDArray[np.float64], drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of all, then of each draw, `[1 + draws]`."""
    return np.concatenate([[values.mean()], values[drawn].mean(axis=1)])


def _f1_draws(
    said: NDArray[np.int64],
    truth: NDArray[np.int64],
    drawn: NDArray[np.int64],
    classes: int,
) -> NDArray[np.float64]:
    """The macro-F1 of all, then of each draw; a class that neither has nor is said counts 0."""
    cells = truth * classes + said
    whole = np.bincount(cells, minlength=classes**2)[None]
    rows = np.arange(len(drawn))[:, None] * classes**2 + cells[drawn]
    parts = np.bincount(rows.ravel(), minlength=len(drawn) * classes**2)
    table = np.concatenate([whole, parts.reshape(-1, classes**2)]).reshape(-1, classes, classes)
    hits = np.diagonal(table, axis1=1, axis2=2)
    sides = table.sum(axis=1) + table.sum(axis=2)
    scores: NDArray[np.float64] = (2 * hits / np.maximum(sides, 1)).mean(axis=1)
    return scores


def _measured(draws: NDArray[np.float64]) -> Measured:
    low, high = np.quantile(draws[1:], (0.025, 0.975))
    return Measured(*(round(float(each), 4) for each in (draws[0], low, high)))
