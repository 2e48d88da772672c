"""What recent texts say about each asset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import Field

from finstrat import features
from finstrat.components import Signal

if TYPE_CHECKING:
    from finstrat.components import Inputs


class NewsSentiment(Signal):
    """The average tone of the texts about an asset, and its rank among the assets.

    Each text weighs half as much every `half_life` sessions. `rank` orders the assets with recent
    texts at each session; `volume` is the decayed number of texts. An asset whose decayed volume
    lies below `min_volume` has no opinion about it: NaN.
    """

    name = "news-sentiment"
    version = "1"
    outputs = ("tone", "rank", "volume")
    needs = ("documents",)
    memory = "expanding"

    class Config(Signal.Config):
        """Who scores the texts, and how fast they are forgotten."""

        scorer: str = Field("minilm-sentiment", description="scorer of the texts")
        half_life: float = Field(2.0, gt=0, description="sessions")
        min_volume: float = Field(
            0.5, ge=0, description="decayed texts below which tone is unknown"
        )

    config: Config

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N, 3]`: tone in [-1, 1], rank in [0, 1], volume in texts."""
        tone = inputs.scores(self.config.scorer)[:, -1].double()
        sessions, assets = inputs.document_sessions(), inputs.document_assets()
        half_life = self.config.half_life
        mean = features.decayed_mean(
            tone, sessions, inputs.shape, assets=assets, half_life=half_life
        )
        volume = features.decayed_sum(
            torch.ones_like(tone), sessions, inputs.shape, assets=assets, half_life=half_life
        )
        known = torch.where(volume >= self.config.min_volume, mean, torch.nan)
        return torch.stack([known, features.rank(known, mask=inputs.members()), volume], dim=2)
