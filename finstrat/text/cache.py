"""Scores on disk, addressed by content: nothing is ever scored twice.

A row is found by the scorer's fingerprint and the SHA-256 of the cleaned text, so an entry can't
be out of date, only unused. It knows neither texts nor scorers. Several processes may share one
file, and a process may be killed at any time.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

_SCHEMA = """
CREATE TABLE IF NOT EXISTS scorers (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS scores (
    scorer INTEGER NOT NULL REFERENCES scorers,
    text BLOB NOT NULL,
    value BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (scorer, text)
) WITHOUT ROWID;
"""
_FORMAT = 1
_LOOKUP = 500
_PATIENCE_S = 60.0


class ScoreCache:
    """A SQLite file of scores in WAL mode; a context manager.

    Values are little-endian float32. Every row carries a CRC-32 over its address and value; a row
    that fails it is dropped and counted in `dropped`, and the caller scores that text again.

    Raises:
        DataError: the file isn't a cache, is damaged as a whole, or was written by another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.dropped = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self.close()
            raise self._refusal(error) from error
        except DataError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the cache can't be used afterwards."""
        self._connection.close()

    def get_many(
        self, fingerprint: str, keys: Sequence[bytes], *, width: int
    ) -> dict[bytes, NDArray[np.float32]]:
        """The stored values, each `[width]`, of those `keys` that have any.

        A row that is damaged or of another width is deleted and left out.
        """
        try:
            return self._get_many(fingerprint, keys, width)
        except sqlite3.DatabaseError as error:
            raise self._refusal(error) from error

    def put_many(self, fingerprint: str, values: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Store `values` by key, all of them or, if the process dies, none."""
        try:
            with self._transaction():
                self._connection.execute(
                    "INSERT OR IGNORE INTO scorers (fingerprint) VALUES (?)", (fingerprint,)
                )
                scorer = self._scorer(fingerprint)
                self._connection.executemany(
                    "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)",
                    (
                        (scorer, key, blob, _checksum(fingerprint, key, blob))
                        for key, blob in ((k, v.astype("<f4").tobytes()) for k, v in values.items())
                    ),
                )
        except sqlite3.DatabaseError as error:
            raise self._refusal(error) from error

    def _get_many(
        self, fingerprint: str, keys: Sequence[bytes], width: int
    ) -> dict[bytes, NDArray[np.float32]]:
        scorer = self._scorer(fingerprint)
        found: dict[bytes, NDArray[np.float32]] = {}
        if scorer is None:
            return found
        damaged = []
        for start in range(0, len(keys), _LOOKUP):
            some = keys[start : start + _LOOKUP]
            marks = ",".join("?" * len(some))
            rows = self._connection.execute(
                "SELECT text, value, checksum FROM scores"  # noqa: S608 - only marks are inserted
                f" WHERE scorer = ? AND text IN ({marks})",
                (scorer, *some),
            )
            for key, blob, checksum in rows:
                sound = isinstance(blob, bytes) and checksum == _checksum(fingerprint, key, blob)
                if sound and len(blob) == 4 * width:
                    found[key] = np.frombuffer(blob, dtype="<f4")
                else:
                    damaged.append((scorer, key))
        if damaged:
            with self._transaction():
                self._connection.executemany(
                    "DELETE FROM scores WHERE scorer = ? AND text = ?", damaged
                )
            self.dropped += len(damaged)
        return found

    def _scorer(self, fingerprint: str) -> int | None:
        row = self._connection.execute(
            "SELECT id FROM scorers WHERE fingerprint = ?", (fingerprint,)
        ).fetchone()
        return None if row is None else int(row[0])

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)

    def _prepare(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            # Going over to WAL needs the file alone, and SQLite doesn't wait for that by itself.
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        # In WAL mode NORMAL can lose the last commits in a power cut, but never corrupts the file.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._transaction():
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version not in {0, _FORMAT}:
                raise DataError(
                    f"{self.path}: a score cache of format {version}, expected {_FORMAT}; "
                    "delete the file, it holds nothing that can't be computed again"
                )
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {_FORMAT}")

    def _refusal(self, error: sqlite3.DatabaseError) -> DataError:
        return DataError(
            f"{self.path}: can't be used as a score cache ({error}); if it is damaged, delete it "
            "with its -wal and -shm files: it holds nothing that can't be computed again"
        )


class _Transaction:
    """A write transaction that takes the lock at once, so that it can't fail halfway on it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


def _checksum(fingerprint: str, key: bytes, blob: bytes) -> int:
    """A CRC-32 that also notices a value that stands at the wrong address."""
    return zlib.crc32(blob, zlib.crc32(key, zlib.crc32(fingerprint.encode())))
