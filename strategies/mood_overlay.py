"""Hold what the optimizer likes, and more or less of it as the market's mood is better or worse."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from finstrat import features
from finstrat.components import Decision, Inputs, Strategy


class MoodOverlay(Strategy):
    """Exposure that rises with a market-level signal.

    exposure(t) = clip(neutral + slope · signal(t), lowest, highest). An unknown signal means
    `neutral`. The signal should be a z-score or of that scale.
    """

    name = "mood-overlay"
    version = "1"

    class Config(Strategy.Config):
        """Which signal, how it moves exposure, how often."""

        signal: str = Field(description='market-level signal output, like "mood.surprise"')
        neutral: float = Field(0.75, ge=0, description="exposure at signal 0, and where unknown")
        slope: float = Field(0.25, description="exposure gained per unit of the signal")
        lowest: float = Field(0.25, ge=0)
        highest: float = Field(1.0, gt=0)
        rebalance: Literal["daily", "weekly", "monthly"] = "weekly"

    config: Config

    def decide(self, inputs: Inputs) -> Decision:
        """The exposure at each session, and when to rebalance."""
        signal = inputs.feature(self.config.signal)
        exposure = self.config.neutral + self.config.slope * signal.nan_to_num(nan=0.0)
        return Decision(
            exposure=features.clip(exposure, self.config.lowest, self.config.highest),
            rebalance=torch.from_numpy(inputs.clock.starts_of(self.config.rebalance)),
        )
