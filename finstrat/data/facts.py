"""Numbers with their times: what was reported about an asset, for which period, known from when.

A restatement is a new version of the same fact, known from its own `known_at`; the old value is
never overwritten.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.data.frames import require_columns, require_utc
from finstrat.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from finstrat.data.quality import Finding

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
            DataError: a column or stamp is missing, a value isn't a number, or two rows share
                asset, item, period and version.
        """
        require_columns(frame, COLUMNS[:-1], where=where)
        full = pd.DataFrame(
            {
                "asset": frame["asset"].astype(str),
                "item": frame["item"].astype(str),
                "value": pd.to_numeric(frame["value"], errors="coerce").astype("float64"),
                "period_end": pd.to_datetime(frame["period_end"]).astype("datetime64[ns]"),
                "known_at": require_utc(frame, "known_at", where=where),
                "version": frame["version"].astype("int64") if "version" in frame else 1,
            }
        )
        unread = full["value"].isna() & frame["value"].notna()
        if unread.any():
            row = int(unread.to_numpy().argmax())
            raise DataError(f"{where}: row {row + 1}: value {frame['value'].iloc[row]!r} is no number")
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

    def visible_before(self, moment: np.datetime64) -> Facts:
        """The facts that may count at a cutoff: `known_at < moment`."""
        known = self.frame["known_at"] < pd.Timestamp(moment, tz="UTC")
        return Facts(self.frame[known].reset_index(drop=True), self.findings)

    def digest(self) -> str:
        """A sha256 over every row."""
        rows = self.frame.assign(
            value=self.frame["value"].map(float.hex),
            period_end=self.frame["period_end"].astype("int64"),
            known_at=self.frame["known_at"].astype("int64"),
        )
        return hashlib.sha256(repr(rows.to_numpy().tolist()).encode()).hexdigest()
