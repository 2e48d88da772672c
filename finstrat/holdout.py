"""The locked holdout: a span that no plan may load before somebody opens it, which is logged.

`finstrat.toml` declares it. From the first look at the declaration on, the seal is kept beside the
trials, so that neither an edited nor a deleted table unlocks anything. An opening is an entry in
the log of approvals. After it every configuration that loads the span is a look, and looks are
counted: only the first one is out of sample. Who deletes the project's state deletes this too.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from finstrat.approvals import Approvals
from finstrat.components import Settings
from finstrat.errors import ConfigError, DataError
from finstrat.project import MARKER, STATE
from finstrat.store import canonical_json
from finstrat.toml_file import TomlFile, config_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from finstrat.approvals import Entry
    from finstrat.config import Plan

_UNTOLD = {"name", "description", "declared_trials", "span"}
"""Settings that don't make another configuration of a backtest."""

_TABLE = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    holdout TEXT NOT NULL,
    configuration TEXT NOT NULL,
    span TEXT NOT NULL,
    UNIQUE (what, holdout, configuration)
) STRICT;
CREATE TRIGGER IF NOT EXISTS events_stay BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'what is known of holdouts only grows'); END;
CREATE TRIGGER IF NOT EXISTS events_last BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'what is known of holdouts only grows'); END;
"""


class _Declared(Settings):
    """The `[holdout]` table of `finstrat.toml`."""

    start: dt.date = Field(description="its first day")
    end: dt.date | None = Field(None, description="its last day; none: it never ends")
    assets: tuple[str, ...] | None = Field(None, description="only runs on any of these; none: all")

    @field_validator("end")
    @classmethod
    def _not_before_start(cls, end: dt.date | None, given: ValidationInfo) -> dt.date | None:
        start = given.data.get("start")
        if end is not None and start is not None and end < start:
            raise ValueError(f"the end {end} lies before the start {start}")
        return end


@dataclass(frozen=True)
class Holdout:
    """A span kept back, both ends included; without `end` it goes on, without `assets` it is all.

    `where` is the line that declares it, or says that only the seal is left.
    """

    start: dt.date
    end: dt.date | None
    assets: tuple[str, ...] | None
    where: str

    @property
    def key(self) -> str:
        """What it is, as JSON; two declarations of the same are one."""
        told = {
            "start": str(self.start),
            "end": None if self.end is None else str(self.end),
            "assets": None if self.assets is None else sorted(self.assets),
        }
        return canonical_json(told).decode()

    @property
    def sha256(self) -> str:
        """Its hash in the log of approvals."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def __str__(self) -> str:
        """The span, and the assets where it isn't all."""
        about = "" if self.assets is None else f" of {', '.join(sorted(self.assets))}"
        return f"{self.start} to {self.end or 'the end of time'}{about}"

    def is_reached(self, first: dt.date, last: dt.date, assets: tuple[str, ...] | None) -> bool:
        """Whether data from `first` to `last` about `assets` (none: whatever there is) touch it."""
        if last < self.start or (self.end is not None and first > self.end):
            return False
        return self.assets is None or assets is None or not set(self.assets).isdisjoint(assets)


@dataclass(frozen=True)
class Look:
    """A look at an opened holdout, as a run's manifest keeps it.

    Attributes:
        holdout: the span, in words.
        start, end: its first and last day; no end: it goes on.
        opened_at, by, reason: of the opening.
        number: 1 for the first configuration that looked, whatever part of it was loaded.
        fixed: whether this configuration, its code included, had run before the opening.
    """

    holdout: str
    start: str
    end: str | None
    opened_at: str
    by: str
    reason: str
    number: int
    fixed: bool


@dataclass(frozen=True)
class Lock:
    """The holdouts of the project at `root`."""

    root: Path

    @property
    def path(self) -> Path:
        """Where seals and looks are kept."""
        return self.root / STATE / "holdout.sqlite"

    @property
    def approvals(self) -> Approvals:
        """Where openings are kept."""
        return Approvals(self.root / STATE / "approvals.sqlite")

    def declared(self) -> Holdout | None:
        """The holdout of `finstrat.toml`.

        Raises:
            ConfigError: the table can't be read.
        """
        if not (self.root / MARKER).is_file():
            return None
        file = TomlFile.read(self.root / MARKER, shown_as=MARKER)
        if "holdout" not in file.data:
            return None
        try:
            table = _Declared.model_validate(file.data["holdout"])
        except ValidationError as error:
            raise config_error(error, file, ("holdout",), _Declared) from None
        return Holdout(table.start, table.end, table.assets, file.where(("holdout", "start")))

    def holdouts(self) -> list[Holdout]:
        """The declared one, sealed from now on, and whatever was sealed before; by start."""
        declared = self.declared()
        if declared is None and not self.path.is_file():
            return []
        with self._open() as connection:
            if declared is not None:
                _enter(connection, [("sealed", declared.key, "", "")])
            rows = connection.execute(
                "SELECT holdout, at FROM events WHERE what = 'sealed' ORDER BY holdout"
            ).fetchall()
        found = [_unsealed(key, at) for key, at in rows]
        if declared is not None:
            found = [declared if each.key == declared.key else each for each in found]
        return sorted(found, key=lambda each: (each.start, each.key))

    def opening(self, holdout: Holdout) -> Entry | None:
        """The entry that opened it, or None while it is locked."""
        return next(
            (each for each in self.approvals.entries() if each.sha256 == holdout.sha256), None
        )

    def open(self, holdout: Holdout, *, by: str, reason: str) -> Entry:
        """Open it for good; the entry that says so.

        Raises:
            ConfigError: nobody's name or no reason, or it is open already.
        """
        if (entry := self.opening(holdout)) is not None:
            raise ConfigError(
                f"the holdout {holdout} was opened on {entry.at[:10]} by {entry.by}: {entry.reason}"
            )
        return self.approvals.record(
            "opened", artefact=f"holdout {holdout}", sha256=holdout.sha256, by=by, reason=reason
        )

    def looks(self, holdout: Holdout) -> list[tuple[str, str]]:
        """When each look at it was, and the span that was loaded; the oldest first."""
        if not self.path.is_file():
            return []
        with self._open() as connection:
            return connection.execute(
                "SELECT at, span FROM events WHERE what = 'look' AND holdout = ? ORDER BY number",
                (holdout.key,),
            ).fetchall()

    def admit(self, plans: Sequence[Plan], first: dt.date) -> list[Look]:
        """The looks that loading data from `first` to the plans' end takes, those of the first.

        `plans` share what is loaded. Each one's configuration is entered: as a look at every
        opened holdout that it reaches, as fixed before the opening of every other.

        Raises:
            DataError: it reaches into a holdout that is locked; nothing is entered then.
        """
        holdouts = self.holdouts()
        if not holdouts:
            return []
        plan = plans[0]
        last, assets = plan.config.span.end, plan.config.universe.assets
        reached = [each for each in holdouts if each.is_reached(first, last, assets)]
        openings = {each.key: self.opening(each) for each in holdouts}
        for each in reached:
            if openings[each.key] is None:
                raise DataError(_refusal(plan, each, first))
        own = [_configuration(each) for each in plans]
        keys = {each.key for each in reached}
        with self._open() as connection:
            for each in holdouts:
                if each.key in keys:
                    _enter(connection, [("look", each.key, one, f"{first}/{last}") for one in own])
                elif openings[each.key] is None:
                    _enter(connection, [("before", each.key, one, "") for one in own])
            return [
                _look(connection, each, entry, own[0])
                for each in reached
                if (entry := openings[each.key]) is not None
            ]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection whose block is one transaction."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=60)
        try:
            connection.executescript(_TABLE)
            with connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise DataError(f"{self.path}: damaged: {error}") from None
        finally:
            connection.close()


def _enter(connection: sqlite3.Connection, rows: list[tuple[str, str, str, str]]) -> None:
    """Enter (what, holdout, configuration, span) unless it is there; nothing is ever changed."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    connection.executemany(
        "INSERT INTO events (at, what, holdout, configuration, span) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        [(now, *row) for row in rows],
    )


def _look(
    connection: sqlite3.Connection, holdout: Holdout, entry: Entry, configuration: str
) -> Look:
    """What the manifest says of a look that has been entered."""
    (number,) = connection.execute(
        "SELECT count(*) FROM events WHERE what = 'look' AND holdout = ? AND number <= "
        "(SELECT number FROM events WHERE what = 'look' AND holdout = ? AND configuration = ?)",
        (holdout.key, holdout.key, configuration),
    ).fetchone()
    fixed = connection.execute(
        "SELECT 1 FROM events WHERE what = 'before' AND holdout = ? AND configuration = ?",
        (holdout.key, configuration),
    ).fetchone()
    return Look(
        holdout=str(holdout),
        start=str(holdout.start),
        end=None if holdout.end is None else str(holdout.end),
        opened_at=entry.at,
        by=entry.by,
        reason=entry.reason,
        number=number,
        fixed=fixed is not None,
    )


def _unsealed(key: str, at: str) -> Holdout:
    """A holdout as its seal tells it."""
    told: dict[str, Any] = json.loads(key)
    return Holdout(
        start=dt.date.fromisoformat(told["start"]),
        end=None if told["end"] is None else dt.date.fromisoformat(told["end"]),
        assets=None if told["assets"] is None else tuple(told["assets"]),
        where=f"sealed on {at[:10]}, no longer declared in {MARKER}",
    )


def _configuration(plan: Plan) -> str:
    """A hash of what a plan does, on whatever dates: its settings and its components' code."""
    told = {key: value for key, value in plan.resolved.items() if key not in _UNTOLD}
    code = {
        key: [each["name"], each["version"], each["sha256"]]
        for key, each in plan.components.items()
    }
    return hashlib.sha256(canonical_json({"config": told, "components": code})).hexdigest()


def _refusal(plan: Plan, holdout: Holdout, first: dt.date) -> str:
    """Why a plan isn't admitted, and what to do."""
    span = plan.config.span
    reads = "" if first >= span.start else f", of which it reads from {first} on to warm up,"
    if span.end >= holdout.start > span.start:
        way_out = f"end the span before {holdout.start}"
    elif holdout.end is not None:
        way_out = f"start the span later, so that its warm-up lies after {holdout.end}"
    else:
        way_out = "choose an earlier span"
    return (
        f"{plan.where}: span: {span.start} to {span.end}{reads} reaches into the holdout {holdout} "
        f"({holdout.where}), which nothing may load before it is opened; {way_out}, or open it "
        "for good: finstrat holdout open --by NAME --reason TEXT"
    )


def as_recorded(looks: Sequence[Look]) -> dict[str, dict[str, Any]]:
    """The looks as a manifest keeps them: by the holdout's span in words."""
    return {told.pop("holdout"): told for told in (asdict(each) for each in looks)}
