"""What trading and holding cost, as one object that the simulator charges and an optimizer
penalises; and estimates of what no broker quotes, the spread and the liquidity, from daily bars.

Rates are what a trade is expected to cost before it is made; they know nothing of orders or
positions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

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

    def of_trades(
        self, shares: NDArray[np.float64], price: NDArray[np.float64], *, row: int
    ) -> dict[str, NDArray[np.float64]]:
        """What trades of `shares` `[N]` (sales below 0) at `price` cost by the rates of one row.

        Currency: "fee" (taxes among them), "slippage" and "impact", each `[N]` and ≥ 0; NaN where
        a trade moves the price by an unknown amount.
        """
        count = np.abs(shares)
        value = count * np.where(count > 0, price, 0.0)
        at = {name: rate[row] for name, rate in self.given().items()}
        none = np.zeros_like(value)
        tax = np.where(shares > 0, at.get("buy_tax", none), at.get("sell_tax", none))
        fee = value * (self.fees[row] + tax) + count * at.get("per_share", none)
        impact = none
        if self.impact is not None:
            impact = np.where(
                value > 0, value * at["impact"] * np.sqrt(value / at["daily_value"]), 0.0
            )
        return {
            "fee": fee + np.where(count > 0, at.get("per_order", none), 0.0),
            "slippage": value * self.slippage[row],
            "impact": impact,
        }

    def steepness(self, capital: float) -> NDArray[np.float64] | None:
        """What multiplies |Δw|^1.5 in the cost of a rebalance, as fraction of `capital`, `[T, N]`.

        A trade of |Δw| · capital costs impact · √(|Δw| · capital / daily_value) of its own value.
        None where there is no impact.
        """
        if self.impact is None or self.daily_value is None:
            return None
        steep: NDArray[np.float64] = self.impact * np.sqrt(capital / self.daily_value)
        return steep


def corwin_schultz(
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    *,
    window: int,
) -> NDArray[np.float64]:
    """The bid-ask spread as a fraction of the price, `[T, N]`, from two-day high-low ranges.

    A day's range holds its volatility once and the spread once, the range of two days the
    volatility twice and the spread once (Corwin and Schultz 2012, J. Finance 67(2), eqs. 14 and
    18). Ranges are moved over overnight gaps, as in their section I.D; a pair of days that gives
    a negative spread counts as 0. Row t is the mean of the last `window` pairs that end with
    session t - 1; NaN until there are that many, and over gaps in the prices.
    """
    before = np.full_like(close, np.nan)
    before[1:] = close[:-1]
    # What the price did while the market was closed is no part of the day's range.
    gap = np.maximum(low - before, 0.0) + np.minimum(high - before, 0.0)
    top, bottom = np.log(high - gap), np.log(low - gap)
    day = np.log(high / low)
    pair = np.full_like(close, np.nan)
    wide = np.maximum(np.log(high[:-1]), top[1:]) - np.minimum(np.log(low[:-1]), bottom[1:])
    beta, gamma = day[:-1] ** 2 + (top - bottom)[1:] ** 2, wide**2
    k = 3.0 - 2.0 * np.sqrt(2.0)
    alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
    pair[1:] = np.maximum(2.0 * np.tanh(alpha / 2.0), 0.0)
    return _mean_before(pair, window)


def usual_value(
    close: NDArray[np.float64], volume: NDArray[np.float64], *, window: int
) -> NDArray[np.float64]:
    """The mean value traded in the `window` sessions that end with t - 1, `[T, N]`; raw prices."""
    return _mean_before(close * volume, window)


def usual_move(returns: NDArray[np.float64], *, window: int) -> NDArray[np.float64]:
    """The root mean square of the `window` returns that end with session t - 1, `[T, N]`."""
    square: NDArray[np.float64] = np.sqrt(_mean_before(returns**2, window))
    return square


def _mean_before(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """The mean of the `window` rows before each row; NaN where one of them is."""
    mean: NDArray[np.float64] = pd.DataFrame(values).rolling(window).mean().shift(1).to_numpy()
    return mean
