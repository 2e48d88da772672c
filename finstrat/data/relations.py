"""Who is related to whom, in which way, and since when that was known: a small table of edges.

An edge counts from the first session after the day on which it was known, until the day on which it
ended. It knows assets and dates; what a relation is good for, a signal says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.data.entities import Entities
from finstrat.data.frames import (
    numbers,
    read_table,
    require_columns,
    require_dates,
    require_values,
    with_standard_names,
)
from finstrat.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PEER = "peer"
"""The relation of assets of one group."""


@dataclass(frozen=True)
class Stretch:
    """Sessions over which no edge comes or goes.

    Attributes:
        start, stop: rows, the last excluded.
        weights: `[N, N]`; row i says how much each asset counts for asset i, 0 = unrelated.
    """

    start: int
    stop: int
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Relations:
    """Edges with the columns `asset`, `related`, `relation`, `weight`, `known_at` and `end`.

    `related` is what `asset` has: a row (AAPL, TSM, supplier) says that TSM supplies AAPL.
    `known_at` and `end` are naive dates; NaT in `known_at` means that the edge held before any
    session, in `end` that it holds still.
    """

    frame: pd.DataFrame

    @classmethod
    def read(cls, path: Path) -> Relations:
        """The table in a file; see `from_frame`.

        A table of names with a group or sector (`finstrat.data.entities`) gives peers.
        """
        table = read_table(path)
        columns = {str(name).strip().lower() for name in table.columns}
        if "related" not in columns and columns & {"group", "sector"}:
            return cls.of_groups(Entities.from_frame(table, where=str(path)))
        return cls.from_frame(table, where=str(path))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, where: str) -> Relations:
        """The table in a frame: `asset`, `related`, `relation`, `known_at`, `weight`, `end`.

        The last two may be absent: the weight is 1 then, and no edge ends. `where` names the file
        in errors.

        Raises:
            DataError: a column or cell is missing, a date or weight can't be read, a weight isn't
                above 0, an edge ends before it was known, joins an asset to itself, or stands
                twice over the same days.
        """
        rows = with_standard_names(frame, where=where)
        named = ("asset", "related", "relation")
        require_columns(rows, (*named, "known_at"), where=where)
        require_values(rows, named, where=where)
        table = pd.DataFrame({name: rows[name].astype(str).str.strip() for name in named})
        table["weight"] = numbers(rows, "weight", where=where) if "weight" in rows else 1.0
        table["known_at"] = require_dates(rows, "known_at", where=where)
        table["end"] = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns]")
        if "end" in rows and (given := rows["end"].notna()).any():
            table.loc[given, "end"] = require_dates(rows[given], "end", where=where)
        wrong = {
            "weight: expected a number above 0": ~(table["weight"] > 0),
            "an asset is not related to itself": table["asset"] == table["related"],
            "end lies before known_at": table["end"] < table["known_at"],
        }
        for problem, bad in wrong.items():
            if bad.any():
                raise DataError(f"{where}: row {int(np.argmax(bad)) + 1}: {problem}")
        ordered = table.reset_index(drop=True).sort_values([*named, "known_at"], kind="stable")
        before = ordered.shift()
        same = (ordered[list(named)] == before[list(named)]).all(axis=1)
        open_still = before["end"].isna() | (before["end"] >= ordered["known_at"])
        if (same & open_still).any():
            row = int(ordered.index[int(np.argmax(same & open_still))])
            raise DataError(
                f"{where}: row {row + 1}: the edge stands above already, and had not ended then; "
                "give the earlier one an end"
            )
        return cls(table.reset_index(drop=True))

    @classmethod
    def of_groups(cls, entities: Entities) -> Relations:
        """Every asset related to the others of its group as `PEER`, with weight 1, undated."""
        edges = [
            (asset, peer, PEER, 1.0, pd.NaT, pd.NaT)
            for asset in entities.groups
            for peer in entities.peers(asset)
        ]
        columns = ["asset", "related", "relation", "weight", "known_at", "end"]
        frame = pd.DataFrame(edges, columns=columns)
        dated = dict.fromkeys(("known_at", "end"), "datetime64[ns]")
        return cls(frame.astype({**dated, "weight": "float64"}))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The relations that there are, sorted."""
        return tuple(sorted(self.frame["relation"].unique()))

    def stretches(
        self, relation: str, assets: Sequence[str], sessions: NDArray[np.datetime64]
    ) -> list[Stretch]:
        """The edges of one relation among `assets`, over all `sessions` `[T]`, in order of time.

        Row t uses nothing known at or after cutoff t: an edge known on a day counts from the first
        session after it. Edges to other assets don't count.

        Raises:
            DataError: there is no such relation.
        """
        if relation not in self.kinds:
            hint = did_you_mean(relation, self.kinds)
            raise DataError(
                f'no relation "{relation}"{hint}; there are: {", ".join(self.kinds) or "none"}'
            )
        place = {asset: column for column, asset in enumerate(assets)}
        frame = self.frame
        inside = frame["asset"].isin(place) & frame["related"].isin(place)
        edges = frame[inside & (frame["relation"] == relation)]
        days = sessions.astype("datetime64[D]")
        first = np.searchsorted(days, _days(edges["known_at"]), side="right")
        first[edges["known_at"].isna()] = 0
        stop = np.searchsorted(days, _days(edges["end"]), side="right")
        stop[edges["end"].isna()] = len(days)
        rows = edges["asset"].map(place).to_numpy(dtype=np.int64)
        columns = edges["related"].map(place).to_numpy(dtype=np.int64)
        bounds = np.unique(np.concatenate([[0, len(days)], first, stop]))
        found = []
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            weights = np.zeros((len(assets), len(assets)))
            live = (first <= start) & (end <= stop)
            weights[rows[live], columns[live]] = edges["weight"].to_numpy()[live]
            found.append(Stretch(start, end, weights))
        return found


def _days(dates: pd.Series) -> NDArray[np.datetime64]:
    days: NDArray[np.datetime64] = dates.to_numpy().astype("datetime64[D]")
    return days
