"""Who is who: the names under which texts speak of an asset, and which assets are its peers.

This one table is the only owner of both. It knows names, not texts: `finstrat.text.entities` finds
the names in a text. What it doesn't list, it doesn't guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.data.frames import (
    read_table,
    require_columns,
    require_dates,
    require_values,
    with_standard_names,
)
from finstrat.errors import DataError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

LEGAL_FORMS = frozenset(
    {
        *("ag", "co", "company", "corp", "corporation", "holding", "holdings", "inc"),
        *("incorporated", "limited", "llc", "lp", "ltd", "nv", "plc", "sa", "se"),
    }
)
"""Words that end a company's registered name and that a journalist leaves out, without points."""

_BUNDLED = Path(__file__).with_name("entities.csv")


@dataclass(frozen=True)
class Alias:
    """One name of one asset, in use from `start` to `end`, both included; None = open."""

    name: str
    asset: str
    start: dt.date | None = None
    end: dt.date | None = None

    def used_on(self, day: dt.date | None) -> bool:
        """Whether the name was in use on `day`; None asks for any time."""
        if day is None:
            return True
        after = self.start is None or self.start <= day
        return after and (self.end is None or day <= self.end)


@dataclass(frozen=True)
class Entities:
    """Names of assets, and the group that each asset belongs to.

    One name may stand for several assets: it is ambiguous then, and stays so.
    """

    aliases: tuple[Alias, ...]
    groups: Mapping[str, str]

    @classmethod
    def bundled(cls) -> Entities:
        """The shipped table: the 20 stocks of the source `sp500`, by their public names."""
        return _bundled()

    @classmethod
    def read(cls, path: Path) -> Entities:
        """The table in a file; see `from_frame`."""
        return cls.from_frame(read_table(path), where=str(path))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, where: str) -> Entities:
        """The table in a frame: `asset` (or ticker), `alias`, optional `group`, `start`, `end`.

        Instead of `alias` it may have `company`, one row an asset: the aliases are then the name
        as given and without its article and legal form ("The Boeing Company" is also "Boeing").
        `sector` is read as `group`. `where` names the file in errors.

        Raises:
            DataError: a column or cell is missing, a date can't be read, an interval is empty, or
                an asset has two groups.
        """
        rows = with_standard_names(frame, where=where)
        derived = "alias" not in rows and "company" in rows
        column = "company" if derived else "alias"
        require_columns(rows, ("asset", column), where=where)
        require_values(rows, ("asset", column), where=where)
        group = next((name for name in ("group", "sector") if name in rows), None)
        starts, ends = (_dates(rows, name, where=where) for name in ("start", "end"))
        groups: dict[str, str] = {}
        aliases: dict[Alias, None] = {}
        for number, (asset, given) in enumerate(
            zip(rows["asset"].astype(str), rows[column].astype(str), strict=True)
        ):
            start, end = starts[number], ends[number]
            if start and end and end < start:
                raise DataError(f"{where}: row {number + 1}: end {end} lies before start {start}")
            for name in company_names(given) if derived else (" ".join(given.split()),):
                aliases.setdefault(Alias(name, asset.strip(), start, end))
            if group is not None and pd.notna(rows[group].iloc[number]):
                named = str(rows[group].iloc[number]).strip()
                if groups.setdefault(asset.strip(), named) != named:
                    raise DataError(
                        f'{where}: row {number + 1}: {asset} is in group "{named}", above it was '
                        f'in "{groups[asset.strip()]}"; an asset has one group'
                    )
        return cls(tuple(aliases), groups)

    @cached_property
    def assets(self) -> tuple[str, ...]:
        """Every asset that has a name, sorted."""
        return tuple(sorted({alias.asset for alias in self.aliases}))

    def peers(self, asset: str) -> tuple[str, ...]:
        """The other assets of the same group, sorted; none for an asset without a group."""
        group = self.groups.get(asset)
        same = {other for other, named in self.groups.items() if named == group}
        return tuple(sorted(same - {asset}))

    def frame(self) -> pd.DataFrame:
        """The table as a frame that `from_frame` reads back."""
        return pd.DataFrame(
            {
                "asset": [alias.asset for alias in self.aliases],
                "alias": [alias.name for alias in self.aliases],
                "group": [self.groups.get(alias.asset) for alias in self.aliases],
                "start": [alias.start for alias in self.aliases],
                "end": [alias.end for alias in self.aliases],
            }
        )


def company_names(registered: str) -> tuple[str, ...]:
    """A registered name as given, then without its article and legal form, where that differs."""
    given = " ".join(registered.split())
    words = given.split()
    if len(words) > 1 and words[0].lower() == "the":
        words = words[1:]
    while len(words) > 1 and all(
        part in {*LEGAL_FORMS, ""} for part in re.split(r"[/,]", words[-1].lower().replace(".", ""))
    ):
        words = words[:-1]
    while len(words) > 1 and words[-1] in {"&", "and"}:
        words = words[:-1]
    return tuple(dict.fromkeys((given, " ".join(words).rstrip(","))))


def _dates(rows: pd.DataFrame, name: str, *, where: str) -> list[dt.date | None]:
    """A column of dates that a table need not have, and a row need not fill."""
    found: list[dt.date | None] = [None] * len(rows)
    if name in rows and (given := rows[name].notna()).any():
        days = require_dates(rows[given], name, where=where)
        for position, day in zip(given.to_numpy().nonzero()[0], days, strict=True):
            found[position] = day.date()
    return found


@cache
def _bundled() -> Entities:
    return Entities.read(_BUNDLED)
