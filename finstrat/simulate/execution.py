"""The terms on which an account trades: when a decision fills, with how much of the cash, and what
the market and the broker allow.

These are the options of a backtest file's `[execution]`. Costs are a `CostModel`'s business, and
limits on the weights decided the constraints'.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from finstrat.components import Settings

Engine = Literal["vectorbt", "ledger"]


class Margin(Settings):
    """Borrowing against what is held; a loan is cash below 0.

    Attributes:
        initial: net asset value that a unit of Σ|position value| needs when it is traded. Trades
            that would need more are cut, all those that add to Σ|value| by the same factor.
        maintenance: below this ratio at a close the account is called: at the next fill every
            position is reduced by one factor, to the ratio `initial`.
    """

    initial: float = Field(0.5, gt=0, le=1)
    maintenance: float = Field(0.25, gt=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.maintenance > self.initial:
            raise ValueError(f"maintenance {self.maintenance} exceeds initial {self.initial}")
        return self


class HeldLimits(Settings):
    """Limits on what is held, as fractions of net asset value, looked at before every fill.

    What has drifted beyond a limit is traded back to it, first by name, then Σw, then Σ|w|. Names
    that can't be traded stay as they are.
    """

    name: float | None = Field(None, gt=0, description="largest |w| of one asset")
    net: tuple[float, float] | None = Field(None, description="lowest and highest Σw")
    gross: float | None = Field(None, gt=0, description="largest Σ|w|")


class Execution(Settings):
    """How decisions become fills.

    Attributes:
        engine: `vectorbt` is vectorbt's `from_orders` in Rust; `ledger` is finstrat's own account,
            which also knows everything below `delisting_return`.
        decide: at the close of session t, with what was known before its cutoff.
        fill: at the open or at the close of session t + 1.
        initial_cash: net asset value before the first session, in the panel's currency.
        cash_buffer: share of net asset value that targets never invest: they are scaled by
            `1 - cash_buffer`. Shares are sized at the decision, before fees are paid and before
            the gap to the fill is known, so a fully invested target would run out of cash.
        delisting_return: from the last known price to what a holder gets, where an asset's prices
            end for good while others' go on. Data that merely stop can't say why: a merger pays
            about 0, a failure about -0.3 (Shumway 1997, J. Finance 52(1)). The default flatters
            failures; `Simulation.delisted_exits` says how often it mattered. A panel field
            `delisting_return`, on the session of the last price, wins over it.
        sizing: `decision` sizes with net asset value at the decision; `after-costs` with what is
            left of it once the trades themselves are paid for.
        prices: `adjusted`, or `raw` prices with the panel's fields `dividend` (cash a share, on
            its ex-date) and `split` (new shares for an old one, before that session's open).
        lot: positions are whole multiples of it, in shares; 0 = divisible.
        participation: largest part of a session's volume that an order may take; the rest is
            carried to the sessions after, until the next decision. None = no limit.
        stop_loss, take_profit: loss or gain from the average entry price that closes a position.
        trailing_stop: fall from the best price since entry that closes a position.
        cash_rate, loan_rate: yearly interest on cash above and below 0, actual/360.
        margin: None allows no loan, and asks nothing of a short.
        limits: on what is held.
    """

    engine: Engine = "vectorbt"
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
    sizing: Literal["decision", "after-costs"] = "decision"
    prices: Literal["adjusted", "raw"] = "adjusted"
    lot: float = Field(0.0, ge=0, allow_inf_nan=False, description="shares in a lot; 0 = divisible")
    participation: float | None = Field(None, gt=0, le=1, description="of a session's volume")
    stop_loss: float | None = Field(None, gt=0, lt=1)
    take_profit: float | None = Field(None, gt=0, allow_inf_nan=False)
    trailing_stop: float | None = Field(None, gt=0, lt=1)
    cash_rate: float = Field(0.0, gt=-1, lt=1, description="yearly interest on cash")
    loan_rate: float = Field(0.0, ge=0, lt=1, description="yearly interest on a loan")
    margin: Margin | None = None
    limits: HeldLimits = Field(default_factory=HeldLimits)

    @model_validator(mode="after")
    def _supported(self) -> Self:
        """Refuse, rather than ignore, what the chosen engine doesn't know."""
        ours = [
            name
            for name in LEDGER_ONLY
            if self.engine != "ledger"
            and getattr(self, name)
            != type(self).model_fields[name].get_default(call_default_factory=True)
        ]
        if ours:
            raise ValueError(f'engine "{self.engine}" knows no {ours[0]}; use engine = "ledger"')
        return self


LEDGER_ONLY = (
    *("sizing", "prices", "lot", "participation", "stop_loss", "take_profit", "trailing_stop"),
    *("cash_rate", "loan_rate", "margin", "limits"),
)
"""Terms that vectorbt's `from_orders` has no word for."""
