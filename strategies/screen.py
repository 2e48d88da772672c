"""Hold everything but what a score says to avoid, like a high risk of default."""

from __future__ import annotations

from typing import Literal, Self

import torch
from finstrat_strategies.latch import latched
from pydantic import Field, model_validator

from finstrat.components import Decision, Inputs, Strategy


class Screen(Strategy):
    """Every member whose score does not lie beyond `level`; the optimizer decides how much of each.

    A name that was excluded comes back when its score lies beyond `readmit` on the good side, which
    is `level` itself unless told otherwise; between the two it stays as it was. Distressed stocks
    have earned less, not more (Campbell, Hilscher and Szilagyi 2008, J. Finance 63(6)).
    """

    name = "screen"
    version = "1"

    class Config(Strategy.Config):
        """Which score, which side of which level excludes, and what the unknown means."""

        signal: str = Field(description='signal output, like "default.probability"')
        level: float = Field(description="score beyond which a name is excluded")
        exclude: Literal["above", "below"] = Field("above", description="the bad side of `level`")
        readmit: float | None = Field(
            None, description="score at which an excluded name comes back; None = `level`"
        )
        unknown: Literal["keep", "exclude"] = Field(
            "keep", description="keep a name without a score as it was, or exclude it"
        )
        rebalance: Literal["daily", "weekly", "monthly"] = "monthly"

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.readmit is not None and self._sign * (self.readmit - self.level) > 0:
                raise ValueError(f"readmit {self.readmit} lies on the excluded side of level")
            return self

        @property
        def _sign(self) -> int:
            return 1 if self.exclude == "above" else -1

    config: Config

    def decide(self, inputs: Inputs) -> Decision:
        """Who is eligible at each rebalance."""
        config = self.config
        score = inputs.feature(config.signal)
        readmit = config.level if config.readmit is None else config.readmit
        if config.exclude == "above":
            out = latched(score > config.level, score <= readmit)
        else:
            out = latched(score < config.level, score >= readmit)
        if config.unknown == "exclude":
            out |= score.isnan()
        return Decision(
            eligible=inputs.members() & ~out,
            rebalance=torch.from_numpy(inputs.clock.starts_of(config.rebalance)),
        )
