"""A simulated account as `vectorbt.Portfolio`, for vectorbt's trades, drawdowns, statistics, plots.

Its value is the account's at every close, whichever engine kept it. What no order record can
express is rewritten: shares and prices are put on the basis of the last session, so that splits
disappear, and interest, borrow fees and dividends become trades in a column of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import vectorbt
from vectorbt.portfolio.enums import OrderSide, log_dt, order_dt

from finstrat.simulate.checks import checked_prices
from finstrat.simulate.ledger import later_splits, without_adjustment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.data import Panel
    from finstrat.simulate.account import Simulation
    from finstrat.simulate.execution import Execution

FLOWS = "cash flows"
"""The column in which money moves without an order; there is none where no money does."""


def as_portfolio(simulation: Simulation, panel: Panel, *, execution: Execution) -> object:
    """The account as a `vectorbt.Portfolio` of one group, cash shared, one bar a session.

    `panel` and `execution` are those of the simulation. Set the annualisation yourself before
    asking for a metric (`vectorbt.settings.returns["year_freq"] = "252 days"`): vectorbt's own is
    365 days, and an account that never trades has a Sharpe ratio of infinity there.
    """
    raw = execution.prices == "raw"
    known = checked_prices(without_adjustment(panel) if raw else panel, "close")
    scale = later_splits(panel.field("split")) if raw else np.ones(panel.shape)
    close = pd.DataFrame(known / scale, panel.index, list(panel.assets)).ffill().bfill()
    records = _records(simulation.orders, panel, scale)
    sessions = simulation.sessions
    moved = (sessions["interest"] + sessions["dividends"] - sessions["borrow"]).to_numpy()
    if moved.any():
        close[FLOWS] = 1.0
        records = np.concatenate([records, _flows(moved, column=close.shape[1] - 1)])
    records = records[np.lexsort((records["id"], records["idx"], records["col"]))]
    records["id"] = np.arange(len(records))
    return vectorbt.Portfolio(
        vectorbt.ArrayWrapper.from_obj(close, freq="1D", group_by=True),
        close,
        records,
        np.empty(0, dtype=log_dt),
        np.array([execution.initial_cash]),
        cash_sharing=True,
    )


def _records(orders: pd.DataFrame, panel: Panel, scale: NDArray[np.float64]) -> NDArray[np.void]:
    """Vectorbt's order records, shares and prices on the last session's basis."""
    row = panel.index.get_indexer(pd.Index(orders["session"]))
    column = pd.Index(panel.assets).get_indexer(pd.Index(orders["asset"]))
    records = np.empty(len(orders), dtype=order_dt)
    records["id"] = np.arange(len(orders))
    records["col"], records["idx"] = column, row
    records["size"] = orders["shares"] * scale[row, column]
    records["price"] = orders["price"] / scale[row, column]
    records["fees"] = orders["fee"]
    records["side"] = np.where(orders["side"] == "buy", OrderSide.Buy, OrderSide.Sell)
    return records


def _flows(moved: NDArray[np.float64], *, column: int) -> NDArray[np.void]:
    """Each session's flow as a purchase and a sale of |flow| shares, at 1 and 2 or at 2 and 1."""
    row = np.flatnonzero(moved)
    gain = moved[row] > 0
    records = np.zeros(2 * len(row), dtype=order_dt)
    records["id"] = np.arange(len(records))
    records["col"], records["idx"] = column, np.repeat(row, 2)
    records["size"] = np.repeat(np.abs(moved[row]), 2)
    records["side"] = np.tile([OrderSide.Buy, OrderSide.Sell], len(row))
    records["price"] = np.where(np.repeat(gain, 2), np.tile([1.0, 2.0], len(row)), 0.0)
    records["price"] += np.where(np.repeat(~gain, 2), np.tile([2.0, 1.0], len(row)), 0.0)
    return records
