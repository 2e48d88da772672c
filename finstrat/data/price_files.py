"""Price files in the shapes people have them, as one long table.

Long, wide with two header rows (as yfinance writes), or plain wide closes. It arranges the cells
of a file; what they may hold is `prices`' to judge.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.data.frames import (
    first_rows,
    numbers,
    read_table,
    require_columns,
    standard_name,
    with_standard_names,
)
from finstrat.data.prices import FIELDS
from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_prices(path: Path) -> pd.DataFrame:
    """The rows of a price file: `date`, `asset` and fields, whatever the file's shape.

    Raises:
        DataError: the file can't be read, or has none of the shapes.
    """
    name = path.name.lower()
    two = name.endswith((".csv", ".csv.gz")) and path.is_file() and _has_two_header_rows(path)
    table = read_table(path, header_rows=2 if two else 1)
    where = str(path)
    if isinstance(table.columns, pd.MultiIndex):
        return _from_two_levels(table, where=where)
    long = with_standard_names(table, where=where)
    if "asset" in long:
        return long
    if "close" in long or set(long.columns[1:]) <= set(FIELDS):
        require_columns(long, ("asset",), where=where)
    return _from_closes(table, where=where)


def _from_closes(table: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """Plain wide closes: dates in the first column, then one column per asset."""
    return _melted(table, [("close", str(name)) for name in table.columns[1:]], where=where)


def _from_two_levels(table: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """Dates in the first column, then (field, asset) or (asset, field)."""
    labels = [(str(label[0]), str(label[1])) for label in table.columns[1:]]
    if "close" in {standard_name(second) for _, second in labels}:
        labels = [(second, first) for first, second in labels]
    labels = [(standard_name(field), asset) for field, asset in labels]
    if "close" not in {field for field, _ in labels}:
        raise DataError(f"{where}: neither header row names the field close")
    return _melted(table, labels, where=where)


def _melted(table: pd.DataFrame, labels: Sequence[tuple[str, str]], *, where: str) -> pd.DataFrame:
    """One row a date and asset; a date without any field of an asset gives no row.

    `labels` name the field and asset of every column but the first.
    """
    if len(set(labels)) < len(labels):
        field, asset = next(label for label in labels if labels.count(label) > 1)
        raise DataError(f"{where}: two columns hold {field} of {asset}")
    dates = table.iloc[:, 0].rename("date")
    repeated = dates.duplicated() & dates.notna()
    if repeated.any():
        row = int(repeated.to_numpy().argmax())
        raise DataError(f"{where}: row {row + 1}: {dates.iloc[row]} comes twice")
    cells = table.iloc[:, 1:]
    parts = []
    for asset in dict.fromkeys(asset for _, asset in labels):
        part = pd.DataFrame({"date": dates})
        for i, (field, owner) in enumerate(labels):
            if owner == asset and field in FIELDS:
                # Read here, so that an error names the row of the file.
                name = f"{field} of {asset}"
                column = cells.iloc[:, [i]].set_axis([name], axis=1)
                part[field] = numbers(column, name, where=where)
        part.insert(1, "asset", asset)
        parts.append(part[part.drop(columns=["date", "asset"]).notna().any(axis=1)])
    return pd.concat(parts, ignore_index=True)


def _has_two_header_rows(path: Path) -> bool:
    """Whether one of the first two rows names fields only, and neither holds a number."""
    try:
        first, second = (row[1:] for row in first_rows(path, 2))
    except (ValueError, csv.Error, OSError):
        return False  # too short or unreadable: `read_table` says it better
    named = any(row and {standard_name(cell) for cell in row} <= _HEADS for row in (first, second))
    return named and all(cell.strip() and not _is_number(cell) for cell in second)


_HEADS = {*FIELDS, "dividends", "stock_splits", "capital_gains", "repaired?"}
"""The fields of a wide file; the last four are yfinance's, and aren't read."""


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
