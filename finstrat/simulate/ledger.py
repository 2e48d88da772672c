"""Targets, prices and costs, checked and laid out for the kernel; and what it kept, as arrays.

Accounts come one or many at once, over the same prices. Columns are in rising order of asset id,
so that ties break and sums round the same however the panel was ordered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from finstrat import __version__
from finstrat.errors import ConfigError, DataError, SimulationError
from finstrat.simulate import kernel
from finstrat.simulate.book import delisted, payout
from finstrat.simulate.checks import checked_prices

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from finstrat.costs import CostRates
    from finstrat.data import Panel
    from finstrat.simulate.execution import Execution

LIMITS = (
    "There is no order book: fills are at the quoted price, moved by slippage and impact.",
    "Dividends are paid on their ex-date and not taxed; in adjusted prices they are reinvested.",
    "Stops fill at their level, or at the open beyond it; of two in one session the loss counts.",
    "Stops and lost listings are not held to the session's volume.",
    "Margin is looked at once a session, at the close; a call is met at the next fill.",
)
"""What this engine doesn't model, as sentences for a report."""

REASONS = (
    *("decision", "delisting", "stop-loss", "take-profit", "trailing-stop"),
    *("margin call", "limit", "closed out"),
)
"""Why a fill happened, by the kernel's number."""

Keep = Literal["equity", "sessions", "orders"]


def name() -> str:
    """The engine as a run's manifest names it."""
    return f"ledger (finstrat {__version__})"


@dataclass(frozen=True, eq=False)
class Accounts:
    """A accounts over T sessions and N assets, columns in rising order of asset id.

    Attributes:
        equity: net asset value at each close, `[A, T]`.
        detail: by the kernel's columns (`CASH`, `FEES`, …), `[A, T, 8]`; empty unless kept.
        shares: held at each close, `[A, T, N]`; empty unless kept.
        records: fills in order of account and session; None unless kept.
        counts: by the kernel's columns (`PARTIAL`, …), `[A, 8]`.
    """

    equity: NDArray[np.float64]
    detail: NDArray[np.float64]
    shares: NDArray[np.float64]
    records: kernel.Records | None
    counts: NDArray[np.int64]

    def net(self, initial_cash: float) -> NDArray[np.float64]:
        """Simple returns of net asset value, `[A, T]`; a closed account earns 0 on nothing."""
        before = np.column_stack([np.full(len(self.equity), initial_cash), self.equity[:, :-1]])
        alive = before > 0
        result: NDArray[np.float64] = np.where(
            alive, (self.equity - before) / np.where(alive, before, 1.0), 0.0
        )
        return result


def accounts(
    weights: NDArray[np.float64],
    prices: Prices,
    *,
    rates: CostRates,
    execution: Execution,
    keep: Keep = "equity",
) -> Accounts:
    """The accounts that trade on `weights` `[A, T, N]`, decided at each close; NaN rows hold.

    `keep` says how much is written down: net asset values alone, the sessions too, or also
    every order and holding.
    """
    count, sessions, assets = weights.shape
    if (sessions, assets) != prices.market.price.shape:
        raise SimulationError(
            f"weights: {sessions} sessions of {assets} assets, the prices have "
            f"{prices.market.price.shape}"
        )
    costs = _costs(rates, prices)
    market = prices.market
    if rates.impact is not None:
        known = np.isfinite(costs.impact) & np.isfinite(costs.daily) & (costs.daily > 0)
        market = market._replace(price=_fixed(np.where(known, market.price, np.nan)))
    equity = np.empty((count, sessions))
    detail = np.empty((count if keep != "equity" else 0, sessions, 8))
    shares = np.empty((count if keep == "orders" else 0, sessions, assets))
    counts = np.empty((count, 8), dtype=np.int64)
    # Most sessions of most strategies hold: guess, and run again where it was too little.
    room = 0 if keep != "orders" else int(np.isfinite(weights[:, :, 0]).sum() + 8) * assets
    terms, given = _terms(execution), _fixed(weights)
    while True:
        records = _records(room)
        found = kernel.keep(given, market, costs, terms, equity, detail, shares, records, counts)
        if keep != "orders" or found <= room:
            break
        room = found
    if keep != "orders":
        return Accounts(equity, detail, shares, None, counts)
    kept = kernel.Records(*[each[:found] for each in records])  # type: ignore[arg-type]
    return Accounts(equity, detail, shares, kept, counts)


@dataclass(frozen=True, eq=False)
class Returns:
    """Simple daily returns of A accounts, after and before costs, each `[A, T]`."""

    net: NDArray[np.float64]
    gross: NDArray[np.float64]


def daily_returns(
    weights: NDArray[np.float64], prices: Prices, *, rates: CostRates, execution: Execution
) -> Returns:
    """What the accounts that trade on `weights` `[A, T, N]` earn a day, and nothing else of them.

    The first session's return is against the initial cash; an account that is worth nothing any
    more earns 0.
    """
    kept = accounts(weights, prices, rates=rates, execution=execution, keep="sessions")
    previous = np.concatenate(
        [np.full((len(weights), 1), float(execution.initial_cash)), kept.equity[:, :-1]], axis=1
    )
    change = kept.equity - previous
    costs = kept.detail[:, :, [kernel.FEES, kernel.SLIPPAGE, kernel.BORROW]].sum(axis=2)
    alive = previous > 0
    base = np.where(alive, previous, 1.0)
    return Returns(
        net=np.where(alive, change / base, 0.0),
        gross=np.where(alive, (change + costs) / base, 0.0),
    )


@dataclass(frozen=True, eq=False)
class Prices:
    """A panel as the kernel wants it: `order` are the panel's columns by asset id.

    `per_share` turns a share of these prices into shares as the exchange counts them, `[T, N]`;
    None where they are the same.
    """

    market: kernel.Market
    order: NDArray[np.intp]
    per_share: NDArray[np.float64] | None

    @classmethod
    def of(cls, panel: Panel, execution: Execution) -> Prices:
        """The prices, volumes, corporate actions and last rows of `panel`.

        Raises:
            ConfigError: a field that the terms need isn't there.
            DataError: an adjusted price isn't positive and finite, or a split ratio isn't.
        """
        order = np.array(
            sorted(range(len(panel.assets)), key=panel.assets.__getitem__), dtype=np.intp
        )
        raw = execution.prices == "raw"
        used = panel if not raw else without_adjustment(panel)
        close = _ordered(checked_prices(used, "close"), order)
        at_close = execution.fill == "next-close"
        price = close if at_close else _ordered(checked_prices(used, "open"), order)
        if "halted" in panel.fields:
            price = np.where(_ordered(panel.field("halted"), order) > 0, np.nan, price)
        ended = delisted(close)
        shares = None
        if not raw and "adj_factor" in panel.fields:
            shares = _ordered(panel.field("adj_factor"), order)
        none = np.empty((0, 0))
        opened = high = low = none
        if _stops(execution) and {"open", "high", "low"} <= set(panel.fields):
            opened, high, low = (
                _ordered(checked_prices(used, each), order) for each in ("open", "high", "low")
            )
        volume = none
        if execution.participation is not None:
            volume = _ordered(_field(panel, "volume", "execution.participation"), order)
            volume = volume if shares is None else volume / shares
        dividend = split = none
        if raw:
            dividend = _ordered(_field(panel, "dividend", 'execution.prices = "raw"'), order)
            split = _ordered(_field(panel, "split", 'execution.prices = "raw"'), order)
            if (split <= 0).any():
                row, column = np.argwhere(split <= 0)[0]
                raise DataError(
                    f"split of {panel.assets[order[column]]} on {panel.times[row]} is "
                    f"{split[row, column]}; it is new shares for an old one, 1 or NaN = none"
                )
            # A listing that has ended splits no more.
            split = np.where(ended, np.nan, split)
        valued = close if not np.isnan(close).any() else _last_known(close, split)
        gap = np.diff(panel.times.astype("datetime64[D]")).astype(np.float64)
        end = np.where(ended.any(axis=0), ended.argmax(axis=0), len(close))
        market = kernel.Market(
            price=_fixed(price),
            open=_fixed(opened),
            high=_fixed(high),
            low=_fixed(low),
            valued=_fixed(valued),
            volume=_fixed(volume),
            dividend=_fixed(dividend),
            split=_fixed(split),
            end=_fixed(end.astype(np.int64)),
            payout=_fixed(payout(panel, close, execution=execution, order=order)),
            leaves=_fixed(np.isin(np.arange(len(close)), end)),
            days=_fixed(np.concatenate([[0.0], gap]) / 360.0),
        )
        return cls(market, order, shares)


def without_adjustment(panel: Panel) -> Panel:
    """The panel with its prices as they were quoted."""
    kept = [name for name in panel.fields if name != "adj_factor"]
    values = np.stack([panel.field(name) for name in kept], axis=2)
    return replace(panel, fields=tuple(kept), values=values)


def _terms(execution: Execution) -> kernel.Terms:
    """The terms in the kernel's terms."""

    def or_never(value: float | None) -> float:
        return np.inf if value is None else float(value)

    limits, margin = execution.limits, execution.margin
    low, high = limits.net or (-np.inf, np.inf)
    return kernel.Terms(
        cash=float(execution.initial_cash),
        buffer=float(execution.cash_buffer),
        at_close=execution.fill == "next-close",
        after_costs=execution.sizing == "after-costs",
        lot=float(execution.lot),
        participation=float(execution.participation or 0.0),
        stop_loss=or_never(execution.stop_loss),
        take_profit=or_never(execution.take_profit),
        trailing=or_never(execution.trailing_stop),
        cash_rate=float(execution.cash_rate),
        loan_rate=float(execution.loan_rate),
        initial=float(margin.initial) if margin else 0.0,
        maintenance=float(margin.maintenance) if margin else 0.0,
        name=or_never(limits.name),
        net_low=float(low),
        net_high=float(high),
        gross=or_never(limits.gross),
    )


def _costs(rates: CostRates, prices: Prices) -> kernel.Rates:
    """The rates in the kernel's layout, axes along which all are alike reduced to one."""
    order, shape = prices.order, prices.market.price.shape
    if rates.fees.shape != shape:
        raise SimulationError(
            f"cost rates: fees have shape {rates.fees.shape}, not {shape}, the panel's "
            "sessions by assets"
        )

    def laid(rate: NDArray[np.float64] | None, empty: float = 0.0) -> NDArray[np.float64]:
        return _fixed(_reduced(rate, order) if rate is not None else np.full((1, 1), empty))

    def with_tax(tax: NDArray[np.float64] | None) -> NDArray[np.float64]:
        return laid(rates.fees if tax is None else rates.fees + tax)

    share = laid(rates.per_share)
    if rates.per_share is not None and prices.per_share is not None:
        # NaN where there is no price: nothing trades there.
        counted = np.nan_to_num(prices.per_share, nan=1.0)
        share = _fixed(_ordered(rates.per_share, order) * counted)
    return kernel.Rates(
        buy=with_tax(rates.buy_tax),
        sell=with_tax(rates.sell_tax),
        slippage=laid(rates.slippage),
        share=share,
        order=laid(rates.per_order),
        impact=laid(rates.impact),
        daily=laid(rates.daily_value, 1.0),
        borrow=laid(rates.borrow),
    )


def _reduced(rate: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    """`rate` with its columns in order, and one row or column where all are the same."""
    # A broadcast array says so by its strides; others are looked at.
    if rate.strides[0] == 0 or (rate == rate[:1]).all():
        rate = rate[:1]
    if rate.strides[1] == 0 or (rate == rate[:, :1]).all():
        return rate[:, :1]
    return _ordered(rate, order)


def _ordered(values: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    """`values` with its columns in order; itself where they are already."""
    if (order[1:] > order[:-1]).all():
        return values
    return values[:, order]


def later_splits(split: NDArray[np.float64]) -> NDArray[np.float64]:
    """New shares that one share of session t has become by the last session, `[T, N]`."""
    grown = np.cumprod(np.nan_to_num(split, nan=1.0), axis=0)
    later: NDArray[np.float64] = grown[-1:] / grown
    return later


def _last_known(close: NDArray[np.float64], split: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column carried forward, through splits on one basis; 0 before its first price."""
    scale = later_splits(split) if split.size else np.ones_like(close)
    return pd.DataFrame(close / scale).ffill().fillna(0.0).to_numpy() * scale


def _field(panel: Panel, field: str, what: str) -> NDArray[np.float64]:
    """A field that a term needs."""
    if field not in panel.fields:
        raise ConfigError(
            f'{what} needs the field "{field}", and the price source has '
            f"{', '.join(panel.fields)} only"
        )
    return panel.field(field)


def _stops(execution: Execution) -> bool:
    """Whether any stop is set."""
    stops = (execution.stop_loss, execution.take_profit, execution.trailing_stop)
    return any(stop is not None for stop in stops)


def _records(room: int) -> kernel.Records:
    """Empty records with room for so many fills."""
    account, row, column = (np.empty(room, dtype=np.int32) for _ in range(3))
    shares, price, fee, slippage = (np.empty(room) for _ in range(4))
    reason = np.empty(room, dtype=np.int8)
    return kernel.Records(account, row, column, reason, shares, price, fee, slippage)


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous read-only view: one kind of array, so that one compiled kernel serves all."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
