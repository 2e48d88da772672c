"""Numbers with their times: what was reported about an asset, for which period, known from when.

A restatement is a new version of the same fact, known from its own `known_at`; the old value is
never overwritten.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.data.frames import (
    numbers,
    require_columns,
    require_dates,
    require_utc,
    require_values,
    whole_numbers,
)
from finstrat.errors import DataError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import numpy as np

    from finstrat.data.finding import Finding

COLUMNS = ("asset", "item", "value", "period_end", "known_at", "version")


@dataclass(frozen=True, eq=False)
class Facts:
    """Facts ordered by `known_at`; the columns are `COLUMNS`, `known_at` in UTC."""

    frame: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, where: str, findings: tuple[Finding, ...] = ()
    ) -> Facts:
        """Facts out of a frame with the columns of `COLUMNS` (`version` may be absent: 1).

        Raises:
            DataError: a column, period or stamp is missing, a value is no finite number, or two
                rows share asset, item, period and version.
        """
        require_columns(frame, COLUMNS[:-1], where=where)
        require_values(frame, ("asset", "item"), where=where)
        full = pd.DataFrame(
            {
                "asset": frame["asset"].astype(str),
                "item": frame["item"].astype(str),
                "value": numbers(frame, "value", where=where),
                "period_end": require_dates(frame, "period_end", where=where),
                "known_at": require_utc(frame, "known_at", where=where),
                "version": whole_numbers(frame, "version", where=where)
                if "version" in frame
                else 1,
            }
        )
        repeated = full.duplicated(["asset", "item", "period_end", "version"])
        if repeated.any():
            row = int(repeated.to_numpy().argmax())
            raise DataError(
                f"{where}: row {row + 1}: {full['asset'].iloc[row]} {full['item'].iloc[row]} "
                "appears twice for one period and version; give a restatement a higher version"
            )
        order = ["known_at", "asset", "item", "period_end", "version"]
        return cls(full.sort_values(order, kind="stable").reset_index(drop=True), findings)

    @classmethod
    def empty(cls) -> Facts:
        """No fact at all."""
        none = pd.DataFrame({name: pd.Series(dtype="object") for name in COLUMNS})
        none["known_at"] = pd.Series(dtype="datetime64[ns, UTC]")
        return cls.from_frame(none, where="no facts")

    def __len__(self) -> int:
        return len(self.frame)

    def until(self, end: dt.date, assets: Sequence[str] | None = None) -> Facts:
        """The facts known by the end of a date in UTC; with `assets`, those about them."""
        day_after = pd.Timestamp(end, tz="UTC") + pd.Timedelta(days=1)
        keep = self.frame["known_at"] < day_after
        if assets is not None:
            keep &= self.frame["asset"].isin(assets)
        return Facts(self.frame[keep].reset_index(drop=True), self.findings)

    def visible_before(self, moment: np.datetime64) -> Facts:
        """The facts that may count at a cutoff: `max(period_end, known_at) < moment`."""
        until = pd.Timestamp(moment)
        known = self.frame["known_at"].dt.tz_localize(None) < until
        ended = self.frame["period_end"] < until
        return Facts(self.frame[known & ended].reset_index(drop=True), self.findings)

    def digest(self) -> str:
        """A sha256 over every row."""
        rows = self.frame.assign(
            value=self.frame["value"].map(float.hex),
            period_end=self.frame["period_end"].astype("int64"),
            known_at=self.frame["known_at"].astype("int64"),
        )
        return hashlib.sha256(repr(rows.to_numpy().tolist()).encode()).hexdigest()
