"""What trading and holding cost, as one object that the simulator charges and an optimizer
penalises.

Rates are what a trade is expected to cost before it is made; they know nothing of orders or
positions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CostRates:
    """Costs by session and asset, each `[T, N]`; None = there is no such cost.

    Row t applies to a fill in session t, and uses nothing known at or after its open.

    Attributes:
        fees: cash on the traded value, as a fraction (5 basis points = 0.0005).
        slippage: fraction by which the price moves against the trade; half of a quoted spread.
        buy_tax, sell_tax: fractions of the value bought (stamp duty) or sold.
        per_share: currency a share, in shares as the exchange counts them.
        per_order: currency an order.
        impact: fraction by which the price moves against a trade as large as `daily_value`; a
            trade of value v moves it by impact · √(v / daily_value). NaN = unknown, and what
            would move the price by an unknown amount isn't traded.
        daily_value: value that usually changes hands in a session, in currency; NaN = unknown.
        borrow: yearly fee on the value of a short position, actual/360.
    """

    fees: NDArray[np.float64]
    slippage: NDArray[np.float64]
    buy_tax: NDArray[np.float64] | None = None
    sell_tax: NDArray[np.float64] | None = None
    per_share: NDArray[np.float64] | None = None
    per_order: NDArray[np.float64] | None = None
    impact: NDArray[np.float64] | None = None
    daily_value: NDArray[np.float64] | None = None
    borrow: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name, given in self.given().items():
            if given.shape != self.fees.shape:
                raise DataError(
                    f"cost rates: {name} have shape {given.shape}, fees {self.fees.shape}"
                )
            known = given[~np.isnan(given)] if name in {"impact", "daily_value"} else given
            below_one = name in {"fees", "slippage", "buy_tax", "sell_tax"}
            if not (np.isfinite(known) & (known >= 0) & ((known < 1) | (not below_one))).all():
                limit = " and < 1 (1 = 100 %)" if below_one else ""
                raise DataError(f"cost rates: {name} must be finite, ≥ 0{limit}")
        if (self.impact is None) != (self.daily_value is None):
            raise DataError("cost rates: impact and daily_value are given together, or neither is")

    def given(self) -> dict[str, NDArray[np.float64]]:
        """The costs there are, by name."""
        rates = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: rate for name, rate in rates.items() if rate is not None}

    def rows(self, start: int, stop: int) -> CostRates:
        """The same rates for the sessions `start:stop`."""
        return replace(self, **{name: rate[start:stop] for name, rate in self.given().items()})

    @property
    def total(self) -> NDArray[np.float64]:
        """The cost of one unit of turnover, linear part, `[T, N]`: fees, slippage and taxes.

        Taxes count half each, since who buys sells in the end. Costs a share, an order or by size
        aren't linear in turnover and stay out.
        """
        taxes = [tax for tax in (self.buy_tax, self.sell_tax) if tax is not None]
        linear: NDArray[np.float64] = self.fees + self.slippage + 0.5 * sum(taxes)
        return linear

    def steepness(self, capital: float) -> NDArray[np.float64] | None:
        """What multiplies |Δw|^1.5 in the cost of a rebalance, as fraction of `capital`, `[T, N]`.

        A trade of |Δw| · capital costs impact · √(|Δw| · capital / daily_value) of its own value.
        None where there is no impact.
        """
        if self.impact is None or self.daily_value is None:
            return None
        steep: NDArray[np.float64] = self.impact * np.sqrt(capital / self.daily_value)
        return steep
