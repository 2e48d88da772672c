"""Prices as a dense array `[time, asset, field]` with labels, and who was a member when.

A panel holds raw prices and `adj_factor` (adjusted close / raw close); one basis a run. It can't
be written to. It doesn't know what a decision is: `Clock` does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from finstrat.data.finding import Finding

PRICES = ("open", "high", "low", "close")
POSITIVE = (*PRICES, "adj_factor")


@dataclass(frozen=True, eq=False)
class Panel:
    """Sessions by assets by fields, float64, NaN = unknown; read-only.

    Attributes:
        times: `[T]` sessions as `datetime64[D]`, strictly increasing.
        assets: N permanent ids, unique.
        fields: F names; `close` is always among them. `adj_factor`, where there is one, turns raw
            prices into adjusted ones; without it the prices are on one basis already.
        values: `[T, N, F]`; each field is contiguous in memory, so `field(name)` is no copy.
        member: `[T, N]`, whether the asset belonged to the universe at that session.
        currency: of all the prices.
        findings: what was noticed and dropped on the way in.
    """

    times: NDArray[np.datetime64]
    assets: tuple[str, ...]
    fields: tuple[str, ...]
    values: NDArray[np.float64]
    member: NDArray[np.bool_]
    currency: str = "USD"
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.times), len(self.assets), len(self.fields))
        if self.values.shape != expected:
            raise DataError(f"panel: values have shape {self.values.shape}, labels say {expected}")
        if self.member.shape != expected[:2]:
            raise DataError(f"panel: member has shape {self.member.shape}, not {expected[:2]}")
        times = self.times.astype("datetime64[D]")
        if not (times[1:] > times[:-1]).all():
            row = int(np.argmin(times[1:] > times[:-1])) + 1
            raise DataError(f"panel: session {times[row]} (row {row}) repeats or goes back in time")
        if len(set(self.assets)) != len(self.assets):
            raise DataError("panel: two columns carry the same asset id")
        if "close" not in self.fields:
            raise DataError(f"panel: no close among the fields {', '.join(self.fields)}")
        # A copy of our own: nobody holds an array through which it could be written to.
        by_field = np.array(np.moveaxis(self.values, 2, 0), dtype=np.float64, order="C")
        # NaN has many bit patterns; one digest needs one.
        by_field[np.isnan(by_field)] = np.nan
        for name, values in zip(self.fields, by_field, strict=True):
            bad = np.isinf(values)
            if name in POSITIVE:
                bad |= values <= 0
            if bad.any():
                row, column = np.argwhere(bad)[0]
                raise DataError(
                    f"panel: {name} of {self.assets[column]} on {times[row]} is "
                    f"{values[row, column]}; it must be {'positive and ' * (name in POSITIVE)}"
                    "finite, or NaN for unknown"
                )
        object.__setattr__(self, "times", _closed(times.copy()))
        object.__setattr__(self, "values", np.moveaxis(_closed(by_field), 0, 2))
        object.__setattr__(self, "member", _closed(np.array(self.member, dtype=bool)))

    @classmethod
    def from_fields(
        cls,
        times: NDArray[np.datetime64],
        assets: Sequence[str],
        fields: Mapping[str, NDArray[np.float64]],
        *,
        member: NDArray[np.bool_] | None = None,
        currency: str = "USD",
        findings: tuple[Finding, ...] = (),
    ) -> Panel:
        """A panel of named `[T, N]` arrays; without `member`, whoever has a close is one."""
        return cls(
            times=np.asarray(times),
            assets=tuple(assets),
            fields=tuple(fields),
            values=np.stack(list(fields.values()), axis=2),
            member=~np.isnan(fields["close"]) if member is None else member,
            currency=currency,
            findings=findings,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """`(T, N)`."""
        return len(self.times), len(self.assets)

    @property
    def index(self) -> pd.DatetimeIndex:
        """The sessions as pandas knows them."""
        return pd.DatetimeIndex(self.times.astype("datetime64[ns]"), name="session")

    def field(self, name: str) -> NDArray[np.float64]:
        """One field as recorded, `[T, N]`, contiguous and read-only."""
        if name not in self.fields:
            hint = did_you_mean(name, self.fields)
            raise DataError(f'the price source has no field "{name}"{hint}')
        return self.values[:, :, self.fields.index(name)]

    def adjusted(self, name: str) -> NDArray[np.float64]:
        """One field on the adjusted basis, `[T, N]`: raw price × adjusted close / raw close.

        Adjusted prices mean something as ratios only: a later dividend rescales all the past.
        Fields that aren't prices come as recorded.
        """
        raw = self.field(name)
        if name not in PRICES or "adj_factor" not in self.fields:
            return raw
        return _closed(raw * self.field("adj_factor"))

    def tensor(self, name: str, *, device: torch.device | str = "cpu") -> torch.Tensor:
        """One adjusted field as a float64 tensor `[T, N]` on `device`."""
        import torch

        return torch.from_numpy(self.adjusted(name).copy()).to(device)

    def returns(self) -> NDArray[np.float64]:
        """Simple total returns from close to close, `[T, N]`; the first row is NaN."""
        close = self.adjusted("close")
        result = np.full_like(close, np.nan)
        result[1:] = close[1:] / close[:-1] - 1.0
        return _closed(result)

    def __getitem__(self, name: str) -> pd.DataFrame:
        return pd.DataFrame(self.field(name), index=self.index, columns=list(self.assets))

    def slice(self, start: int, stop: int) -> Panel:
        """The same panel over the rows `start:stop`; what came later is not reachable from it."""
        rows = slice(start, stop)
        return replace(
            self, times=self.times[rows], values=self.values[rows], member=self.member[rows]
        )

    def select(self, assets: Sequence[str]) -> Panel:
        """The same panel with these assets, in this order."""
        unknown = [name for name in assets if name not in self.assets]
        if unknown:
            hint = did_you_mean(unknown[0], self.assets)
            raise DataError(f'the price source has no asset "{unknown[0]}"{hint}')
        columns = [self.assets.index(name) for name in assets]
        return replace(
            self,
            assets=tuple(assets),
            values=self.values[:, columns],
            member=self.member[:, columns],
        )

    def digest(self) -> str:
        """A sha256 over labels and values: two panels with one digest hold the same data."""
        sha = hashlib.sha256()
        for part in (self.times.tobytes(), "\0".join((*self.assets, "", *self.fields)).encode()):
            sha.update(part)
        sha.update(np.ascontiguousarray(np.moveaxis(self.values, 2, 0)).tobytes())
        sha.update(np.packbits(self.member).tobytes())
        sha.update(self.currency.encode())
        return sha.hexdigest()


def _closed(array: NDArray[Any]) -> NDArray[Any]:
    """A view of an array just made, both closed to writing."""
    array.flags.writeable = False
    return array.view()
