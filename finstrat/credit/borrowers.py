"""A table of borrowers: read from CSV, Parquet or ARFF, and refused where it can't be honest.

It decides what each column is (a number, a category, the outcome, a name, a date) and nothing
else: it fills no hole, and knows no model.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.io import arff

from finstrat.data.frames import SUFFIXES, read_table, require_columns, require_dates
from finstrat.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ARFF = (".arff", ".arff.gz")
MOST_LEVELS = 50
"""Categories of one column; one with more is a name, not a property."""

_MOSTLY = 0.5
"""Share of number-like cells above which a column was meant to hold numbers."""


@dataclass(frozen=True)
class Columns:
    """Which column is what.

    Attributes:
        target: says who defaulted; None where nobody knows yet.
        bad: the cell of `target` that means default.
        entity: names the borrower, who may come several times.
        date: when the row was known.
        ignored: columns that are left out.
        features: columns to learn from; empty means all that are left.
    """

    target: str | None = None
    bad: str = "1"
    entity: str | None = None
    date: str | None = None
    ignored: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Borrowers:
    """One row a borrower, or a borrower and date; D rows.

    Attributes:
        features: what is known of each: float64 columns, NaN = unknown, and columns of text
            categories (object), None = unknown.
        defaulted: bool `[D]`, or None where the outcome isn't known.
        entity: the borrower's name `[D]`; the row's number from 1 where the table has none.
        as_of: `datetime64[D]` `[D]`, or None where the table has no dates.
    """

    features: pd.DataFrame
    defaulted: NDArray[np.bool_] | None
    entity: NDArray[np.object_]
    as_of: NDArray[np.datetime64] | None

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, chosen: NDArray[np.bool_]) -> Borrowers:
        """The borrowers where `chosen` `[D]` is True."""
        return Borrowers(
            self.features[chosen].reset_index(drop=True),
            None if self.defaulted is None else self.defaulted[chosen],
            self.entity[chosen],
            None if self.as_of is None else self.as_of[chosen],
        )


def read_borrowers(path: Path, columns: Columns) -> Borrowers:
    """The borrowers in a file (.csv, .parquet, .jsonl, .arff, and the first and last two gzipped).

    Raises:
        DataError: see `borrowers`; or the file can't be read.
        ConfigError: a column that was named isn't there.
    """
    return borrowers(_table(path), columns, where=str(path))


def borrowers(table: pd.DataFrame, columns: Columns, *, where: str) -> Borrowers:
    """The borrowers in a table.

    A column is numeric where every cell that isn't empty is a number, else it holds categories.

    Raises:
        DataError: an outcome is missing or neither of two; a cell among numbers is none, or is
            infinite; a column looks like a name; no column is left to learn from.
        ConfigError: a column that was named isn't there.
    """
    named = (columns.target, columns.entity, columns.date, *columns.ignored)
    for name in named:
        if name is not None and name not in table.columns:
            hint = did_you_mean(name, map(str, table.columns))
            raise ConfigError(f'{where}: no column "{name}"{hint}')
    require_columns(table, columns.features, where=where)
    left = columns.features or [name for name in table.columns if name not in named]
    if not left:
        raise DataError(f"{where}: no column is left to learn from")
    entity = np.arange(1, len(table) + 1).astype(str).astype(object)
    if columns.entity is not None:
        _refuse_empty(table, columns.entity, where=where)
        entity = table[columns.entity].astype(str).to_numpy(dtype=object)
    as_of = None
    if columns.date is not None:
        days = require_dates(table, columns.date, where=where)
        as_of = days.to_numpy().astype("datetime64[D]")
    return Borrowers(
        features=pd.DataFrame({str(name): _feature(table[name], where=where) for name in left}),
        defaulted=None if columns.target is None else _outcome(table, columns, where=where),
        entity=entity,
        as_of=as_of,
    )


def column_names(path: Path) -> tuple[str, ...]:
    """The names of a file's columns.

    Raises:
        DataError: the file can't be read.
    """
    return tuple(map(str, _table(path).columns))


def _table(path: Path) -> pd.DataFrame:
    if not path.name.lower().endswith(ARFF):
        if not path.name.lower().endswith(SUFFIXES):
            known = ", ".join((*SUFFIXES, *ARFF))
            raise DataError(f"{path}: unknown kind of file; supported: {known}")
        return read_table(path)
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix.lower() == ".gz" else content).decode()
        table = pd.DataFrame(arff.loadarff(io.StringIO(text))[0])
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, EOFError, ValueError, NotImplementedError, StopIteration) as error:
        raise DataError(f"{path}: can't be read as ARFF: {error}") from None
    if table.empty:
        raise DataError(f"{path}: no row of data")
    for name in table.select_dtypes("object").columns:
        cells = table[name].str.decode("utf-8")
        table[name] = cells.where(cells != "?")
    return table


def _outcome(table: pd.DataFrame, columns: Columns, *, where: str) -> NDArray[np.bool_]:
    """Who defaulted; the outcome must be one of exactly two values, `bad` among them."""
    name = columns.target
    assert name is not None
    _refuse_empty(table, name, where=where)
    cells = table[name].map(_word)
    seen = sorted(cells.unique())
    if len(seen) != 2 or columns.bad not in seen:
        shown = ", ".join(repr(each) for each in seen[:6]) + (", …" if len(seen) > 6 else "")
        raise DataError(
            f"{where}: {name} must hold two values, one of them {columns.bad!r} for a default; "
            f"found {len(seen)}: {shown}"
        )
    return (cells == columns.bad).to_numpy(dtype=bool)


def _word(cell: object) -> str:
    """A cell of the outcome as text: 1, 1.0, "1" and True are one value."""
    if isinstance(cell, bool | np.bool_ | int | float | np.number) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()


def _feature(column: pd.Series, *, where: str) -> NDArray[np.float64] | NDArray[np.object_]:
    """One column as numbers or as categories."""
    name = column.name
    if pd.api.types.is_datetime64_any_dtype(column):
        raise DataError(
            f"{where}: {name} holds dates; name it as the date of the rows, or leave it out"
        )
    given = column.notna().to_numpy()
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        row = int(np.isinf(numbers).argmax())
        raise DataError(
            f"{where}: row {row + 1}: {name} is infinite, likely a division by zero; leave the "
            "cell empty if it is unknown"
        )
    unread = given & np.isnan(numbers)
    if not unread.any():
        return numbers
    if (given & ~unread).sum() > _MOSTLY * given.sum():
        row = int(unread.argmax())
        raise DataError(
            f"{where}: row {row + 1}: {name} {str(column.iloc[row])!r} is no number, as the "
            f"others are ({int(unread.sum())} rows); leave an unknown cell empty"
        )
    words = column.astype(object).where(given, None).map(_text).to_numpy(dtype=object)
    count = len({word for word in words if word is not None})
    if count > MOST_LEVELS:
        raise DataError(
            f"{where}: {name} has {count} different texts, which is a name and no property; name "
            "it as the borrower or the date, or leave it out"
        )
    return words


def _text(cell: object) -> str | None:
    return None if cell is None or cell is pd.NA else str(cell).strip()


def _refuse_empty(table: pd.DataFrame, name: str, *, where: str) -> None:
    empty = table[name].isna().to_numpy()
    if empty.any():
        more = f" ({int(empty.sum())} rows)" if empty.sum() > 1 else ""
        raise DataError(f"{where}: row {int(empty.argmax()) + 1}: {name} is missing{more}")
