"""What an account would have been worth, had it traded on the targets.

vectorbt gives fills, and cash, positions and returns are booked here from them; `ledger` keeps the
account itself. Either way one `Simulation` comes out. Nothing here judges the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.errors import SimulationError
from finstrat.simulate.book import Fills, order_book
from finstrat.simulate.checks import checked_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.costs import CostRates
    from finstrat.data import Panel
    from finstrat.simulate.book import Book
    from finstrat.simulate.execution import Execution
    from finstrat.simulate.kernel import Records
    from finstrat.simulate.ledger import Accounts


ROUNDING = 1e-9
"""A buy that falls short by no more than this share of net asset value counts as filled."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """The account over T sessions and N assets; money is in the panel's currency.

    Attributes:
        sessions: one row a session, columns
            net: simple return of net asset value, the first row against the initial cash;
            gross: the same before costs, (ΔNAV + fees + slippage + borrow) / NAV of the session
            before;
            equity: net asset value at the close;
            exposure, net_exposure: Σ|w| and Σw held at the close;
            turnover: traded value / NAV of the session before;
            fees, slippage: paid in the session (taxes are fees, impact is slippage);
            borrow: fees paid for short positions; interest: on cash, below 0 on a loan;
            dividends: paid out, below 0 on a short; cash: at the close.
        holdings: weights held at the close, `[T, N]`, in the panel's order.
        orders: one row a fill, in the order of execution: session, asset, side, shares, price
            (after slippage), value (shares × price), fee, slippage (in currency), reason.
        engine: name and version.
        limits: what the engine doesn't model, in sentences.
        partial_fills: orders cut, or not filled at all, for lack of cash.
        waited_orders: orders that found no price in their session and filled in a later one.
        missed_orders: orders that found no price as long as they were in force.
        delisted_exits: holdings that left because their prices ended.
        carried_orders: orders that the session's volume cut, and that went on in the next.
        stopped: positions that a stop closed.
        margin_calls: closes at which the account's value was below the maintenance margin.
        bankrupt_at: the session at whose close net asset value was no longer above 0, or None.
            All was closed out there, at the closing prices; the account never trades again.
    """

    sessions: pd.DataFrame
    holdings: pd.DataFrame
    orders: pd.DataFrame
    engine: str
    limits: tuple[str, ...]
    partial_fills: int
    waited_orders: int
    missed_orders: int
    delisted_exits: int
    carried_orders: int
    stopped: int
    margin_calls: int
    bankrupt_at: pd.Timestamp | None


def simulate(
    targets: pd.DataFrame,
    panel: Panel,
    *,
    rates: CostRates,
    execution: Execution,
    max_gross: float = 1.0,
) -> Simulation:
    """The account that trades on `targets`, decided at each close of `panel`.

    `targets` `[T, N]` are fractions of net asset value with the panel's sessions as index and its
    assets as columns, in any order; a row of NaN holds. The decision of row t fills in session
    t + 1 only, in w · NAV(t) / close(t) shares; the last row's never fills. An asset without a
    price is worth its last known close and its order waits, re-sized at the latest close, until
    the next decision replaces it. `max_gross` is the most Σ|w| a target may have; above 1 it takes
    shorts to pay for the longs, since Σw > 1 would need borrowed cash. Permuting assets permutes
    the result.

    Raises:
        SimulationError: targets that no such account could trade.
        DataError, ConfigError: prices that can't be used, or that the fill needs and aren't there.
    """
    if execution.engine == "ledger":
        return _by_ledger(targets, panel, rates=rates, execution=execution, max_gross=max_gross)
    unknown = [each for each in rates.given() if each not in {"fees", "slippage"}]
    if unknown:
        raise SimulationError(
            f'costs: the engine "vectorbt" can\'t charge {unknown[0]}; '
            'set execution.engine = "ledger"'
        )
    return _by_vectorbt(targets, panel, rates=rates, execution=execution, max_gross=max_gross)


def _by_ledger(
    targets: pd.DataFrame,
    panel: Panel,
    *,
    rates: CostRates,
    execution: Execution,
    max_gross: float,
) -> Simulation:
    """The account as finstrat's own ledger keeps it."""
    # Imported here because numba takes a moment.
    from finstrat.simulate import kernel, ledger

    prices = ledger.Prices.of(panel, execution)
    net = 1.0 if execution.margin is None else max_gross
    weights = checked_weights(targets, panel, max_gross=max_gross, max_net=net)
    kept = ledger.accounts(
        weights[None, :, prices.order], prices, rates=rates, execution=execution, keep="orders"
    )
    assert kept.records is not None
    index, names = panel.index, [panel.assets[i] for i in prices.order]
    equity, counts = kept.equity[0], kept.counts[0].tolist()
    value = kept.shares[0] * prices.market.valued
    solvent = (equity > 0)[:, None]
    held = np.divide(value, equity[:, None], out=np.zeros_like(value), where=solvent)
    end = counts[kernel.ENDED]
    return Simulation(
        sessions=_ledger_sessions(kept, held, index=index, initial_cash=execution.initial_cash),
        holdings=pd.DataFrame(held, index=index, columns=names)[list(panel.assets)],
        orders=_ledger_orders(kept.records, index=index, names=names),
        engine=ledger.name(),
        limits=ledger.LIMITS,
        partial_fills=counts[kernel.PARTIAL],
        waited_orders=counts[kernel.LATE],
        missed_orders=counts[kernel.MISSED],
        delisted_exits=counts[kernel.DELISTED],
        carried_orders=counts[kernel.CAPPED],
        stopped=counts[kernel.STOPPED],
        margin_calls=counts[kernel.CALLED],
        bankrupt_at=None if end < 0 else index[end],
    )


def _ledger_sessions(
    kept: Accounts, held: NDArray[np.float64], *, index: pd.DatetimeIndex, initial_cash: float
) -> pd.DataFrame:
    """The ledger's one row a session."""
    from finstrat.simulate import kernel

    equity, detail = kept.equity[0], kept.detail[0]
    return _with_returns(
        index=index,
        equity=equity,
        previous=np.concatenate([[initial_cash], equity[:-1]]),
        weights=held,
        traded=detail[:, kernel.TRADED],
        fees=detail[:, kernel.FEES],
        slippage=detail[:, kernel.SLIPPAGE],
        borrow=detail[:, kernel.BORROW],
        interest=detail[:, kernel.INTEREST],
        dividends=detail[:, kernel.DIVIDENDS],
        cash=detail[:, kernel.CASH],
    )


def _ledger_orders(records: Records, *, index: pd.DatetimeIndex, names: list[str]) -> pd.DataFrame:
    """The ledger's fills with their labels; within a session sales come first."""
    from finstrat.simulate.ledger import REASONS

    order = np.lexsort((records.shares > 0, records.row))
    shares, price = np.abs(records.shares), records.price
    return (
        pd.DataFrame(
            {
                "session": index[records.row],
                "asset": np.array(names, dtype=object)[records.column].astype(str),
                "side": np.where(records.shares > 0, "buy", "sell"),
                "shares": shares,
                "price": price,
                "value": shares * price,
                "fee": records.fee,
                "slippage": records.slippage,
                "reason": np.array(REASONS, dtype=object)[records.reason].astype(str),
            }
        )
        .iloc[order]
        .reset_index(drop=True)
    )


def _by_vectorbt(
    targets: pd.DataFrame,
    panel: Panel,
    *,
    rates: CostRates,
    execution: Execution,
    max_gross: float,
) -> Simulation:
    """The account booked from the fills of vectorbt's `from_orders`."""
    # Imported here because vectorbt alone takes seconds.
    from finstrat.simulate import vectorbt_engine

    book = order_book(targets, panel, rates=rates, execution=execution, max_gross=max_gross)
    fills = vectorbt_engine.fills(book, initial_cash=execution.initial_cash)
    account = _booked(fills, book, initial_cash=execution.initial_cash)
    end = _first(account.equity <= 0)
    traded = slice(None if end is None else end + 1)

    held = np.zeros_like(account.position)
    held[1:] = account.position[:-1]
    wanted = book.target * account.previous[:, None] / book.known
    cut = (wanted - account.position) * book.known > ROUNDING * account.previous[:, None]
    late = book.late & ((book.target != 0) | (held != 0))
    # Where a listing has ended, leaving is what happens anyway.
    missed = book.missed & ((book.due != 0) | ((held != 0) & ~book.delisted))
    left = book.delisted & (held != 0) & (account.position == 0)

    closed_out = 0
    if end is not None:
        closed_out = int(np.count_nonzero(account.position[end]))
        fills = _closed_out(fills, book, row=end, position=account.position[end])
        account = _booked(fills, book, initial_cash=execution.initial_cash)
    return Simulation(
        sessions=_sessions(account, fills, index=panel.index),
        holdings=pd.DataFrame(account.weights, index=panel.index, columns=list(book.assets))[
            list(panel.assets)
        ],
        orders=_orders(fills, book, index=panel.index, closed_out=closed_out),
        engine=vectorbt_engine.name(),
        limits=vectorbt_engine.LIMITS,
        partial_fills=int(cut[traded].sum()),
        waited_orders=int(late[traded].sum()),
        missed_orders=int(missed[traded].sum()),
        delisted_exits=int(left[traded].sum()),
        carried_orders=0,
        stopped=0,
        margin_calls=0,
        bankrupt_at=None if end is None else panel.index[end],
    )


@dataclass(frozen=True, eq=False)
class _Account:
    """Positions in shares and weights `[T, N]`, and money `[T]`, at each close.

    `previous` is the net asset value of the session before, the first being the initial cash.
    """

    position: NDArray[np.float64]
    weights: NDArray[np.float64]
    cash: NDArray[np.float64]
    equity: NDArray[np.float64]
    previous: NDArray[np.float64]


def _booked(fills: Fills, book: Book, *, initial_cash: float) -> _Account:
    """The account after each session's fills, valued at the last known closes."""
    bought = np.zeros(book.close.shape)
    traded = np.zeros(book.close.shape)
    np.add.at(bought, (fills.row, fills.column), fills.shares)
    np.add.at(traded, (fills.row, fills.column), np.abs(fills.shares))
    position = np.cumsum(bought, axis=0)
    # What a full exit leaves behind is the sum's rounding, not a holding.
    position[np.abs(position) <= 1e-12 * np.cumsum(traded, axis=0)] = 0.0
    paid = _per_session(fills.shares * fills.price + fills.fee, fills, count=len(position))
    cash = initial_cash - np.cumsum(paid)
    value = np.where(position != 0, position * book.close, 0.0)
    equity = cash + value.sum(axis=1)
    weights = np.divide(
        value, equity[:, None], out=np.zeros_like(value), where=(equity > 0)[:, None]
    )
    return _Account(
        position=position,
        weights=weights,
        cash=cash,
        equity=equity,
        previous=np.concatenate([[initial_cash], equity[:-1]]),
    )


def _closed_out(fills: Fills, book: Book, *, row: int, position: NDArray[np.float64]) -> Fills:
    """The fills up to session `row`, and then everything sold or covered at that close."""
    kept = fills.row <= row
    columns = np.flatnonzero(position)
    none = np.zeros(len(columns))
    return Fills(
        row=np.concatenate([fills.row[kept], np.full(len(columns), row)]),
        column=np.concatenate([fills.column[kept], columns]),
        shares=np.concatenate([fills.shares[kept], -position[columns]]),
        price=np.concatenate([fills.price[kept], book.close[row, columns]]),
        fee=np.concatenate([fills.fee[kept], none]),
        slippage=np.concatenate([fills.slippage[kept], none]),
    )


def _sessions(account: _Account, fills: Fills, *, index: pd.DatetimeIndex) -> pd.DataFrame:
    """The account's one row a session."""
    count = len(index)
    return _with_returns(
        index=index,
        equity=account.equity,
        previous=account.previous,
        weights=account.weights,
        traded=_per_session(np.abs(fills.shares) * fills.price, fills, count=count),
        fees=_per_session(fills.fee, fills, count=count),
        slippage=_per_session(fills.slippage, fills, count=count),
        borrow=np.zeros(count),
        interest=np.zeros(count),
        dividends=np.zeros(count),
        cash=account.cash,
    )


def _with_returns(
    *,
    index: pd.DatetimeIndex,
    equity: NDArray[np.float64],
    previous: NDArray[np.float64],
    weights: NDArray[np.float64],
    traded: NDArray[np.float64],
    fees: NDArray[np.float64],
    slippage: NDArray[np.float64],
    borrow: NDArray[np.float64],
    interest: NDArray[np.float64],
    dividends: NDArray[np.float64],
    cash: NDArray[np.float64],
) -> pd.DataFrame:
    """An account's sessions with its returns, exposures and turnover."""
    change = equity - previous
    # A closed account earns nothing on nothing.
    alive = previous > 0
    base = np.where(alive, previous, 1.0)
    return pd.DataFrame(
        {
            "net": np.where(alive, change / base, 0.0),
            "gross": np.where(alive, (change + fees + slippage + borrow) / base, 0.0),
            "equity": equity,
            "exposure": np.abs(weights).sum(axis=1),
            "net_exposure": weights.sum(axis=1),
            "turnover": np.where(alive, traded / base, 0.0),
            "fees": fees,
            "slippage": slippage,
            "borrow": borrow,
            "interest": interest,
            "dividends": dividends,
            "cash": cash,
        },
        index=index,
    )


def _orders(fills: Fills, book: Book, *, index: pd.DatetimeIndex, closed_out: int) -> pd.DataFrame:
    """The fills with their labels; the last `closed_out` of them closed the account."""
    shares = np.abs(fills.shares)
    reason = np.where(book.delisted[fills.row, fills.column], "delisting", "decision")
    reason = np.where(np.arange(len(reason)) >= len(reason) - closed_out, "closed out", reason)
    return pd.DataFrame(
        {
            "session": index[fills.row],
            "asset": np.array(book.assets, dtype=object)[fills.column].astype(str),
            "side": np.where(fills.shares > 0, "buy", "sell"),
            "shares": shares,
            "price": fills.price,
            "value": shares * fills.price,
            "fee": fills.fee,
            "slippage": fills.slippage,
            "reason": reason,
        }
    )


def _per_session(amount: NDArray[np.float64], fills: Fills, *, count: int) -> NDArray[np.float64]:
    """The sum of something over each session's fills, `[T]`."""
    return np.bincount(fills.row, weights=amount, minlength=count).astype(np.float64)


def _first(condition: NDArray[np.bool_]) -> int | None:
    """The first row where `condition` holds, or None."""
    rows = np.flatnonzero(condition)
    return int(rows[0]) if rows.size else None
