"""Table files, and the checks that every table passes on its way in.

They only read, look and convert; they never drop or invent a row. Rows are counted from 1, the
header left out.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import TextIO

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz")
"""What `read_table` reads."""

ALIASES = {
    "ticker": "asset",
    "symbol": "asset",
    "datetime": "date",
    "timestamp": "date",
    "adjclose": "adj_close",
}
"""Other names that a column may come under, after lower case and underscores."""

_DATE = r"\d{4}-\d{2}-\d{2}"
_ZONED = _DATE + r"[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)? ?(?:Z|[+-]\d{2}(?::?\d{2})?)"


def read_table(path: Path, *, header_rows: int = 1) -> pd.DataFrame:
    """The table in a CSV, Parquet or JSON-lines file, as its suffix says.

    A CSV's cells stay text, so that ids keep their digits and a ticker may be "NA"; an empty cell
    is missing. Two header rows give columns of two levels, the first column being the dates.

    Raises:
        DataError: the file is absent, empty, of another kind, or can't be read as what it claims.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path}: unknown kind of file; supported: {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    try:
        if kind == "csv":
            table = _read_csv(path, header_rows=header_rows)
        elif kind == "parquet":
            table = pd.read_parquet(path)
        else:
            # Not pandas' reader: it turns long ids into floats and dates into guesses.
            with _opened(path) as lines:
                table = pd.DataFrame([json.loads(line) for line in lines if line.strip()])
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error}); save it as UTF-8") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty") from None
    except (pd.errors.ParserError, pa.ArrowException, ValueError, OSError) as error:
        raise DataError(f"{path}: can't be read as {kind}: {str(error).strip()}") from None
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index()
    if table.empty:
        raise DataError(f"{path}: no row below the header")
    return table


def _read_csv(path: Path, *, header_rows: int) -> pd.DataFrame:
    """A CSV as text cells; the byte-order mark that spreadsheets write is skipped."""
    names = list(zip(*first_rows(path, header_rows), strict=False))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        # pandas would call the second one "name.1".
        raise DataError(f"{path}: two columns are called {' / '.join(twice)}")
    one = header_rows == 1
    table: pd.DataFrame = pd.read_csv(
        path,
        header=0 if one else list(range(header_rows)),
        index_col=None if one else 0,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8-sig",
    )
    if one and not isinstance(table.index, pd.RangeIndex):
        raise DataError(f"{path}: the rows have more cells than the header has names")
    return table


def first_rows(path: Path, count: int) -> list[list[str]]:
    """The cells of a CSV's first rows."""
    with _opened(path) as lines:
        return list(itertools.islice(csv.reader(lines), count))


def _opened(path: Path) -> TextIO:
    """A text file, compressed or not."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def standard_name(name: object) -> str:
    """A column's name in lower case with underscores, other spellings resolved by `ALIASES`."""
    plain = str(name).strip().lower().replace(" ", "_")
    return ALIASES.get(plain, plain)


def with_standard_names(table: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """The table with its columns renamed by `standard_name`; two of one name are refused."""
    names = [standard_name(name) for name in table.columns]
    for name in names:
        if names.count(name) > 1:
            given = [str(old) for old, new in zip(table.columns, names, strict=True) if new == name]
            raise DataError(f"{where}: columns {', '.join(given)} all mean {name}; keep one")
    return table.set_axis(names, axis=1)


def require_columns(frame: pd.DataFrame, names: Iterable[str], *, where: str) -> None:
    """Refuse a frame that lacks one of `names`, saying what it has."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        have = ", ".join(map(str, frame.columns)) or "none"
        raise DataError(f"{where}: no column {', '.join(missing)}; found: {have}")


def require_values(frame: pd.DataFrame, names: Iterable[str], *, where: str) -> None:
    """Refuse a frame in which one of these columns has an empty cell."""
    for name in names:
        _refuse_rows(frame, name, frame[name].isna(), where=where, problem="is missing")


def numbers(frame: pd.DataFrame, name: str, *, where: str) -> pd.Series:
    """A column as float64, NaN where it is empty; any other cell must be a finite number."""
    column = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    unread = (column.isna() & frame[name].notna()) | np.isinf(column)
    _refuse_rows(frame, name, unread, where=where, problem="is no finite number")
    return column


def whole_numbers(frame: pd.DataFrame, name: str, *, where: str) -> pd.Series:
    """A column as int64; every cell must be a whole number."""
    require_values(frame, (name,), where=where)
    column = pd.to_numeric(frame[name], errors="coerce")
    unread = column.isna() | (column % 1 != 0)
    _refuse_rows(frame, name, unread, where=where, problem="is no whole number")
    return column.astype("int64")


def require_dates(frame: pd.DataFrame, name: str, *, where: str) -> pd.Series:
    """A column of dates as naive midnights, `datetime64[ns]`; a time of day is refused.

    A midnight's zone is dropped, not converted: the date is the exchange's own.
    """
    require_values(frame, (name,), where=where)
    column = frame[name]
    if not pd.api.types.is_datetime64_any_dtype(column):
        text = column.astype(str).str.replace(
            r"(:\d{2}(?:\.\d+)?) ?(?:Z|[+-]\d{2}:?\d{2})$", r"\1", regex=True
        )
        column = _nanoseconds(pd.to_datetime(text, format="ISO8601", errors="coerce"))
        # Bare numbers would pass for years.
        unread = column.isna() | ~text.str.match(_DATE)
        _refuse_rows(frame, name, unread, where=where, problem="is no date like 2015-03-02")
    local: pd.Series = column.dt.tz_localize(None)
    intraday = local != local.dt.normalize()
    _refuse_rows(frame, name, intraday, where=where, problem="has a time of day; daily dates only")
    return local.astype("datetime64[ns]")


def require_utc(
    frame: pd.DataFrame,
    name: str,
    *,
    where: str,
    end_of_day: Callable[[pd.Series], pd.Series] | None = None,
) -> pd.Series:
    """A column of moments as `datetime64[ns, UTC]`; a stamp must exist and carry a zone.

    A moment without a zone is refused: read as UTC, an exchange's local time would let a document
    be known hours too early. A date without a time of day is refused too, unless `end_of_day`
    (see `Universe.end_of_day`) says when that day is over; rows of both sorts may be mixed.
    """
    require_values(frame, (name,), where=where)
    column = frame[name]
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        aware: pd.Series = column.dt.tz_convert("UTC").astype("datetime64[ns, UTC]")
        return aware
    if pd.api.types.is_datetime64_dtype(column):
        dated = column == column.dt.normalize()
        zoned = pd.Series(data=False, index=column.index)
    else:
        text = column.astype(str).str.strip()
        dated, zoned = text.str.fullmatch(_DATE), text.str.fullmatch(_ZONED)
        column = text
    if end_of_day is None:
        dated = pd.Series(data=False, index=column.index)
    problem = (
        "is no moment with a time zone; write ISO 8601 with an offset, like 2015-03-02T14:30:00Z"
        + (", or a date alone" if end_of_day else "")
    )
    _refuse_rows(frame, name, ~(dated | zoned), where=where, problem=problem)
    moments = _nanoseconds(
        pd.to_datetime(column.where(zoned), utc=True, format="ISO8601", errors="coerce")
    )
    if end_of_day is not None and dated.any():
        days = _nanoseconds(pd.to_datetime(column.where(dated), errors="coerce"))
        readable = days.notna()
        moments[readable] = end_of_day(days[readable])
    _refuse_rows(frame, name, moments.isna(), where=where, problem="is no moment in time")
    return moments


def _nanoseconds(moments: pd.Series) -> pd.Series:
    """Moments to the nanosecond; NaT where a year such as 9999 doesn't fit."""
    zone = moments.dt.tz
    lowest, highest = pd.Timestamp.min, pd.Timestamp.max - pd.Timedelta(days=2)
    fits = moments.between(lowest.tz_localize(zone), highest.tz_localize(zone))
    fitting: pd.Series = moments.where(fits).dt.as_unit("ns")
    return fitting


def _refuse_rows(
    frame: pd.DataFrame, name: str, bad: pd.Series, *, where: str, problem: str
) -> None:
    """Raise about the first row where `bad` is True."""
    if bad.any():
        row = int(np.argmax(bad.to_numpy()))
        cell = frame[name].iloc[row]
        given = "" if pd.isna(cell) else f" {str(cell)!r}"
        more = f" ({int(bad.sum())} rows)" if bad.sum() > 1 else ""
        raise DataError(f"{where}: row {row + 1}: {name}{given} {problem}{more}")
