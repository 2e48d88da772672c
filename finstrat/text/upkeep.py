"""Looking after a score cache: what it holds, whether it is sound, what can go.

Other processes may go on using the file meanwhile.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finstrat.errors import CheckFailedError, DataError
from finstrat.text.cache import ScoreCache, row_checksum

if TYPE_CHECKING:
    from collections.abc import Iterable

_DELETED_AT_ONCE = 20_000


@dataclass(frozen=True)
class Scores:
    """The scores of one scorer, in one state of its weights, options and code.

    Attributes:
        fingerprint: that state.
        label: name and version of the scorer, or "" where an older finstrat wrote the rows.
        rows: texts scored.
        value_bytes: of one text's scores.
        used_on: the last day (UTC) on which they were asked for or written; None = unknown.
    """

    fingerprint: str
    label: str
    rows: int
    value_bytes: float
    used_on: dt.date | None


class CacheUpkeep(ScoreCache):
    """A score cache, opened to be looked after."""

    def contents(self) -> list[Scores]:
        """What is there, the largest first."""
        found = self._read(
            "SELECT fingerprint, label, used_on, count(text), coalesce(avg(length(value)), 0)"
            " FROM scorers LEFT JOIN scores ON scores.scorer = scorers.id"
            " GROUP BY scorers.id ORDER BY count(text) DESC, fingerprint"
        )
        return [
            Scores(fingerprint, label, rows, size, _day(used_on))
            for fingerprint, label, used_on, rows, size in found
        ]

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        beside = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(path.stat().st_size for path in beside if path.is_file())

    def verify(self) -> int:
        """The number of rows that were damaged; they are deleted, and will be scored again.

        Raises:
            CheckFailedError: the file's own structure is damaged.
        """
        try:
            [answer, *_more] = [row[0] for row in self._connection.execute("PRAGMA quick_check")]
            if answer != "ok":
                raise sqlite3.DatabaseError(answer)
            damaged = [
                (scorer, key)
                for scorer, fingerprint, key, value, checksum in self._connection.execute(
                    "SELECT scores.scorer, fingerprint, text, value, checksum"
                    " FROM scores LEFT JOIN scorers ON scorers.id = scores.scorer"
                )
                if not _is_sound(fingerprint, key, value, checksum)
            ]
            with self._transaction():
                self._connection.executemany(
                    "DELETE FROM scores WHERE scorer = ? AND text = ?", damaged
                )
        except sqlite3.DatabaseError as error:
            raise CheckFailedError(str(self._refusal(error))) from None
        return len(damaged)

    def forget(self, fingerprints: Iterable[str]) -> int:
        """The number of rows deleted: all those of these scorers."""
        forgotten = 0
        for fingerprint in fingerprints:
            scorer = self._scorer(fingerprint)
            while True:
                # In parts, so that other processes wait for none of them long.
                with self._transaction():
                    deleted = self._connection.execute(
                        "DELETE FROM scores WHERE scorer = ?1 AND text IN"
                        " (SELECT text FROM scores WHERE scorer = ?1 LIMIT ?2)",
                        (scorer, _DELETED_AT_ONCE),
                    ).rowcount
                forgotten += deleted
                if deleted < _DELETED_AT_ONCE:
                    break
            with self._transaction():
                # Unless another process has begun to fill it again.
                self._connection.execute(
                    "DELETE FROM scorers WHERE id = ?1"
                    " AND NOT EXISTS (SELECT 1 FROM scores WHERE scorer = ?1)",
                    (scorer,),
                )
        return forgotten

    def compact(self) -> None:
        """Give the space of deleted rows back to the disk; needs as much again while it works.

        Raises:
            DataError: another process kept the file busy, or the disk is full.
        """
        try:
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError as error:
            raise DataError(
                f"{self.path}: rows are deleted, but the file can't shrink now ({error}); "
                "run it again when no other process uses the cache and the disk has space"
            ) from None

    def _read(self, query: str) -> list[tuple[str, str, str, int, float]]:
        try:
            return self._connection.execute(query).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._refusal(error) from error


def _is_sound(fingerprint: object, key: object, value: object, checksum: object) -> bool:
    return (
        isinstance(fingerprint, str)
        and isinstance(key, bytes)
        and isinstance(value, bytes)
        and checksum == row_checksum(fingerprint, key, value)
    )


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
