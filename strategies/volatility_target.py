"""Hold what the optimizer likes, less of it when the market moves more."""

from __future__ import annotations

from typing import Literal, Self

import torch
from pydantic import Field, model_validator

from finstrat import features
from finstrat.components import Decision, Inputs, Strategy


class VolatilityTarget(Strategy):
    """Exposure in inverse proportion to the members' recent volatility.

    exposure(t) = clip(target / σ(t), lowest, highest), with σ the annualised root mean square of
    the equal-weighted members' daily returns over the last `window` sessions, `highest` where σ is
    0 and `lowest` where it is unknown. After Moreira and Muir (2017, J. Finance 72(4)), who scale
    by variance; the target is one of volatility, as in Harvey et al. (2018).
    """

    name = "volatility-target"
    version = "1"

    class Config(Strategy.Config):
        """How much volatility, measured over how long, within which bounds."""

        target: float = Field(0.10, gt=0, description="yearly volatility aimed at")
        window: int = Field(21, ge=2, description="sessions the volatility is measured over")
        lowest: float = Field(0.0, ge=0, description="least exposure")
        highest: float = Field(1.0, gt=0, description="most exposure; limits.gross must allow it")
        rebalance: Literal["daily", "weekly", "monthly"] = "weekly"

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.lowest > self.highest:
                raise ValueError(f"lowest {self.lowest} lies above highest {self.highest}")
            return self

    config: Config

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions that the first volatility is measured over."""
        return self.config.window

    def decide(self, inputs: Inputs) -> Decision:
        """The exposure at each session, and when to rebalance."""
        returns = features.returns(inputs.prices("close"), 1)
        known = inputs.members() & ~returns.isnan()
        # No member with a return: 0 / 0 is unknown.
        market = torch.where(known, returns, 0.0).sum(dim=1) / known.sum(dim=1)
        square = features.rolling_mean(market.square(), self.config.window)
        yearly = (square * inputs.clock.periods_per_year).sqrt()
        exposure = (self.config.target / yearly).clamp(self.config.lowest, self.config.highest)
        return Decision(
            exposure=exposure.nan_to_num(nan=self.config.lowest),
            rebalance=torch.from_numpy(inputs.clock.starts_of(self.config.rebalance)),
        )
