"""Price tables, one row a date and an asset, into a panel.

It checks, counts and arranges; it never repairs a price, and it doesn't know which file or
package a table came from beyond the name given as `where`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.data.finding import Finding
from finstrat.data.frames import numbers, require_columns, require_dates, require_values
from finstrat.data.panel import PRICES, Panel
from finstrat.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from finstrat.data.clock import Span, Universe

ACTIONS = ("dividend", "split", "halted")
"""What raw prices need beside them: cash a share on its ex-date, new shares for an old one before
that session's open, and whether orders were impossible (1) or not (0)."""

FIELDS = (*PRICES, "adj_close", "volume", *ACTIONS)
"""The columns of numbers that a price table may have; `close` is needed."""


def panel_from_table(
    table: pd.DataFrame, universe: Universe, *, span: Span, source: str, where: str
) -> Panel:
    """The panel of a long table: `date`, `asset`, and any of `FIELDS`, among them `close`.

    Rows may come in any order. With `adj_close` the panel gets `adj_factor` = `adj_close` /
    `close`; without, the prices are taken to be on one basis already. A price at or below zero
    becomes NaN and is counted, as does a split of 0, which some vendors write for none. Assets are
    in the order of `universe.assets`, or else by name.

    Raises:
        DataError: a column is missing, a date has a time of day, a number can't be read, a
            dividend or split is below zero, `halted` is neither 0 nor 1, a date and asset come
            twice, the currency is another, or nothing is left.
    """
    rows = _checked(table, currency=universe.currency, where=where)
    known = set(rows["asset"])
    wanted = tuple(sorted(known)) if universe.assets is None else universe.assets
    assets = tuple(name for name in wanted if name in known)
    inside = rows["date"].between(pd.Timestamp(span.start), pd.Timestamp(span.end))
    findings = [
        *_absent(wanted, known, source=source, where=where),
        *_unread(table, source=source),
    ]
    rows = rows[inside & rows["asset"].isin(assets)].copy()
    if rows.empty:
        raise DataError(f"{where}: no price between {span.start} and {span.end}")
    findings += [*_blank_non_positive(rows, source=source), *_actions(rows, source=source)]
    times = np.unique(rows["date"].to_numpy().astype("datetime64[D]"))
    cells = (
        np.searchsorted(times, rows["date"].to_numpy().astype("datetime64[D]")),
        pd.Index(assets).get_indexer(pd.Index(rows["asset"])),
    )
    fields = {}
    for name in rows.columns.drop(["date", "asset"]):
        fields[name] = np.full((len(times), len(assets)), np.nan)
        fields[name][cells] = rows[name].to_numpy(dtype=np.float64)
    if "adj_close" in fields:
        fields["adj_factor"] = fields.pop("adj_close") / fields["close"]
    return Panel.from_fields(
        times, assets, fields, currency=universe.currency, findings=tuple(findings)
    )


def _checked(table: pd.DataFrame, *, currency: str, where: str) -> pd.DataFrame:
    """The columns that count, read as dates, text and float64."""
    require_columns(table, ("date", "asset", "close"), where=where)
    require_values(table, ("asset",), where=where)
    if "currency" in table:
        found = sorted(set(table["currency"].dropna().astype(str)))
        if found not in ([], [currency]):
            raise DataError(
                f"{where}: prices in {', '.join(found)}, but the run is in {currency}; "
                "one currency a run: convert them first"
            )
    rows = pd.DataFrame(
        {
            "date": require_dates(table, "date", where=where),
            "asset": table["asset"].astype(str),
            **{name: numbers(table, name, where=where) for name in FIELDS if name in table},
        }
    )
    for name, wrong, expected in _WRONG_ACTIONS:
        if name in rows and (bad := wrong(rows[name])).any():
            row = int(bad.to_numpy().argmax())
            raise DataError(
                f"{where}: row {row + 1}: {name} of {rows['asset'].iloc[row]} is "
                f"{rows[name].iloc[row]:g}; expected {expected}"
            )
    repeated = rows.duplicated(["date", "asset"])
    if repeated.any():
        row = int(repeated.to_numpy().argmax())
        raise DataError(
            f"{where}: row {row + 1}: {rows['asset'].iloc[row]} on "
            f"{rows['date'].iloc[row]:%Y-%m-%d} comes twice"
        )
    return rows


_WRONG_ACTIONS: tuple[tuple[str, Callable[[pd.Series], pd.Series], str], ...] = (
    ("dividend", lambda paid: paid < 0, "cash a share, 0 or more"),
    ("split", lambda ratio: ratio < 0, "new shares for an old one, like 2 or 0.1"),
    ("halted", lambda halted: halted.notna() & ~halted.isin((0, 1)), "0 or 1"),
)
"""A column, what may not stand in it, and what may."""


def _actions(rows: pd.DataFrame, *, source: str) -> list[Finding]:
    """Make splits of 0 unknown, in place, and say where signals would see the splits as returns."""
    if "split" not in rows:
        return []
    rows["split"] = rows["split"].where(rows["split"] != 0)
    split = rows["split"].notna() & (rows["split"] != 1)
    if "adj_close" in rows or not split.any():
        return []
    detail = "signals see each split as a return; add a column adj_close"
    return [Finding(source, "split without adjusted close", int(split.sum()), detail, "warning")]


def _absent(wanted: tuple[str, ...], known: set[str], *, source: str, where: str) -> list[Finding]:
    """The assets asked for that the table lacks, counted; all of them is an error."""
    absent = [name for name in wanted if name not in known]
    if not absent:
        return []
    if len(absent) == len(wanted):
        raise DataError(f'{where}: no prices of "{absent[0]}"{did_you_mean(absent[0], known)}')
    detail = f"left out: {', '.join(absent)}"
    return [Finding(source, "asset without prices", len(absent), detail, "warning")]


def _unread(table: pd.DataFrame, *, source: str) -> list[Finding]:
    """The columns that aren't read, named."""
    extra = sorted(set(map(str, table.columns)) - {"date", "asset", "currency", *FIELDS})
    return [Finding(source, "column not read", len(extra), ", ".join(extra))] if extra else []


def _blank_non_positive(rows: pd.DataFrame, *, source: str) -> list[Finding]:
    """Make prices at or below zero NaN, in place, and count them."""
    findings = []
    for name in (*PRICES, "adj_close"):
        bad = rows[name] <= 0 if name in rows else pd.Series(dtype=bool)
        if bad.any():
            first = rows[bad].iloc[0]
            detail = f"made unknown (first: {first['asset']} on {first['date']:%Y-%m-%d})"
            findings.append(
                Finding(source, f"{name} at or below zero", int(bad.sum()), detail, "warning")
            )
            rows.loc[bad, name] = np.nan
    return findings
