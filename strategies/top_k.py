"""Hold the k assets that a signal ranks highest; the optimizer decides how much of each."""

from __future__ import annotations

from typing import Literal

import torch
from finstrat_strategies.selection import best, tells_nothing
from pydantic import Field

from finstrat.components import Decision, Inputs, Strategy


class TopK(Strategy):
    """The k members with the highest signal, long.

    Ties break by asset id. A session in which the signal tells no member from another selects
    them all: no information is no reason to hold one rather than another.
    """

    name = "top-k"
    version = "1"

    class Config(Strategy.Config):
        """Which signal, how many, how often."""

        signal: str = Field(description='signal output, like "momentum.value"')
        k: int = Field(5, ge=1, description="how many assets to hold")
        rebalance: Literal["daily", "weekly", "monthly"] = "monthly"

    config: Config

    def decide(self, inputs: Inputs) -> Decision:
        """The eligible assets at each rebalance; an unknown signal is not eligible."""
        signal = inputs.feature(self.config.signal)
        known = inputs.members() & ~signal.isnan()
        flat = tells_nothing(signal, known)
        chosen = best(signal, known, k=self.config.k, assets=inputs.panel.assets)
        return Decision(
            eligible=torch.where(flat[:, None], known, chosen),
            rebalance=torch.from_numpy(inputs.clock.starts_of(self.config.rebalance)),
        )
