"""Target weights and prices, lagged, as the orders an engine is to fill.

This is where a decision of session t becomes an order of session t + 1, where an order waits for
a price, and where a lost listing becomes a forced exit. The book knows nothing of cash or
positions: those depend on the fills, which are the engine's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.errors import DataError, SimulationError
from finstrat.simulate.checks import checked_prices, checked_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.costs import CostRates
    from finstrat.data import Panel
    from finstrat.simulate.execution import Execution

SMALLEST = np.finfo(np.float64).tiny
"""What a total loss pays a share: a price of 0 stops vectorbt's whole run."""


@dataclass(frozen=True, eq=False)
class Book:
    """Orders by session of the fill, `[T, N]`; columns in rising order of asset id.

    A fixed order of columns makes ties (two buys of one size and cash for one) and rounding the
    same however the panel was ordered.

    Attributes:
        assets: N ids.
        target: weight of net asset value to hold after the fill; NaN = no order.
        price: quoted price of the fill, before slippage; NaN = none.
        known: last close known before the session, which sizes the order; NaN = none yet.
        close: last close known at the session's end, which values a holding; NaN = none yet.
        fees: fraction of the traded value.
        slippage: fraction by which the price moves against the order.
        late: orders that waited for a price and fill here.
        missed: orders due here that found no price as long as they were in force; their
            weights are `due`.
        due: weight wanted from this session on, NaN = nothing decided.
        delisted: the asset's prices have ended for good; what is held leaves at `price`.
    """

    assets: tuple[str, ...]
    target: NDArray[np.float64]
    price: NDArray[np.float64]
    known: NDArray[np.float64]
    close: NDArray[np.float64]
    fees: NDArray[np.float64]
    slippage: NDArray[np.float64]
    late: NDArray[np.bool_]
    missed: NDArray[np.bool_]
    due: NDArray[np.float64]
    delisted: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Fills:
    """What an engine traded, one row a fill, in the order of execution.

    `row` and `column` point into the book; `shares` is above 0 for a buy and below 0 for a sell;
    `price` is after slippage; `fee` and `slippage` (what the moved price cost) are in currency.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    shares: NDArray[np.float64]
    price: NDArray[np.float64]
    fee: NDArray[np.float64]
    slippage: NDArray[np.float64]


def order_book(
    targets: pd.DataFrame,
    panel: Panel,
    *,
    rates: CostRates,
    execution: Execution,
    max_gross: float,
) -> Book:
    """The orders that follow from `targets`, decided at each close of `panel`.

    Row t of the book uses the targets of rows before t only. A delisting is known from the
    session after the last price on.

    Raises:
        SimulationError: labels don't match, or weights are partly unknown or beyond the limits.
        DataError: an adjusted price isn't positive and finite.
        ConfigError: fills at the open are asked for where there are closes only.
    """
    order = np.array(sorted(range(len(panel.assets)), key=panel.assets.__getitem__), dtype=np.intp)
    weights = checked_weights(targets, panel, max_gross=max_gross)[:, order]
    weights = weights * (1.0 - execution.cash_buffer)
    close = checked_prices(panel, "close")[:, order]
    price = close if execution.fill == "next-close" else checked_prices(panel, "open")[:, order]
    if rates.fees.shape != panel.shape:
        raise SimulationError(
            f"cost rates: fees have shape {rates.fees.shape}, not {panel.shape}, the panel's "
            "sessions by assets"
        )

    ended = delisted(close)
    valued = pd.DataFrame(close).ffill().to_numpy()
    known = _lagged(valued)
    # An order needs a price to fill at and a close to be sized with.
    tradable = np.isfinite(price) & np.isfinite(known) & ~ended
    if "halted" in panel.fields:
        tradable &= ~(panel.field("halted")[:, order] > 0)

    target = np.full_like(close, np.nan)
    late = np.zeros_like(tradable)
    missed = np.zeros_like(tradable)
    pending = np.full(close.shape[1], np.nan)
    since = np.zeros(close.shape[1], dtype=np.int64)
    for t in range(1, len(close)):
        if not np.isnan(weights[t - 1]).any():
            _mark_missed(missed, pending, since=since)
            pending, since[:] = weights[t - 1].copy(), t
        fills = tradable[t] & ~np.isnan(pending)
        target[t, fills] = pending[fills]
        late[t, fills] = since[fills] < t
        pending[fills] = np.nan
    _mark_missed(missed, pending, since=since)

    paid = payout(panel, close, execution=execution, order=order)
    # The exit stays in the book to the end, for a short whose cover the cash didn't allow at once.
    target[ended] = 0.0
    return Book(
        assets=tuple(panel.assets[i] for i in order),
        target=target,
        price=np.where(ended, paid, price),
        known=known,
        close=valued,
        # Being paid out is no trade: nobody charges for it.
        fees=np.where(ended, 0.0, rates.fees[:, order]),
        slippage=np.where(ended, 0.0, rates.slippage[:, order]),
        late=late,
        missed=missed,
        due=_lagged(weights),
        delisted=ended,
    )


def delisted(close: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether an asset's closes have ended for good while others go on, `[T, N]`.

    Where all end together, the data ended: nothing was delisted.
    """
    sessions = np.arange(len(close))[:, None]
    last = np.where(np.isfinite(close), sessions, -1).max(axis=0, initial=-1)
    ended = (last >= 0) & (last < last.max(initial=-1))
    return np.asarray((sessions > last) & ended, dtype=np.bool_)


def payout(
    panel: Panel, close: NDArray[np.float64], *, execution: Execution, order: NDArray[np.intp]
) -> NDArray[np.float64]:
    """What a share pays once its listing has ended, `[N]` in the given order; NaN = never listed.

    The panel's field `delisting_return`, on the session of the last price, wins over the terms'.
    """
    last = np.where(np.isfinite(close), np.arange(len(close))[:, None], -1).max(axis=0)
    columns = np.arange(close.shape[1])
    change = np.full(close.shape[1], execution.delisting_return)
    if "delisting_return" in panel.fields:
        given = panel.field("delisting_return")[:, order][last, columns]
        known = ~np.isnan(given)
        if (given[known] < -1).any():
            worst = columns[known][int(np.argmin(given[known]))]
            raise DataError(
                f"delisting_return of {panel.assets[order[worst]]} is {given[worst]}; a holder "
                "can't lose more than everything (-1)"
            )
        change = np.where(known, given, change)
    paid: NDArray[np.float64] = np.maximum(close[last, columns] * (1.0 + change), SMALLEST)
    return paid


def _mark_missed(
    missed: NDArray[np.bool_], pending: NDArray[np.float64], *, since: NDArray[np.int64]
) -> None:
    """Mark the orders still pending at the session they were due in."""
    columns = np.flatnonzero(~np.isnan(pending))
    missed[since[columns], columns] = True


def _lagged(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows moved down by one session; the first is unknown."""
    result = np.full_like(values, np.nan)
    result[1:] = values[:-1]
    return result
