"""Costs as a broker, a market maker, a lender and a tax office charge them, each an option.

Spread and impact are estimated from daily bars before the session of the fill. It charges nothing
by itself: `CostRates` says what each number means, and the engine `ledger` charges all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from finstrat.components import CostModel
from finstrat.costs import CostRates, corwin_schultz, usual_move, usual_value
from finstrat.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from finstrat.data import Panel


class DetailedCosts(CostModel):
    """Fees in proportion, a share and an order; spread, slippage, impact; borrow fees; taxes."""

    name = "detailed"
    version = "1"

    class Config(CostModel.Config):
        """Rates in basis points of the traded value (1 bp = 0.0001) unless they say otherwise."""

        fee_bps: float = Field(0.0, ge=0, lt=10_000)
        per_share: float = Field(0.0, ge=0, allow_inf_nan=False, description="currency a share")
        per_order: float = Field(0.0, ge=0, allow_inf_nan=False, description="currency an order")
        slippage_bps: float = Field(0.0, ge=0, lt=5_000, description="beyond half the spread")
        spread: Literal["given", "corwin-schultz"] = "given"
        spread_bps: float = Field(
            0.0,
            ge=0,
            lt=5_000,
            description="quoted spread, of which a trade pays half; where it is estimated, the "
            "spread of an asset that has no estimate yet",
        )
        spread_by_name: dict[str, float] = Field(
            default_factory=dict, description="spread_bps of single assets; wins over an estimate"
        )
        impact: float = Field(
            0.0,
            ge=0,
            allow_inf_nan=False,
            description="daily volatilities by which a trade of a usual session's whole value "
            "moves the price; it grows with the root of the value. About 1 for stocks",
        )
        buy_tax_bps: float = Field(0.0, ge=0, lt=10_000, description="stamp duty")
        sell_tax_bps: float = Field(0.0, ge=0, lt=10_000)
        borrow_bps: float = Field(0.0, ge=0, le=100_000, description="a year, on shorts")
        borrow_by_name: dict[str, float] = Field(
            default_factory=dict, description="borrow_bps of single assets"
        )
        window: int = Field(21, ge=2, description="sessions behind an estimate")

    config: Config

    def rates(self, panel: Panel) -> CostRates:
        """What a trade costs in each session, `[T, N]`; row t is known before its open.

        Impact is NaN, and nothing trades, until `window` sessions with volume are known.

        Raises:
            ConfigError: an estimate needs a field the panel lacks, or a name isn't an asset.
        """
        c = self.config
        self._check_names(panel)

        def flat(value: float) -> NDArray[np.float64] | None:
            return np.broadcast_to(value, panel.shape) if value else None

        impact = daily = None
        if c.impact:
            _need(panel, ("volume",), option="impact")
            impact = c.impact * usual_move(panel.returns(), window=c.window)
            daily = usual_value(panel.field("close"), panel.field("volume"), window=c.window)
            # Where nothing trades, no price can be moved.
            daily = np.where(daily > 0, daily, np.nan)
        borrow = None
        if c.borrow_bps or c.borrow_by_name:
            borrow = _by_name(np.full(panel.shape, c.borrow_bps / 1e4), panel, c.borrow_by_name)
        slippage = c.slippage_bps / 1e4 + self._spread(panel) / 2.0
        return CostRates(
            fees=np.broadcast_to(c.fee_bps / 1e4, panel.shape),
            slippage=np.minimum(slippage, 0.99),
            buy_tax=flat(c.buy_tax_bps / 1e4),
            sell_tax=flat(c.sell_tax_bps / 1e4),
            per_share=flat(c.per_share),
            per_order=flat(c.per_order),
            impact=impact,
            daily_value=daily,
            borrow=borrow,
        )

    def _spread(self, panel: Panel) -> NDArray[np.float64]:
        """The quoted spread, `[T, N]`."""
        c = self.config
        spread = np.full(panel.shape, c.spread_bps / 1e4)
        if c.spread == "corwin-schultz":
            _need(panel, ("high", "low"), option='spread = "corwin-schultz"')
            high, low, close = (panel.adjusted(each) for each in ("high", "low", "close"))
            estimate = corwin_schultz(high, low, close, window=c.window)
            spread = np.where(np.isnan(estimate), spread, estimate)
        return _by_name(spread, panel, c.spread_by_name)

    def _check_names(self, panel: Panel) -> None:
        for option in ("spread_by_name", "borrow_by_name"):
            for name, value in getattr(self.config, option).items():
                if name not in panel.assets:
                    hint = did_you_mean(name, panel.assets)
                    raise ConfigError(f'costs.{option}: no asset "{name}"{hint}')
                if not 0 <= value <= 100_000:
                    raise ConfigError(f"costs.{option}.{name}: {value} bps; give 0 to 100000")


def _by_name(
    rates: NDArray[np.float64], panel: Panel, given: Mapping[str, float]
) -> NDArray[np.float64]:
    """`rates` with the columns of the named assets replaced, from basis points."""
    for name, bps in given.items():
        rates[:, panel.assets.index(name)] = bps / 1e4
    return rates


def _need(panel: Panel, fields: tuple[str, ...], *, option: str) -> None:
    missing = [each for each in fields if each not in panel.fields]
    if missing:
        raise ConfigError(
            f"costs.{option} needs the field {missing[0]}, and the price source has "
            f"{', '.join(panel.fields)} only"
        )
