"""The terms on which an account trades: when a decision fills, and with how much of the cash.

These are the options of a backtest file's `[execution]`. Costs are a `CostModel`'s business, and
limits on weights the constraints'.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finstrat.components import Settings

Engine = Literal["rust", "numba"]


class Execution(Settings):
    """How decisions become fills.

    Attributes:
        decide: at the close of session t, with what was known before its cutoff.
        fill: at the open or at the close of session t + 1.
        initial_cash: net asset value before the first session, in the panel's currency.
        cash_buffer: share of net asset value that targets never invest: they are scaled by
            `1 - cash_buffer`. Shares are sized at the decision, before fees are paid and before
            the gap to the fill is known, so a fully invested target would run out of cash.
        delisting_return: from the last known price to what a holder gets, where an asset's prices
            end for good while others' go on. Data that merely stop can't say why: a merger pays
            about 0, a failure about -0.3 (Shumway 1997, J. Finance 52(1)). The default flatters
            failures; `Simulation.delisted_exits` says how often it mattered.
        engine: vectorbt's implementation.
    """

    decide: Literal["close"] = "close"
    fill: Literal["next-open", "next-close"] = "next-open"
    initial_cash: float = Field(1_000_000.0, gt=0, allow_inf_nan=False)
    cash_buffer: float = Field(0.01, ge=0, lt=1, description="share of value never invested")
    delisting_return: float = Field(
        0.0,
        ge=-1,
        allow_inf_nan=False,
        description="return on the last price when a held asset's prices end",
    )
    engine: Engine = "rust"
