"""Costs in proportion to the traded value: a broker's fee, and slippage against the order.

It doesn't know how large an order is or how liquid the asset: every trade pays the same rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from finstrat.components import CostModel
from finstrat.costs import CostRates

if TYPE_CHECKING:
    from finstrat.data import Panel


class ProportionalCosts(CostModel):
    """The same fee and slippage for every asset and session."""

    name = "proportional"
    version = "1"

    class Config(CostModel.Config):
        """Rates in basis points of the traded value (1 bp = 0.0001)."""

        fee_bps: float = Field(default=5.0, ge=0, lt=10_000, allow_inf_nan=False)
        slippage_bps: float = Field(default=5.0, ge=0, lt=10_000, allow_inf_nan=False)

    config: Config

    def rates(self, panel: Panel) -> CostRates:
        """Fees and slippage as fractions of the traded value, `[T, N]`."""
        return CostRates(
            fees=np.full(panel.shape, self.config.fee_bps / 1e4),
            slippage=np.full(panel.shape, self.config.slippage_bps / 1e4),
        )
