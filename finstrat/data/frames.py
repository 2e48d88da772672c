"""Checks that every table of documents or facts passes on its way in.

They only look and convert; they never drop or invent a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable


def require_columns(frame: pd.DataFrame, names: Iterable[str], *, where: str) -> None:
    """Refuse a frame that lacks one of `names`, saying what it has."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        have = ", ".join(map(str, frame.columns)) or "none"
        raise DataError(f"{where}: no column {', '.join(missing)}; found: {have}")


def require_utc(frame: pd.DataFrame, name: str, *, where: str) -> pd.Series:
    """A column of moments as `datetime64[ns, UTC]`; a stamp must exist and carry a zone.

    A moment without a zone is refused: read as UTC, an exchange's local time would let a document
    be known hours too early.
    """
    column = frame[name]
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        try:
            parsed = pd.to_datetime(column, errors="raise", format="ISO8601")
        except (ValueError, TypeError) as error:
            raise DataError(f"{where}: column {name}: not a moment in time ({error})") from None
        if not isinstance(parsed.dtype, pd.DatetimeTZDtype):
            raise DataError(
                f"{where}: column {name} has no time zone; write ISO 8601 with an offset, "
                'like "2015-03-02T14:30:00Z"'
            )
        column = parsed
    if column.isna().any():
        row = int(np.argmax(column.isna().to_numpy()))
        raise DataError(f"{where}: row {row + 1}: {name} is missing")
    return column.dt.tz_convert("UTC").astype("datetime64[ns, UTC]")
