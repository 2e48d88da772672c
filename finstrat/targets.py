"""The decision for one date: what the backtest would hold after it, and the orders that lead there.

It is the backtest itself, run over data that end on that date; its last row is the decision. No
trial is entered, since nothing is evaluated. Where an order would really fill is not known here.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat import pipeline
from finstrat.config import Dates
from finstrat.data import Clock, Span
from finstrat.errors import ConfigError, DataError, did_you_mean
from finstrat.faults import told_of
from finstrat.market import load_market

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from finstrat.config import Plan
    from finstrat.data import Panel
    from finstrat.signals import Progress
    from finstrat.store import RunResult
    from finstrat.text.cache import ScoreCache

CASH = "CASH"
"""How a file of holdings names its money."""

ROUNDING = 1e-9
"""A change of less than this share of the account's value is none."""

COLUMNS = (
    *("asset", "weight_now", "weight_target", "shares_now", "shares_target", "side"),
    *("shares", "price", "value", "fee", "slippage", "impact"),
)
"""Of the table of targets; `shares` to `impact` are the order's, empty where there is none."""


@dataclass(frozen=True, eq=False)
class Account:
    """What is held when the decision is made.

    Attributes:
        source: "backtest", the account that the backtest has by then, or "holdings".
        shares: `[N]`, in the panel's order, on the prices' own basis.
        cash: in the panel's currency.
    """

    source: str
    shares: NDArray[np.float64]
    cash: float


def decision_for(
    plan: Plan,
    as_of: dt.date,
    *,
    holdings: Path | None = None,
    device: str = "auto",
    cache: ScoreCache | None = None,
    progress: Progress = lambda _step, _done, _total: None,
) -> dict[str, Any]:
    """The decision at the close of `as_of`, as JSON values.

    Keys: kind ("targets"), backtest, as_of, decided_on (the rebalance that is in force), rebalance
    (whether as_of is one; where not, nothing is ordered), fill, fills_on, currency, account
    (source, value, cash), targets (one row an asset that is held or wanted, see `COLUMNS`), totals,
    notes, inputs, components and config. Without `holdings`, orders start from the account that
    the backtest itself has by then.

    Raises:
        ConfigError: `as_of` is no session, or lies before the second session of the span.
        DataError: prices don't reach `as_of`, or the holdings can't be read or valued.
    """
    plan = until(plan, as_of)
    market = load_market(plan)
    check_reaches(market.clock, as_of)
    result = pipeline.run(plan, market, device=device, cache=cache, progress=progress)
    price = last_closes(market.panel)
    account = (
        _account_of(result, price)
        if holdings is None
        else read_holdings(holdings, market.panel.assets, price)
    )
    value = account.cash + float(np.nansum(account.shares * price))
    if not value > 0:
        raise DataError(f"the account is worth {value:,.2f}; nothing can be bought with that")
    decided = result.targets.notna().any(axis=1).to_numpy()
    rebalance = bool(decided[-1])
    if rebalance:
        wanted = result.targets.iloc[-1].to_numpy(dtype=np.float64)
        shares = _sized(plan, wanted, value, price)
    else:
        wanted = account.shares * np.nan_to_num(price) / value
        shares = account.shares
    with told_of(plan, "costs"):
        rates = plan.costs.rates(market.panel)
    change = shares - account.shares
    # What rounding leaves of an exit is no order.
    change[np.abs(change) * np.nan_to_num(price) <= ROUNDING * value] = 0.0
    cost = rates.of_trades(change, price, row=len(market.panel.times) - 1)
    table = {
        "weight_now": account.shares * np.nan_to_num(price) / value,
        "weight_target": wanted,
        "shares_now": account.shares,
        "shares_target": shares,
        "price": price,
    }
    rows = _rows(market.panel.assets, table, change, cost)
    sessions = result.targets.index
    total = {
        key: sum(abs(row[key] or 0.0) for row in rows)
        for key in ("value", "fee", "slippage", "impact")
    }
    costs = total["fee"] + total["slippage"] + total["impact"]
    execution = plan.config.execution
    return {
        "kind": "targets",
        "backtest": plan.config.name,
        "as_of": as_of.isoformat(),
        "decided_on": f"{sessions[decided][-1]:%Y-%m-%d}" if decided.any() else None,
        "rebalance": rebalance,
        "fill": execution.fill,
        "fills_on": _next_session(plan, as_of).isoformat(),
        "currency": market.panel.currency,
        "account": {"source": account.source, "value": value, "cash": account.cash},
        "targets": rows,
        "totals": {
            "traded": total["value"],
            "turnover": total["value"] / value,
            "costs": costs,
            "costs_of_value": costs / value,
            "cash_weight": 1.0 - float(np.nansum(shares * price)) / value,
        },
        "notes": _notes(plan, rows, rebalance=rebalance),
        "inputs": market.digests,
        "components": {
            key: {name: each[name] for name in ("name", "version", "sha256")}
            for key, each in plan.components.items()
        },
        "config": plan.resolved,
    }


def as_csv(content: dict[str, Any], *, first: str) -> str:
    """The table of a decision as CSV, under a comment line `first`."""
    file = io.StringIO()
    file.write(f"# {first}\n")
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(content["targets"])
    return file.getvalue()


def read_holdings(path: Path, assets: tuple[str, ...], price: NDArray[np.float64]) -> Account:
    """The account in a CSV file with the columns asset and shares; the row CASH holds money.

    Raises:
        DataError: the file can't be read, or names an asset that has no price here.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            if not {"asset", "shares"} <= set(columns):
                raise DataError(
                    f"{path}: expected the columns asset and shares, found "
                    f"{', '.join(columns) or 'none'}"
                )
            lines = [(reader.line_num, row["asset"], row["shares"]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: can't be read: {error}") from None
    held: dict[str, float] = {}
    for number, asset, text in lines:
        where = f"{path}:{number}"
        name = (asset or "").strip()
        if name in held:
            raise DataError(f'{where}: a second row for "{name}"; add the two together')
        if name != CASH and name not in assets:
            hint = did_you_mean(name, (*assets, CASH))
            raise DataError(f'{where}: the backtest has no asset "{name}"{hint}')
        if name != CASH and np.isnan(price[assets.index(name)]):
            raise DataError(f'{where}: "{name}" has no price up to the date of the decision')
        try:
            held[name] = float(text)
        except (TypeError, ValueError):
            held[name] = np.nan
        if not np.isfinite(held[name]):
            raise DataError(f'{where}: shares of "{name}" are "{text}", expected a number')
    cash = held.pop(CASH, 0.0)
    shares = np.array([held.get(name, 0.0) for name in assets])
    return Account("holdings", shares, cash)


def until(plan: Plan, as_of: dt.date) -> Plan:
    """The same plan over a span that ends with `as_of`."""
    start = plan.config.span.start
    if as_of <= start:
        raise ConfigError(f"--asof {as_of}: expected a date after the span's start, {start}")
    span = Dates(start=start, end=as_of)
    return replace(
        plan,
        config=plan.config.model_copy(update={"span": span}),
        resolved={**plan.resolved, "span": span.model_dump(mode="json")},
    )


def check_reaches(clock: Clock, as_of: dt.date) -> None:
    """Refuse a date without a session of its own: its decision would be an older one in disguise.

    The market's clock ends with the last session that has a price.
    """
    last = clock.sessions[-1].astype(dt.date)
    if last == as_of:
        return
    around = Clock.build(clock.calendar, Span(as_of - dt.timedelta(days=15), as_of))
    session = around.sessions[-1].astype(dt.date)
    if session != as_of:
        raise ConfigError(
            f"--asof {as_of}: {clock.calendar} was closed; the session before it is {session}"
        )
    raise DataError(
        f"--asof {as_of}: prices end on {last}, so the decision of {as_of} can't be known yet"
    )


def _next_session(plan: Plan, as_of: dt.date) -> dt.date:
    span = Span(as_of + dt.timedelta(days=1), as_of + dt.timedelta(days=15))
    found: dt.date = Clock.build(plan.config.market.calendar, span).sessions[0].astype(dt.date)
    return found


def last_closes(panel: Panel) -> NDArray[np.float64]:
    """The last known close of each asset as the exchange counts it, `[N]`; NaN = none yet."""
    known: pd.DataFrame = panel["close"].ffill()
    return known.iloc[-1].to_numpy(dtype=np.float64)


def _account_of(result: RunResult, price: NDArray[np.float64]) -> Account:
    """The account that the backtest has at its last close."""
    equity = float(result.sessions["equity"].iloc[-1])
    value = result.holdings.iloc[-1].to_numpy(dtype=np.float64) * equity
    shares = np.divide(value, price, out=np.zeros_like(value), where=value != 0)
    return Account("backtest", shares, equity - float(value.sum()))


def _sized(
    plan: Plan, wanted: NDArray[np.float64], value: float, price: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The shares that the weights mean at the decision's closes, `[N]`, whole lots where asked."""
    terms = plan.config.execution
    money = wanted * (1.0 - terms.cash_buffer) * value
    shares = np.divide(money, price, out=np.zeros_like(money), where=money != 0)
    if terms.lot == 0.0:
        return shares
    # A hair below a multiple is that multiple, as the ledger has it.
    whole: NDArray[np.float64] = terms.lot * np.trunc(shares / terms.lot * (1.0 + 1e-12))
    return whole


def _rows(
    assets: tuple[str, ...],
    table: dict[str, NDArray[np.float64]],
    change: NDArray[np.float64],
    cost: dict[str, NDArray[np.float64]],
) -> list[dict[str, Any]]:
    """One row an asset that is held or wanted, with its order and what that will cost."""
    rows = []
    for i in np.flatnonzero((table["shares_now"] != 0) | (table["weight_target"] != 0)).tolist():
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        row |= {"asset": assets[i], **{key: float(each[i]) for key, each in table.items()}}
        if change[i] != 0:
            row |= {
                "side": "buy" if change[i] > 0 else "sell",
                "shares": float(abs(change[i])),
                "value": float(abs(change[i]) * table["price"][i]),
                **{key: float(each[i]) for key, each in cost.items() if not np.isnan(each[i])},
            }
        rows.append(row)
    return rows


def _notes(plan: Plan, rows: list[dict[str, Any]], *, rebalance: bool) -> list[str]:
    """What a reader must know to use the orders."""
    notes = ["Costs are estimated with the rates known at the decision and at its closing prices."]
    if not rebalance:
        notes.append("No rebalance at this close: what is held is held on, and nothing is ordered.")
    if plan.config.execution.sizing == "after-costs":
        notes.append("The backtest sizes what is left after costs; these shares are sized before.")
    unknown = [row["asset"] for row in rows if row["side"] and row["impact"] is None]
    if unknown:
        notes.append(f"What these orders move the price by is unknown: {', '.join(unknown)}.")
    return notes
