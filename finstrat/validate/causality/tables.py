"""Prices, documents and facts as long tables, and the first row in which two of them differ.

A row is there from its moment on: when it could first be known. What could differ without meaning
anything, such as the basis of adjusted prices, is taken out first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.data.panel import PRICES
from finstrat.validate.causality.report import Change
from finstrat.validate.causality.subject import RELATIVE

if TYPE_CHECKING:
    from finstrat.data import Documents, Facts, Panel


def on_one_basis(panel: Panel) -> dict[str, pd.DataFrame]:
    """Every field `[T, N]`, adjusted ones as ratios to the asset's first; and who is a member.

    A source may adjust to the end of its span or to today: only ratios carry meaning. Who isn't a
    member yet may as well be absent, and a column of its own tells nothing, so that is NaN.
    """
    rescaled = ("adj_factor",) if "adj_factor" in panel.fields else (*PRICES, "volume")
    fields = {name: panel[name] for name in panel.fields}
    for name in fields.keys() & set(rescaled):
        fields[name] = fields[name] / fields[name].bfill().iloc[0]
    member = pd.DataFrame(panel.member, index=panel.index, columns=panel.assets)
    return {**fields, "member": member.astype(float).where(member)}


def of_prices(panel: Panel) -> pd.DataFrame:
    """Prices by session, asset and field."""
    parts = [_long(wide, name) for name, wide in on_one_basis(panel).items()]
    return pd.concat(parts, ignore_index=True)


def of_documents(documents: Documents) -> pd.DataFrame:
    """Texts by moment, asset, id and version."""
    frame = documents.frame()
    moment = pd.Series(np.maximum(documents.event_at, documents.known_at), index=frame.index)
    key = frame["id"] + " v" + frame["version"].astype(str)
    value = frame["kind"] + ": " + frame["text"]
    return pd.DataFrame(
        {"moment": moment, "asset": frame["asset"].fillna(""), "key": key, "value": value}
    )


def of_facts(facts: Facts) -> pd.DataFrame:
    """Numbers by moment, asset, item, period and version."""
    frame = facts.frame
    ended = frame["period_end"].dt.strftime("%Y-%m-%d")
    return pd.DataFrame(
        {
            "moment": frame["known_at"].dt.tz_localize(None).astype("datetime64[ns]"),
            "asset": frame["asset"],
            "key": frame["item"] + " of " + ended + " v" + frame["version"].astype(str),
            "value": frame["value"],
            "period_end": frame["period_end"],
        }
    )


def first_change(before: pd.DataFrame, after: pd.DataFrame, changed_by: str) -> Change | None:
    """The earliest row of either table that the other lacks or gives another value."""
    columns = ["moment", "asset", "key"]
    both = before.merge(after, on=columns, how="outer", suffixes=("", "_after"), indicator=True)
    differs = both["_merge"] != "both"
    shared = both[~differs]
    if len(shared):
        old, new = shared["value"], shared["value_after"]
        if pd.api.types.is_numeric_dtype(old):
            allowed = RELATIVE * np.maximum(old.abs(), new.abs())
            same = (old == new) | (old.isna() & new.isna()) | ((old - new).abs() <= allowed)
            moved = ~same
        else:
            moved = old != new
        differs = differs | moved.reindex(both.index, fill_value=False)
    if not differs.any():
        return None
    row = both[differs].sort_values(columns).iloc[0]
    moment = row["moment"]
    at = f"{moment:%Y-%m-%d}" if moment == moment.normalize() else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return Change(
        changed_by,
        str(row["key"]),
        at,
        str(row["asset"]) or None,
        _value(row["value"], there=row["_merge"] != "right_only"),
        _value(row["value_after"], there=row["_merge"] != "left_only"),
    )


def _value(value: float | str, *, there: bool) -> float | str:
    if not there:
        return "absent"
    return value[:80] if isinstance(value, str) else float(value)


def _long(wide: pd.DataFrame, name: str) -> pd.DataFrame:
    table = wide.rename_axis(index="moment").reset_index()
    long = table.melt("moment", var_name="asset").dropna(subset="value")
    return long.assign(key=name)
