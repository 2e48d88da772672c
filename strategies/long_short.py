"""Buy what a signal ranks highest and sell short what it ranks lowest, in equal amounts."""

from __future__ import annotations

from typing import Literal

import torch
from finstrat_strategies.selection import opposed
from pydantic import Field

from finstrat.components import Decision, Inputs, Strategy


class LongShort(Strategy):
    """Equal weights in the top and the bottom fraction of the members with a known signal.

    Each side holds `gross / 2` of net asset value. Ties break by asset id. A session in which the
    signal tells no member from another, or knows fewer than `min_names` of them, holds cash.
    """

    name = "long-short"
    version = "1"

    class Config(Strategy.Config):
        """Which signal, how wide, how often."""

        signal: str = Field(description='signal output, like "news.score"')
        fraction: float = Field(0.2, gt=0, le=0.5, description="of the known members, on each side")
        gross: float = Field(1.0, gt=0, description="Σ|w| of both sides together")
        min_names: int = Field(10, ge=2, description="known members below which it holds cash")
        rebalance: Literal["daily", "weekly", "monthly"] = "daily"

    config: Config

    def decide(self, inputs: Inputs) -> Decision:
        """Target weights at each rebalance."""
        signal = inputs.feature(self.config.signal)
        known = inputs.members() & ~signal.isnan()
        weights = opposed(
            signal,
            known,
            fraction=self.config.fraction,
            min_names=self.config.min_names,
            assets=inputs.panel.assets,
        )
        return Decision(
            weights=self.config.gross * weights,
            rebalance=torch.from_numpy(inputs.clock.starts_of(self.config.rebalance)),
        )
