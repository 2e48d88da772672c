"""What is peculiar to EDGAR: its clock, and that it knows companies by number.

Shared by the sources that read what was filed there. It reads no filing.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from finstrat.data.frames import (
    read_table,
    require_columns,
    require_values,
    whole_numbers,
    with_standard_names,
)

EASTERN = ZoneInfo("America/New_York")
"""The zone in which EDGAR stamps acceptance."""

Companies = dict[str, int] | Path
"""Which company is which asset: `{"AAPL": 320193}`, or a file with columns `asset` and `cik`."""


def disseminated(accepted: pd.Series, filed: pd.Series) -> pd.Series:
    """When EDGAR showed a filing, UTC: at its acceptance, or on the morning of a later filing date.

    `accepted` and `filed` are naive moments and dates in Eastern time; NaT stays unknown. What is
    accepted after 17:30 carries the next business day's date and is shown from six in the morning
    of that day. The hour that a clock change repeats is read as the later one, the hour that it
    skips as the first moment after.
    """
    shown = accepted.where(~(filed > accepted), filed + pd.Timedelta(hours=6))
    eastern = shown.dt.tz_localize(EASTERN, ambiguous=False, nonexistent="shift_forward")
    moments: pd.Series = eastern.dt.tz_convert("UTC").astype("datetime64[ns, UTC]")
    return moments


def company_assets(companies: Companies | None) -> pd.DataFrame | None:
    """Which asset is which company: the columns `asset` and `cik`, or None for "by number".

    Raises:
        DataError: the file can't be read, lacks a column, or has a `cik` that is no whole number.
    """
    if companies is None:
        return None
    if isinstance(companies, dict):
        return pd.DataFrame({"asset": list(companies), "cik": list(companies.values())})
    where = str(companies)
    table = with_standard_names(read_table(companies), where=where)
    require_columns(table, ("asset", "cik"), where=where)
    require_values(table, ("asset",), where=where)
    table["cik"] = whole_numbers(table, "cik", where=where)
    return table[["asset", "cik"]].drop_duplicates()


def name_of(cik: int) -> str:
    """What a company is called that no asset is named for, like "CIK0000320193"."""
    return f"CIK{cik:010}"
