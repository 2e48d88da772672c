"""What came of one configuration, and where the outcomes of a sweep are kept while it goes on.

A sweep's directory holds a file for each batch that is done, written whole or not at all, so that
an interrupted sweep continues where it was. What they amount to is said elsewhere.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.errors import DataError
from finstrat.store import canonical_json, write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.sweep.grid import Grid
    from finstrat.toml_file import TomlFile


@dataclass(frozen=True)
class Statistics:
    """Figures of one account; NaN where there is none. Fractions a year unless said otherwise."""

    sharpe: float = np.nan
    sharpe_over_twin: float = np.nan
    cagr: float = np.nan
    volatility: float = np.nan
    max_drawdown: float = np.nan
    turnover: float = np.nan
    costs: float = np.nan
    exposure: float = np.nan


@dataclass(frozen=True, eq=False)
class Outcome:
    """One configuration that was tried, or refused.

    Attributes:
        place: in the grid.
        trial: its id in the ledger; empty where the configuration was refused.
        outcome: "ok", "refused: …", or the error.
        statistics: of the account.
        net: daily net returns `[T]`; None where it failed.
        excess: those less the twin's; None where no signal reads text.
    """

    place: int
    trial: str
    outcome: str
    statistics: Statistics = Statistics()
    net: NDArray[np.float64] | None = None
    excess: NDArray[np.float64] | None = None

    @property
    def ok(self) -> bool:
        """Whether it has returns."""
        return self.net is not None


NAMES = tuple(field.name for field in fields(Statistics))


@dataclass(frozen=True)
class SweepDirectory:
    """Where one sweep is kept: the same file and grid always lead to the same directory."""

    path: Path

    @classmethod
    def of(cls, runs: Path, name: str, file: TomlFile, grid: Grid) -> SweepDirectory:
        """The directory of this sweep, there or not."""
        axes = {key: [repr(value) for value in values] for key, values in grid.axes.items()}
        asked = canonical_json([repr(file.data), axes])
        return cls(runs / f"{name}-sweep-{hashlib.sha256(asked).hexdigest()[:8]}")

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Write one batch down."""
        parts = self.path / "parts"
        parts.mkdir(parents=True, exist_ok=True)
        taken = [int(each.stem) for each in parts.glob("*.parquet")]
        buffer = io.BytesIO()
        pd.DataFrame([_row(each) for each in outcomes]).to_parquet(buffer)
        write_atomically(parts / f"{max(taken, default=0) + 1:05d}.parquet", buffer.getvalue())

    def kept(self) -> dict[int, Outcome]:
        """What earlier batches left, by place; the later of two wins.

        Raises:
            DataError: a file can't be read.
        """
        found: dict[int, Outcome] = {}
        for path in sorted((self.path / "parts").glob("*.parquet")):
            try:
                rows = pd.read_parquet(path).to_dict(orient="records")
            except (OSError, ValueError) as error:
                raise DataError(f"{path}: {error}; remove it to do its part again") from None
            outcomes = [_outcome({str(key): cell for key, cell in row.items()}) for row in rows]
            found |= {each.place: each for each in outcomes}
        return found


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "place": outcome.place,
        "trial": outcome.trial,
        "outcome": outcome.outcome,
        **{name: getattr(outcome.statistics, name) for name in NAMES},
        **{name: _bytes(getattr(outcome, name)) for name in ("net", "excess")},
    }


def _outcome(row: dict[str, Any]) -> Outcome:
    return Outcome(
        place=int(row["place"]),
        trial=row["trial"],
        outcome=row["outcome"],
        statistics=Statistics(**{name: float(row[name]) for name in NAMES}),
        **{
            name: None if row[name] is None else np.frombuffer(row[name], dtype="<f8")
            for name in ("net", "excess")
        },
    )


def _bytes(values: NDArray[np.float64] | None) -> bytes | None:
    return None if values is None else values.astype("<f8").tobytes()
