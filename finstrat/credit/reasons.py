"""Why a borrower's probability is what it is: each column put to its typical value in turn.

It works alike for every family of models, and says what a reader can check: what the probability
would be if this one thing were as usual. Effects of columns that act together don't add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST = 3
_LEAST = 0.05
"""Share by which a column must move the odds to count as a reason."""


@dataclass(frozen=True)
class Reason:
    """One column's part in one borrower's probability.

    Attributes:
        column: its name. value, typical: here, and of most borrowers; None = unknown.
        probability: as assessed. without: if the column were typical.
    """

    column: str
    value: float | str | None
    typical: float | str | None
    probability: float
    without: float

    def __str__(self) -> str:
        verb = "raises" if self.probability > self.without else "lowers"
        change = f"{verb} it from {_percent(self.without)} to {_percent(self.probability)}"
        return f"{self.column} {_cell(self.value)} (typical {_cell(self.typical)}) {change}"


def typical_values(features: pd.DataFrame) -> dict[str, float | str | None]:
    """The median of each column of numbers, the most frequent of categories; None where empty."""
    found: dict[str, float | str | None] = {}
    for name in features.columns:
        cells = features[name].dropna()
        if not len(cells):
            found[str(name)] = None
        elif pd.api.types.is_numeric_dtype(cells):
            found[str(name)] = float(cells.median())
        else:
            found[str(name)] = str(cells.mode().iloc[0])
    return found


def reasons(
    assess: Callable[[pd.DataFrame], Floats],
    features: pd.DataFrame,
    typical: Mapping[str, float | str | None],
    *,
    most: int = MOST,
) -> list[list[Reason]]:
    """For each row of `features`, what moves its odds most, the strongest first.

    `assess` gives probabilities `[D]` of such rows. A row without a probability has no reason.
    """
    as_is = assess(features)
    names = list(features.columns)
    without = np.empty((len(features), len(names)))
    for place, name in enumerate(names):
        value = typical[name]
        usual = np.nan if value is None else value
        without[:, place] = assess(features.assign(**{name: usual}))
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = [np.log(each) - np.log1p(-each) for each in (as_is[:, None], without)]
        moved = np.nan_to_num(np.abs(odds[0] - odds[1]), nan=0.0)
    order = np.argsort(-moved, axis=1, kind="stable")[:, :most]
    return [
        [
            Reason(
                column=names[place],
                value=_known(features[names[place]].iloc[row]),
                typical=typical[names[place]],
                probability=float(as_is[row]),
                without=float(without[row, place]),
            )
            for place in order[row]
            if moved[row, place] > _LEAST
        ]
        for row in range(len(features))
    ]


def _known(cell: object) -> float | str | None:
    """A table's cell; None where it is empty."""
    if isinstance(cell, str):
        return cell
    return float(cell) if isinstance(cell, float | int) and not np.isnan(cell) else None


def _cell(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else f"{value:.4g}"


def _percent(share: float) -> str:
    return f"{share:.2%}" if share < 0.0995 else f"{share:.1%}"
