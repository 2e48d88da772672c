"""Who approved or rejected which artefact, and why: a log that only grows and shows tampering.

Every entry carries the hash of the one before it, and a second file, the witness, holds the last
hash and a hash of the whole log. It doesn't know what an artefact says, and it doesn't prove who
somebody is: a name is what was typed. Whoever can write both files can forge both; `verify` finds
that too where a hash was kept elsewhere.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from finstrat.errors import ConfigError, DataError
from finstrat.store import canonical_json, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = """CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    decision TEXT NOT NULL,
    artefact TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT"""
GUARDS = tuple(
    f"CREATE TRIGGER entries_{verb.lower()} BEFORE {verb} ON entries "
    "BEGIN SELECT RAISE(ABORT, 'the log of approvals only grows'); END"
    for verb in ("UPDATE", "DELETE")
)
START = "0" * 64
"""What the first entry follows."""

SECONDS_WAITED = 60

Decision = Literal["approved", "rejected", "opened"]
"""A holdout is opened; everything else is approved or rejected."""


@dataclass(frozen=True)
class Entry:
    """One decision.

    Attributes:
        number: 1 for the first.
        at: UTC, ISO 8601.
        by, reason: as typed.
        decision: "approved" or "rejected", or "opened" of a holdout.
        artefact: its name when it was decided on.
        sha256: of what was decided on.
        previous: the hash of the entry before it.
        hash: the sha256 of all of the above, as canonical JSON.
    """

    number: int
    at: str
    by: str
    decision: Decision
    artefact: str
    sha256: str
    reason: str
    previous: str
    hash: str

    def expected_hash(self) -> str:
        """What `hash` is where nothing was changed."""
        told = {key: value for key, value in asdict(self).items() if key != "hash"}
        return hashlib.sha256(canonical_json(told)).hexdigest()


@dataclass(frozen=True)
class Verified:
    """What `verify` saw: nothing in `problems` means that nothing was found.

    `note` says what is odd and no sign of tampering.
    """

    entries: int
    head: str
    problems: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Approvals:
    """The log of a project, in one SQLite file with its witness beside it."""

    path: Path

    @property
    def witness(self) -> Path:
        """The file that holds the last hash, apart from the log."""
        return self.path.with_suffix(".witness.json")

    def record(
        self, decision: Decision, *, artefact: str, sha256: str, by: str, reason: str
    ) -> Entry:
        """The entry just made; it is on disk when this returns, whatever happens then.

        Raises:
            ConfigError: nobody's name, or no reason.
            DataError: the log isn't in order, so nothing may be built on it.
        """
        for name, given in (("--by", by), ("--reason", reason)):
            if not given.strip():
                raise ConfigError(f"{name} is empty; say who decides, and why")
        found = self.verify()
        if found.problems:
            raise DataError(f"{self.path}: {found.problems[0]}; nothing was entered")
        with self._writing() as connection:
            entries = _entries(connection)
            draft = Entry(
                number=len(entries) + 1,
                at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                by=by.strip(),
                decision=decision,
                artefact=artefact,
                sha256=sha256,
                reason=reason.strip(),
                previous=entries[-1].hash if entries else START,
                hash="",
            )
            entry = Entry(**{**asdict(draft), "hash": draft.expected_hash()})
            row = tuple(asdict(entry).values())
            connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._bear_witness()
        return entry

    def entries(self) -> list[Entry]:
        """Every decision, the oldest first.

        Raises:
            DataError: the file is damaged.
        """
        if not self.path.is_file():
            return []
        try:
            with contextlib.closing(self._connect()) as connection:
                return _entries(connection)
        except (sqlite3.Error, ValueError) as error:
            raise DataError(f"{self.path}: damaged: {error}") from None

    def latest(self, sha256: str) -> Entry | None:
        """The last decision on what has this hash; a later one displaces an earlier."""
        return next((each for each in reversed(self.entries()) if each.sha256 == sha256), None)

    def verify(self, *, head: str | None = None) -> Verified:
        """Whether the log is what was written.

        `head` is a hash noted earlier, which must still be in the chain: that finds even a log
        and a witness that were both written anew.
        """
        try:
            witness = self._read_witness()
        except (ValueError, KeyError, TypeError):
            return Verified(0, START, (f"{self.witness.name} is damaged",))
        if not self.path.is_file():
            lost = witness is not None and witness[0] > 0
            return Verified(0, START, ("the log is gone; its witness is here",) if lost else ())
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.execute("BEGIN")
                entries = _entries(connection)
                digest = _digest(connection) if entries else ""
                problems = [*_damage(connection), *_breaks(entries)]
        except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:
            return Verified(0, START, (f"the log is damaged: {error}",))
        hashes = [each.hash for each in entries]
        note = ""
        if witness is None:
            problems += [f"{self.witness.name} is gone"] * bool(entries)
        else:
            count, last, whole = witness
            if count > len(entries):
                problems.append(f"the last {count - len(entries)} of {count} entries are gone")
            elif last != [START, *hashes][count]:
                problems.append(f"entry {count} is not the one that {self.witness.name} names")
            elif 0 < count == len(entries) and whole != digest:
                problems.append("the file was changed, though no entry was")
            elif count < len(entries):
                note = (
                    f"{len(entries) - count} entry or entries are newer than "
                    f"{self.witness.name}: a process was stopped, or the file was set back"
                )
        if head is not None and head not in {START, *hashes}:
            problems.append(f"no entry has the hash {head} that was noted")
        return Verified(len(entries), hashes[-1] if hashes else START, tuple(problems), note)

    def _bear_witness(self) -> None:
        """Note the last hash and the file's own, with every other writer kept out meanwhile."""
        with contextlib.closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            entries = _entries(connection)
            digest = _digest(connection)
            self._write_witness(len(entries), entries[-1].hash, digest)
            connection.execute("ROLLBACK")

    def _write_witness(self, count: int, head: str, digest: str) -> None:
        told = {"entries": count, "head": head, "file": digest}
        write_atomically(self.witness, canonical_json(told))

    def _read_witness(self) -> tuple[int, str, str] | None:
        try:
            told = json.loads(self.witness.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        count = told["entries"]
        if not isinstance(count, int) or count < 0 or len(told) != 3:
            raise ValueError(told)
        return count, told["head"], told["file"]

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=SECONDS_WAITED, isolation_level=None)
        # An approval must outlast the machine's power, not only its process.
        connection.execute("PRAGMA synchronous = EXTRA")
        return connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A connection whose block is one transaction, alone among writers."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not connection.execute("SELECT 1 FROM sqlite_schema").fetchall():
                    # First, so that a log without a witness is never what a stopped process left.
                    self._write_witness(0, START, "")
                    for statement in (TABLE, *GUARDS):
                        connection.execute(statement)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise


def _entries(connection: sqlite3.Connection) -> list[Entry]:
    if not connection.execute("SELECT 1 FROM sqlite_schema").fetchall():
        return []
    return [Entry(*row) for row in connection.execute("SELECT * FROM entries ORDER BY number")]


def _digest(connection: sqlite3.Connection) -> str:
    """The sha256 of the whole file; reading it directly would drop SQLite's locks on it."""
    return hashlib.sha256(connection.serialize()).hexdigest()


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    """What SQLite itself finds wrong, and guards that were taken away."""
    for (found,) in connection.execute("PRAGMA integrity_check").fetchall():
        if found != "ok":
            yield f"the log is damaged: {found}"
    schema = [text for (text,) in connection.execute("SELECT sql FROM sqlite_schema")]
    if schema and schema != [TABLE, *GUARDS]:
        yield "the log's tables or guards were changed"


def _breaks(entries: list[Entry]) -> Iterator[str]:
    """Where the chain doesn't hold; the first break says where to look."""
    previous = START
    for number, entry in enumerate(entries, start=1):
        if entry.number != number:
            yield f"entry {number} is missing"
            return
        if entry.hash != entry.expected_hash():
            yield f"entry {number} was changed after it was made"
            return
        if entry.previous != previous:
            yield f"entry {number} does not follow entry {number - 1}"
            return
        previous = entry.hash
