"""Hold fixed weights, and trade only what has drifted too far from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import Field, field_validator

from finstrat.components import Decision, Inputs, Strategy
from finstrat.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RebalanceBands(Strategy):
    """Given weights, or equal ones among the members, traded when any lies outside its band.

    Held weights drift with total returns from one decision to the next; where any has come more
    than `band` away from its target, or the targets themselves have changed with the members, all
    are traded: back to the target, or only to the band's nearer edge, which is what proportional
    costs call for (Davis and Norman 1990; Leland 1999). What is no longer a target is sold.
    """

    name = "rebalance-bands"
    version = "1"

    class Config(Strategy.Config):
        """The weights, how far they may drift, and where a trade ends."""

        weights: dict[str, float] | None = Field(
            None, description="by asset id, what is left being cash; None = equal among members"
        )
        band: float = Field(0.05, ge=0, description="largest |held − target|, in net asset value")
        to: Literal["target", "edge"] = "target"
        check: Literal["daily", "weekly", "monthly"] = "daily"

        @field_validator("weights")
        @classmethod
        def _long(cls, weights: dict[str, float] | None) -> dict[str, float] | None:
            if weights is not None:
                wrong = [name for name, weight in weights.items() if not 0 <= weight <= 1]
                if wrong:
                    raise ValueError(f"the weight of {wrong[0]} lies outside 0 to 1")
                if sum(weights.values()) > 1 + 1e-9:
                    raise ValueError(f"they sum to {sum(weights.values()):g}, above 1")
            return weights

    config: Config

    def decide(self, inputs: Inputs) -> Decision:
        """The weights to hold after each trade, and when there is one."""
        close = inputs.panel.adjusted("close")
        looked_at = inputs.clock.starts_of(self.config.check)
        targets = self._targets(inputs, np.isfinite(close))
        returns = np.nan_to_num(inputs.panel.returns())
        weights, trades = np.zeros(close.shape), np.zeros(len(close), dtype=bool)
        held, aim = np.zeros(close.shape[1]), np.zeros(close.shape[1])
        for t in range(inputs.first, len(close)):
            grown = held * (1.0 + returns[t])
            held = grown / (1.0 - held.sum() + grown.sum())
            target = targets[t]
            drifted = bool((np.abs(held - target) > self.config.band).any())
            other = not np.array_equal(target, aim)
            if t == inputs.first or (looked_at[t] and (drifted or other)):
                first = t == inputs.first
                held = target if first or self.config.to == "target" else self._edge(held, target)
                aim, trades[t] = target, True
            weights[t] = held
        return Decision(
            weights=torch.from_numpy(weights).to(inputs.device),
            rebalance=torch.from_numpy(trades).to(inputs.device),
        )

    def _targets(self, inputs: Inputs, priced: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The weights aimed at, `[T, N]`; a member without a price has none."""
        held = inputs.panel.member & priced
        if self.config.weights is None:
            count = held.sum(axis=1, keepdims=True)
            equal: NDArray[np.float64] = held / np.maximum(count, 1)
            return equal
        assets = inputs.panel.assets
        for name in self.config.weights:
            if name not in assets:
                raise ConfigError(f'weights: no asset "{name}"{did_you_mean(name, assets)}')
        given = np.array([self.config.weights.get(name, 0.0) for name in assets])
        return np.where(held, given, 0.0)

    def _edge(self, held: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest weights within the bands that need no more cash than the targets do."""
        band = self.config.band
        low, high = np.maximum(target - band, 0.0), target + band
        inside = np.where(target > 0, np.clip(held, low, high), 0.0)
        above = np.maximum(inside - target, 0.0)
        excess = inside.sum() - target.sum()
        if excess <= 0.0:
            return inside
        nearer: NDArray[np.float64] = inside - above * (excess / above.sum())
        return nearer
