"""Scores on disk, addressed by content: nothing is ever scored twice.

A row is found by the scorer's fingerprint and the SHA-256 of the cleaned text, so an entry can't
be out of date, only unused. It knows neither texts nor scorers. Several processes may share one
file, and a process may be killed at any time.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

Precision = Literal["fp32", "fp16"]
"""How a number is kept: 4 bytes, or 2 of which a unit vector's parts lose at most 2⁻¹² each."""

_NUMBERS: dict[str, np.dtype[Any]] = {"fp32": np.dtype("<f4"), "fp16": np.dtype("<f2")}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS scorers (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL DEFAULT '',
    used_on TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS scores (
    scorer INTEGER NOT NULL REFERENCES scorers,
    text BLOB NOT NULL,
    value BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (scorer, text)
) WITHOUT ROWID;
"""
# What format 1 lacked.
_MIGRATION = (
    "ALTER TABLE scorers ADD COLUMN label TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE scorers ADD COLUMN used_on TEXT NOT NULL DEFAULT ''",
)
_FORMAT = 2
_LOOKUP = 500
_PATIENCE_S = 60.0


class ScoreCache:
    """A SQLite file of scores in WAL mode; a context manager.

    Values are little-endian float32, or float16 where the caller declares it. Every row carries a
    CRC-32 over its address and value; a row that fails it is dropped and counted in `dropped`, and
    the caller scores that text again.

    Raises:
        DataError: the file isn't a cache, is damaged as a whole, or was written by another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.dropped = 0
        self._used: set[str] = set()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None)
        except (OSError, sqlite3.OperationalError) as error:
            raise DataError(f"{self.path}: can't open or make a score cache: {error}") from None
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
        self,
        fingerprint: str,
        keys: Sequence[bytes],
        *,
        width: int,
        precision: Precision = "fp32",
    ) -> dict[bytes, NDArray[np.float32]]:
        """The stored values, each `[width]`, of those `keys` that have any in this precision.

        A row that is damaged or of another width is deleted and left out.
        """
        try:
            return self._get_many(_address(fingerprint, precision), keys, width, precision)
        except sqlite3.DatabaseError as error:
            raise self._refusal(error) from error

    def put_many(
        self,
        fingerprint: str,
        values: Mapping[bytes, NDArray[np.float32]],
        *,
        precision: Precision = "fp32",
        label: str = "",
    ) -> None:
        """Store `values` by key, all of them or, if the process dies, none.

        Values that `precision` can't hold as they are must have gone through `rounded` before.
        `label` tells a person whose scores these are.
        """
        address = _address(fingerprint, precision)
        number = _NUMBERS[precision]
        today = _today()
        try:
            with self._transaction():
                self._connection.execute(
                    "INSERT INTO scorers (fingerprint, label, used_on) VALUES (?, ?, ?) "
                    "ON CONFLICT (fingerprint) DO UPDATE SET label = ?, used_on = ?",
                    (address, label, today, label, today),
                )
                scorer = self._scorer(address)
                self._connection.executemany(
                    "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)",
                    (
                        (scorer, key, blob, row_checksum(address, key, blob))
                        for key, blob in (
                            (k, v.astype(number).tobytes()) for k, v in values.items()
                        )
                    ),
                )
        except sqlite3.DatabaseError as error:
            raise self._refusal(error) from error

    def _get_many(
        self, address: str, keys: Sequence[bytes], width: int, precision: Precision
    ) -> dict[bytes, NDArray[np.float32]]:
        scorer = self._scorer(address)
        number = _NUMBERS[precision]
        found: dict[bytes, NDArray[np.float32]] = {}
        if scorer is None:
            return found
        self._note_use(address)
        damaged = []
        size = number.itemsize * width
        prefix = zlib.crc32(address.encode())
        blobs: list[bytes] = []
        sound: list[bytes] = []
        # In the order in which they lie on disk, so that a page is looked for once.
        ordered = sorted(keys)
        for start in range(0, len(ordered), _LOOKUP):
            some = ordered[start : start + _LOOKUP]
            marks = ",".join("?" * len(some))
            rows = self._connection.execute(
                "SELECT text, value, checksum FROM scores"  # noqa: S608 - only marks are inserted
                f" WHERE scorer = ? AND text IN ({marks})",
                (scorer, *some),
            )
            for key, blob, checksum in rows.fetchall():
                if (
                    isinstance(blob, bytes)
                    and len(blob) == size
                    and checksum == zlib.crc32(blob, zlib.crc32(key, prefix))
                ):
                    sound.append(key)
                    blobs.append(blob)
                else:
                    damaged.append((scorer, key))
        values = np.frombuffer(b"".join(blobs), dtype=number).astype(np.float32, copy=False)
        found = dict(zip(sound, values.reshape(len(sound), width), strict=True))
        if damaged:
            with self._transaction():
                self._connection.executemany(
                    "DELETE FROM scores WHERE scorer = ? AND text = ?", damaged
                )
            self.dropped += len(damaged)
        return found

    def _scorer(self, address: str) -> int | None:
        row = self._connection.execute(
            "SELECT id FROM scorers WHERE fingerprint = ?", (address,)
        ).fetchone()
        return None if row is None else int(row[0])

    def _note_use(self, address: str) -> None:
        """Write down, once a day at most, that these scores are still wanted."""
        if address in self._used:
            return
        self._used.add(address)
        today = _today()
        noted = self._connection.execute(
            "SELECT used_on FROM scorers WHERE fingerprint = ?", (address,)
        ).fetchone()
        if noted is not None and noted[0] != today:
            with self._transaction():
                self._connection.execute(
                    "UPDATE scorers SET used_on = ? WHERE fingerprint = ?", (today, address)
                )

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
            if version not in {0, 1, _FORMAT}:
                raise DataError(
                    f"{self.path}: a score cache of format {version}, expected {_FORMAT}; "
                    "delete the file, it holds nothing that can't be computed again"
                )
            if version == 0 and self._connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise DataError(f"{self.path}: a database of something else, no score cache")
            statements = _MIGRATION if version == 1 else filter(str.strip, _SCHEMA.split(";"))
            for statement in statements:
                self._connection.execute(statement)
            if version == 1:
                self._connection.execute("UPDATE scorers SET used_on = ?", (_today(),))
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
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.DatabaseError:  # a full disk, say: the connection must stay usable
                self._rollback()
                raise
        else:
            self._rollback()

    def _rollback(self) -> None:
        # Some errors have already ended the transaction.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def rounded(values: NDArray[np.float32], precision: Precision) -> NDArray[np.float32]:
    """Float32 `values` as they will come back from a cache of this precision.

    A fresh value goes through it too, so that it doesn't matter whether it was cached.

    Raises:
        DataError: a finite value is too large for it (beyond ±65504 in fp16).
    """
    if precision == "fp32":
        return values
    with np.errstate(over="ignore"):
        kept: NDArray[np.float32] = values.astype(_NUMBERS[precision]).astype(np.float32)
    if bool((np.isinf(kept) & np.isfinite(values)).any()):
        largest = float(np.abs(values[np.isfinite(values)]).max())
        raise DataError(f"a score of ±{largest:g} can't be kept in {precision}; declare fp32")
    return kept


def _address(fingerprint: str, precision: Precision) -> str:
    """What a scorer's rows are filed under: one precision is never served as another."""
    return fingerprint if precision == "fp32" else f"{fingerprint}:{precision}"


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def row_checksum(address: str, key: bytes, blob: bytes) -> int:
    """A CRC-32 that also notices a value that stands at the wrong address."""
    return zlib.crc32(blob, zlib.crc32(key, zlib.crc32(address.encode())))
