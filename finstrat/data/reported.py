"""Values as filings report them, turned into facts under the plain names of `items`.

Which tag counts where a filing uses several, which length of time a flow covers, and what is a
restatement is decided here, once for every source. It knows no file format.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.data.facts import Facts
from finstrat.data.finding import Finding
from finstrat.data.items import ITEMS, SPANS

if TYPE_CHECKING:
    from finstrat.data.finding import Severity

COLUMNS = ("asset", "filing", "tag", "unit", "days", "period_end", "known_at", "value")
"""What `facts_from_reports` reads.

`days` is the length of time a flow covers, 0 for a stock; `unit` is spelt as in `items`;
`filing` tells apart what one company filed, in any spelling.
"""


def facts_from_reports(reports: pd.DataFrame, *, source: str, where: str) -> Facts:
    """One fact for each item and period, and a new version wherever a later filing says otherwise.

    Version 1 is what the first filing said; a filing that repeats the value known so far adds
    nothing. Where a filing gives an item under several tags, the first of `Item.tags` counts.

    Rows without a finite value or period, and rows that were filed before their period's end, are
    left out and counted; so are flows over a length of time outside `SPANS`, and rows in which one
    filing gives one tag two values. Tags that mean no item are passed over.
    """
    findings: list[Finding] = []
    rows = _items_of(reports)

    def leave_out(bad: pd.Series, check: str, detail: str, severity: Severity = "warning") -> None:
        nonlocal rows
        if bad.any():
            first = rows[bad].iloc[0]
            where_first = f"{first['asset']} {first['tag']} in {first['filing']}"
            text = f"left out; {detail} (first: {where_first})"
            findings.append(Finding(source, check, int(bad.sum()), text, severity))
            rows = rows[~bad]

    values = pd.to_numeric(rows["value"], errors="coerce").astype("float64")
    rows = rows.assign(value=values.where(np.isfinite(values)))
    leave_out(rows["value"].isna(), "fact without a value", "the filing gives no number", "info")
    leave_out(rows["period_end"].isna(), "fact without a period", "no date can be read")
    leave_out(rows["known_at"].isna(), "fact without a filing date", "no date can be read")
    day = rows["known_at"].dt.tz_localize(None).dt.normalize()
    leave_out(day < rows["period_end"], "fact filed before its period ended", "likely misdated")
    leave_out(rows["name"].isna(), "flow over another length of time", "no quarter or year", "info")
    rows = rows.sort_values(["known_at", "filing", "rank"], kind="stable")
    one = ["asset", "filing", "name", "period_end"]
    same_tag = [*one, "rank"]
    contradicted = rows.groupby(same_tag, sort=False)["value"].transform("nunique") > 1
    leave_out(contradicted, "two values under one tag", "the filing contradicts itself")
    rows = rows.drop_duplicates(one)
    fact = ["asset", "name", "period_end"]
    rows = rows[rows["value"] != rows.groupby(fact, sort=False)["value"].shift()]
    versions = rows.groupby(fact, sort=False).cumcount() + 1
    restated = int((versions > 1).sum())
    if restated:
        detail = "kept as new versions, each known from its own filing"
        findings.append(Finding(source, "fact restated", restated, detail))
    frame = rows.assign(item=rows["name"], version=versions)
    facts = Facts.from_frame(frame, where=where)
    return dataclasses.replace(facts, findings=tuple(findings))


def _items_of(reports: pd.DataFrame) -> pd.DataFrame:
    """The rows that mean an item, each with the item's full `name` and its tag's `rank`.

    `name` is missing for a flow over a length of time that isn't kept. One tag may mean two items.
    """
    table = pd.DataFrame(
        [
            {"tag": tag, "base": item.name, "kind": item.kind, "unit": item.unit, "rank": rank}
            for item in ITEMS
            for rank, tag in enumerate(item.tags)
        ]
    )
    rows = reports[list(COLUMNS)].merge(table, on=["tag", "unit"], sort=False)
    stock = rows["kind"] == "stock"
    # A stock under a span, or a flow at a date, is a tag misused: it isn't that item.
    rows = rows[stock == (rows["days"] == 0)].reset_index(drop=True)
    name = rows["base"].where(rows["kind"] == "stock").astype(object)
    for span, (least, most) in SPANS.items():
        fits = (rows["kind"] == "flow") & rows["days"].between(least, most)
        name = name.mask(fits, rows["base"] + "_" + span)
    return rows.assign(name=name)
