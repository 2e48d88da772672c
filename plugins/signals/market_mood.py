"""The mood of the market, out of social posts about no stock in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import Field

from finstrat import features
from finstrat.components import Signal

if TYPE_CHECKING:
    from finstrat.components import Inputs


class MarketMood(Signal):
    """How positive recent posts are, by themselves and against the past year.

    `level` is the average tone of all posts, each weighing half as much every `half_life`
    sessions. `surprise` is its z-score against the trailing `window` sessions. `volume` is the
    decayed number of posts. Counts such as retweets are not used: they were read long after.
    """

    name = "market-mood"
    version = "1"
    scope = "market"
    outputs = ("level", "surprise", "volume")
    needs = ("documents",)
    memory = "expanding"

    class Config(Signal.Config):
        """Who scores the posts, and how fast they are forgotten."""

        scorer: str = Field("minilm-sentiment", description="scorer of the posts")
        half_life: float = Field(5.0, gt=0, description="sessions")
        window: int = Field(252, ge=20, description="sessions that surprise is measured against")

    config: Config

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions before the first surprise."""
        return self.config.window

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, 3]`: level in [-1, 1], surprise in standard deviations, volume in posts."""
        tone = inputs.scores(self.config.scorer)[:, -1].double()
        sessions = inputs.document_sessions()
        half_life = self.config.half_life
        level = features.decayed_mean(tone, sessions, inputs.shape, half_life=half_life)
        volume = features.decayed_sum(
            torch.ones_like(tone), sessions, inputs.shape, half_life=half_life
        )
        surprise = features.rolling_zscore(level, self.config.window)
        return torch.stack([level, surprise, volume], dim=1)
