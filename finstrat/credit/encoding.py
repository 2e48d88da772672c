"""Columns of a borrower table as numbers a model can use, learnt on training rows alone.

Three ways: plain (as they are, for trees), normal scores (each number by its rank among the
training rows, which tames ratios that run to millions), and weight of evidence (bins, each worth
the log odds of default within it). It knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri
from sklearn.tree import DecisionTreeClassifier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Kind = Literal["plain", "scores", "woe"]

_KNOTS = 101
_BINS = 6
_SMALLEST_BIN = 0.05


@dataclass(frozen=True, eq=False)
class Column:
    """How one column becomes one or several.

    Attributes:
        name: of the table's column.
        levels: of categories, in the order of `worth` or of the columns made; None for numbers.
        knots: for scores the quantiles, for weight of evidence the upper edges of all bins but
            the last.
        worth: what knots, bins or levels are worth.
        unknown: what a hole or a level never seen is worth.
        flagged: whether a column that marks holes is added.
    """

    name: str
    levels: tuple[str, ...] | None
    knots: Floats
    worth: Floats
    unknown: float
    flagged: bool


@dataclass(frozen=True, eq=False)
class Encoding:
    """A table's columns as a matrix `[D, E]` float64."""

    kind: Kind
    columns: tuple[Column, ...]

    def matrix(self, features: pd.DataFrame) -> Floats:
        """The rows of `features`, which has these columns; NaN in plain numbers = unknown."""
        parts = [part for column in self.columns for part in self._parts(column, features)]
        return np.column_stack(parts)

    def _parts(self, column: Column, features: pd.DataFrame) -> list[Floats]:
        cells = features[column.name]
        if column.levels is not None:
            place = cells.map({level: i for i, level in enumerate(column.levels)})
            codes = place.fillna(len(column.levels)).to_numpy(dtype=np.int64)
            if self.kind == "woe":
                return [np.append(column.worth, column.unknown)[codes]]
            return [(codes == i).astype(np.float64) for i in range(len(column.levels))]
        numbers = cells.to_numpy(dtype=np.float64)
        if self.kind == "plain":
            return [numbers]
        hole = np.isnan(numbers)
        if self.kind == "woe":
            bins = np.searchsorted(column.knots, numbers, side="left")
            return [np.where(hole, column.unknown, np.append(column.worth, np.nan)[bins])]
        scores = np.where(hole, column.unknown, np.interp(numbers, column.knots, column.worth))
        return [scores, hole.astype(np.float64)] if column.flagged else [scores]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "kind": self.kind,
            "columns": [
                {
                    "name": column.name,
                    "levels": column.levels,
                    "knots": column.knots.tolist(),
                    "worth": column.worth.tolist(),
                    "unknown": column.unknown,
                    "flagged": column.flagged,
                }
                for column in self.columns
            ],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Encoding:
        """What `to_dict` gave."""
        return cls(
            data["kind"],
            tuple(
                Column(
                    name=str(each["name"]),
                    levels=None if each["levels"] is None else tuple(each["levels"]),
                    knots=np.array(each["knots"], dtype=np.float64),
                    worth=np.array(each["worth"], dtype=np.float64),
                    unknown=float(each["unknown"]),
                    flagged=bool(each["flagged"]),
                )
                for each in data["columns"]
            ),
        )


def learn_encoding(kind: Kind, features: pd.DataFrame, defaulted: NDArray[np.bool_]) -> Encoding:
    """The encoding that these training rows suggest; `defaulted` is used by "woe" alone."""
    return Encoding(
        kind, tuple(_learn(kind, features[name], defaulted) for name in features.columns)
    )


def _learn(kind: Kind, cells: pd.Series, defaulted: NDArray[np.bool_]) -> Column:
    name, none = str(cells.name), np.empty(0)
    if not pd.api.types.is_numeric_dtype(cells):
        levels = tuple(sorted(map(str, cells.dropna().unique())))
        if kind != "woe":
            return Column(name, levels, none, none, 0.0, flagged=False)
        place = cells.map({level: i for i, level in enumerate(levels)})
        codes = place.fillna(len(levels)).to_numpy(dtype=np.int64)
        worth = _evidence(codes, len(levels) + 1, defaulted)
        return Column(name, levels, none, worth[:-1], float(worth[-1]), flagged=False)
    numbers = cells.to_numpy(dtype=np.float64)
    hole = np.isnan(numbers)
    known = numbers[~hole]
    if kind == "plain" or not len(known):
        return Column(name, None, np.zeros(1), np.zeros(1), 0.0, flagged=False)
    if kind == "scores":
        ranks = np.linspace(0.0, 1.0, _KNOTS)
        knots = np.quantile(known, ranks)
        # Where many rows share a number, its place is the middle of theirs.
        unique, first, counts = np.unique(knots, return_index=True, return_counts=True)
        middle = ranks[first] + (counts - 1) / (2.0 * (_KNOTS - 1))
        inside = np.clip(middle, 0.5 / _KNOTS, 1.0 - 0.5 / _KNOTS)
        return Column(name, None, unique, ndtri(inside), 0.0, flagged=bool(hole.any()))
    tree = DecisionTreeClassifier(
        max_leaf_nodes=_BINS, min_samples_leaf=max(1, int(_SMALLEST_BIN * len(known)))
    ).fit(known[:, None], defaulted[~hole])
    edges = np.sort(tree.tree_.threshold[tree.tree_.feature >= 0]).astype(np.float64)
    codes = np.where(hole, len(edges) + 1, np.searchsorted(edges, numbers, side="left"))
    worth = _evidence(codes, len(edges) + 2, defaulted)
    return Column(name, None, edges, worth[:-1], float(worth[-1]), flagged=False)


def _evidence(codes: NDArray[np.integer[Any]], count: int, defaulted: NDArray[np.bool_]) -> Floats:
    """Weight of evidence of each bin: ln of its share of the defaults over its share of the rest.

    Half a row of each sort is added to every bin, so that none is infinite and an empty one is
    worth about nothing (Good, 1950; high = risky here).
    """
    bad = np.bincount(codes, weights=defaulted, minlength=count) + 0.5 * defaulted.mean()
    good = np.bincount(codes, weights=~defaulted, minlength=count) + 0.5 * (~defaulted).mean()
    worth: Floats = np.log(bad / bad.sum()) - np.log(good / good.sum())
    return worth
