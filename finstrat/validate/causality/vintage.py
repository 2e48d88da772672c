"""Files as they were at an earlier moment: without the rows that bear a later stamp.

A table of data only grows: a row is there from the latest of its own stamps on. It knows nothing
of what a source makes of the table.
"""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.data.frames import SUFFIXES, read_table, standard_name
from finstrat.errors import DataError

if TYPE_CHECKING:
    import datetime as dt

    from finstrat.components import Component

STAMPS = (
    *("date", "known_at", "event_at", "created_at", "published_at", "posted_at"),
    *("filed", "filed_at", "filing_date", "accepted", "accepted_at", "acceptance_datetime"),
    *("seen_at", "crawled_at", "retrieved_at", "updated_at", "revised_at", "as_of"),
)
"""Columns, by standard name, that say when a row came to be."""


def file_option(component: Component) -> tuple[str, Path] | None:
    """The option of a component that names an existing file or folder, and that path."""
    for name, value in component.config:
        if isinstance(value, Path) and value.exists():
            return name, value
    return None


@dataclass(frozen=True)
class Vintage:
    """Where the older copy is, and which of a folder's tables have no stamps to cut them by."""

    path: Path
    uncut: tuple[str, ...] = ()


def write_vintage(path: Path, target: Path, *, day: dt.date) -> Vintage:
    """A copy, under `target`, of the table at `path` (or of that folder) as of the end of `day`.

    Rows are dropped whose latest stamp, in UTC, lies after `day`.

    Raises:
        DataError: no table has a column of `STAMPS`.
    """
    target.mkdir(parents=True)
    tables = [path]
    if path.is_dir():
        tables = [each for each in sorted(path.iterdir()) if each.name.lower().endswith(SUFFIXES)]
    uncut = [file.name for file in tables if not _cut(file, target / file.name, day=day)]
    if len(uncut) == len(tables):
        raise DataError(f"{path}: no column says when a row came to be ({', '.join(STAMPS)})")
    return Vintage(target if path.is_dir() else target / path.name, tuple(uncut))


def _cut(file: Path, copy: Path, *, day: dt.date) -> bool:
    """Write one table without its later rows; False where nothing says which those are."""
    table = read_table(file)
    stamped = [name for name in table.columns if standard_name(name) in STAMPS]
    if not stamped:
        shutil.copyfile(file, copy)
        return False
    end = pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)
    there = pd.Series(data=True, index=table.index)
    for name in stamped:
        moment = pd.to_datetime(table[name], utc=True, format="ISO8601", errors="coerce")
        there &= ~(moment >= end)
    _write(table[there].reset_index(drop=True), copy)
    return True


def _write(table: pd.DataFrame, file: Path) -> None:
    kind = file.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        table.to_parquet(file)
        return
    if kind == "csv":
        text = table.to_csv(index=False)
    else:
        rows = table.to_dict("records")
        text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    data = text.encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
