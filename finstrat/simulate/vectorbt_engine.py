"""Fills by vectorbt (Apache-2.0 with the Commons Clause), behind one function.

It calls the simulation kernel beneath `Portfolio.from_orders` rather than the class: the same
fills, but none of vectorbt's global settings can leak in, no portfolio is left behind in a
reference cycle, and the account is kept by `account`, which knows what ended and when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import vectorbt
from vectorbt.portfolio import dispatch
from vectorbt.portfolio.enums import Direction, OrderSide, SizeType

from finstrat.errors import SimulationError
from finstrat.simulate.book import Fills

if TYPE_CHECKING:
    from finstrat.simulate.book import Book

LIMITS = (
    "Shares are divisible and liquidity has no limit: no lot sizes, no market impact.",
    "Shorts pay no borrow fee and need no margin; their proceeds may be spent on longs.",
    "Cash earns no interest, and none can be borrowed: a buy beyond the cash is cut and counted.",
    "Where cash runs short, smaller buys are filled before larger ones.",
    "Prices are total-return adjusted: dividends are reinvested without tax or cost.",
    "Net asset value is looked at once a session, at the close: there is no intraday margin call.",
)
"""What this engine doesn't model, as sentences for a report."""


def name() -> str:
    """The engine as a run's manifest names it."""
    return f"vectorbt {vectorbt.__version__} (rust)"


def fills(book: Book, *, initial_cash: float) -> Fills:
    """The trades of one account that shares its cash among all assets.

    Within a session sells come before buys, and small orders before large ones. Shares are sized
    with the closes known before the session; a buy beyond the cash is cut to what cash allows.

    Raises:
        SimulationError: the engine isn't installed.
    """
    rows, columns = book.target.shape
    try:
        records, _ = dispatch.simulate_from_orders(
            (rows, columns),
            np.array([columns], dtype=np.int64),
            np.array([initial_cash], dtype=np.float64),
            # Sorted anew in each session, by `auto_call_seq`.
            np.tile(np.arange(columns, dtype=np.int64), (rows, 1)),
            size=book.target,
            size_type=np.asarray(SizeType.TargetPercent),
            direction=np.asarray(Direction.Both),
            price=book.price,
            val_price=book.known,
            close=book.close,
            fees=book.fees,
            slippage=book.slippage,
            auto_call_seq=True,
            # One record is 56 bytes: room for the orders there are, not for every cell.
            max_orders=max(1, int(np.isfinite(book.target).sum())),
            # Never "auto": the two implementations differ, and a run names what it ran on.
            engine="rust",
        )
    except ImportError as error:
        raise SimulationError(
            f'execution.engine: "vectorbt" needs its Rust part, which is not installed ({error}); '
            'pip install "vectorbt[rust]" or use engine = "ledger"'
        ) from None
    row, column = records["idx"].astype(np.int64), records["col"].astype(np.int64)
    price = records["price"].astype(np.float64)
    return Fills(
        row=row,
        column=column,
        shares=np.where(records["side"] == OrderSide.Buy, 1.0, -1.0) * records["size"],
        price=price,
        fee=records["fees"].astype(np.float64),
        slippage=records["size"] * np.abs(price - book.price[row, column]),
    )
