"""The ledger of everything that was ever tried, which only grows.

A result chosen among many is only as good as the number it was chosen from, so deleting a run
keeps its trial. A trial is a distinct configuration over distinct inputs; running it again, or on
another device, adds none. A failed one counts: it was tried.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.store import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    universe TEXT NOT NULL,
    span_start TEXT NOT NULL,
    span_end TEXT NOT NULL,
    declared INTEGER NOT NULL,
    config TEXT NOT NULL,
    outcome TEXT NOT NULL,
    returns BLOB,
    excess BLOB
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS trials_stay BEFORE DELETE ON trials
BEGIN SELECT RAISE(ABORT, 'the ledger of trials only grows'); END;
"""


@dataclass(frozen=True)
class Trial:
    """One distinct thing that was tried.

    `id` is a hash of the resolved configuration, the code of its components and its inputs.
    `universe` is a hash of calendar and assets; two trials are of one family when they share it
    and their spans overlap.
    """

    id: str
    name: str
    universe: str
    span_start: str
    span_end: str
    declared: int
    config: dict[str, Any]


def trial_of(
    config: dict[str, Any], *, components: dict[str, Any], inputs: dict[str, str], assets: list[str]
) -> Trial:
    """The trial that a resolved configuration over these inputs is.

    Name, description and declared trials say nothing about what was tried, so they don't count;
    a changed file of a component does.
    """
    told = {"name", "description", "declared_trials"}
    tried = {key: value for key, value in config.items() if key not in told}
    code = {
        key: [each["name"], each["version"], each["sha256"]] for key, each in components.items()
    }
    identity = canonical_json({"config": tried, "components": code, "inputs": inputs})
    universe = canonical_json([config["market"]["calendar"], sorted(assets)])
    return Trial(
        id=hashlib.sha256(identity).hexdigest(),
        name=config["name"],
        universe=hashlib.sha256(universe).hexdigest(),
        span_start=config["span"]["start"],
        span_end=config["span"]["end"],
        declared=config["declared_trials"],
        config=config,
    )


@dataclass(frozen=True, eq=False)
class Entry:
    """What `Ledger.record` takes, as one thing."""

    trial: Trial
    outcome: str
    returns: NDArray[np.float64] | None
    excess: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Ledger:
    """The trials of a project, in one SQLite file."""

    path: Path

    def record(
        self,
        trial: Trial,
        *,
        outcome: str,
        returns: NDArray[np.float64] | None,
        excess: NDArray[np.float64] | None = None,
    ) -> None:
        """Enter a trial; entering it again changes nothing, unless it had failed before.

        `outcome` is "ok" or the error; `returns` `[T]` are its daily net returns, `excess` those
        less its text-neutral twin's, where it has one.
        """
        self.record_all([Entry(trial, outcome, returns, excess)])

    def record_all(self, entries: Sequence[Entry]) -> None:
        """Enter several trials in one transaction: all of them, or none."""
        rows = []
        for each in entries:
            blobs = [
                None if values is None else np.asarray(values, dtype="<f8").tobytes()
                for values in (each.returns, each.excess)
            ]
            trial = each.trial
            rows.append(
                (
                    *(trial.id, trial.name, trial.universe, trial.span_start, trial.span_end),
                    *(trial.declared, canonical_json(trial.config).decode(), each.outcome, *blobs),
                )
            )
        with self._open() as connection:
            connection.executemany(
                "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT(id) DO UPDATE SET outcome = excluded.outcome, "
                "returns = excluded.returns, excess = excluded.excess WHERE trials.outcome != 'ok'",
                rows,
            )

    def rivals(self, trial: Trial) -> list[NDArray[np.float64]]:
        """Daily returns less the twin's (net where there is none) of the family's other trials.

        Trials that failed have none; they count in `family` all the same.
        """
        with self._open() as connection:
            rows = connection.execute(
                "SELECT coalesce(excess, returns) FROM trials WHERE universe = ? AND id != ? "
                "AND span_start <= ? AND span_end >= ? AND returns IS NOT NULL ORDER BY id",
                (trial.universe, trial.id, trial.span_end, trial.span_start),
            ).fetchall()
        return [np.frombuffer(blob, dtype="<f8") for (blob,) in rows]

    def family(self, trial: Trial) -> dict[str, Any]:
        """How much was tried on this universe over an overlapping span, `trial` included.

        `declared` is the largest number any of them names as tried elsewhere; `digest` changes with
        every trial entered.
        """
        with self._open() as connection:
            rows = connection.execute(
                "SELECT id, declared, outcome, returns FROM trials WHERE universe = ? "
                "AND span_start <= ? AND span_end >= ? ORDER BY id",
                (trial.universe, trial.span_end, trial.span_start),
            ).fetchall()
        ids = {row[0] for row in rows} | {trial.id}
        declared = max([trial.declared, *(row[1] for row in rows)])
        digest = hashlib.sha256(repr([row[:3] for row in rows]).encode())
        for row in rows:
            digest.update(row[3] or b"")
        return {
            "family": trial.universe[:12],
            "recorded": len(ids),
            "declared": declared,
            "total": len(ids) + declared,
            "digest": digest.hexdigest(),
        }

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection whose block is one transaction, safe beside other processes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=60)
        try:
            connection.executescript(SCHEMA)
            with connection:
                yield connection
        finally:
            connection.close()
