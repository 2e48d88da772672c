"""What recent texts say about each asset: how they sound, how much is new, how much they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field, field_validator

from finstrat import features, text
from finstrat.components import Signal
from finstrat.text.events import EVENTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from finstrat.components import Inputs

ALL_BUT_GONE = 1e-9
"""Weight below which the texts about an asset say nothing any more."""


class NewsSentiment(Signal):
    """The tone of the texts about an asset, and what stands beside it.

    Each text weighs half as much every `half_life` sessions, times its novelty against the asset's
    texts of the last `novelty_days` to the power of `novelty`, times the weight of its source. With
    `events`, only texts that tell of such an event count.

    tone: the weighted mean of the texts' scores. NaN where the decayed number of texts, `volume`,
        lies below `min_volume`.
    rank: of the tone among the session's members with a known one, in (0, 1).
    volume: the decayed number of texts, unweighted.
    disagreement: the weighted standard deviation of the scores, corrected for bias; NaN for what is
        in effect one text.
    surprise: the tone less its own earlier mean, in its own earlier standard deviations, both
        weighted by the half-life `history`.
    attention: ln((1 + volume) / (1 + its own earlier mean)).

    Surprise and attention are NaN before `min_history` sessions with a known tone.

    Sources: Tetlock (2007), "Giving Content to Investor Sentiment", Journal of Finance 62(3);
    Tetlock (2011) for novelty, see `finstrat.text.novelty`.
    """

    name = "news-sentiment"
    version = "2"
    outputs = ("tone", "rank", "volume", "disagreement", "surprise", "attention")
    needs = ("documents",)
    memory = "expanding"

    class Config(Signal.Config):
        """Who scores the texts, which count how much, and how fast they are forgotten."""

        scorer: str = Field("minilm-sentiment", description="scorer of the texts")
        half_life: float = Field(2.0, gt=0, description="sessions")
        min_volume: float = Field(
            0.5, ge=0, description="decayed texts below which tone is unknown"
        )
        novelty: float = Field(
            1.0, ge=0, description="power of a text's novelty in its weight; 0 = all weigh alike"
        )
        novelty_days: float = Field(7.0, gt=0, description="days back to which novelty looks")
        encoder: str | None = Field(
            None, description="scorer that gives vectors, to judge novelty by meaning, not words"
        )
        source_weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
            {}, description="weight by the documents' kind; others weigh 1"
        )
        events: tuple[str, ...] = Field((), description="kinds of event that count; () = any text")
        history: float = Field(60.0, gt=0, description="half-life of the own history, sessions")
        min_history: int = Field(20, ge=2, description="sessions before surprise is known")

        @field_validator("events")
        @classmethod
        def _known(cls, events: tuple[str, ...]) -> tuple[str, ...]:
            for name in events:
                if name not in EVENTS:
                    raise ValueError(f'no kind of event "{name}"; known: {", ".join(EVENTS)}')
            return events

    config: Config

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N, 6]`: tone, rank, volume, disagreement, surprise, attention."""
        tone = inputs.scores(self.config.scorer)[:, -1].double()
        weight = self._weights(inputs)
        counts = torch.where(weight.isnan() | tone.isnan(), torch.nan, 1.0)
        sums = [
            self._decayed(values, inputs)
            for values in (counts, weight * counts, weight * tone.square())
        ]
        volume, total, second = sums
        squares = self._decayed((weight * counts).square(), inputs, power=2.0)
        mean = features.decayed_mean(
            tone,
            inputs.document_sessions(),
            inputs.shape,
            assets=inputs.document_assets(),
            half_life=self.config.half_life,
            weights=weight,
        )
        heard = total > ALL_BUT_GONE
        mean = torch.where(heard & (volume >= self.config.min_volume), mean, torch.nan)
        spread = (second - total * mean.square()).clamp_min(0.0) / (total - squares / total)
        several = heard & (squares < (1.0 - 1e-6) * total.square())
        disagreement = torch.where(several & ~mean.isnan(), spread.sqrt(), torch.nan)
        return features.stack(
            [
                mean,
                features.rank(mean, mask=inputs.members()),
                volume,
                disagreement,
                self._surprise(mean),
                self._attention(volume, mean),
            ]
        )

    def contributions(
        self, inputs: Inputs, output: str, *, asset: str, row: int
    ) -> NDArray[np.float64] | None:
        """What each text adds to the tone, the others' weights being as they are; else None."""
        if output != "tone":
            return None
        about = inputs.document_assets() == inputs.panel.assets.index(asset)
        tone = inputs.scores(self.config.scorer)[:, -1].double()
        effects = text.effects_on_mean(
            torch.where(about, tone, torch.nan),
            self._weights(inputs),
            row - inputs.document_sessions(),
            half_life=self.config.half_life,
        )
        return effects.cpu().numpy()

    def _weights(self, inputs: Inputs) -> torch.Tensor:
        """The weight of each text before decay, `[D]`; NaN for one that doesn't count."""
        config = self.config
        weight = torch.ones(len(inputs.documents), dtype=torch.float64, device=inputs.device)
        if config.source_weights:
            given = [config.source_weights.get(kind, 1.0) for kind in inputs.documents.kinds]
            weight *= torch.tensor(given, dtype=torch.float64, device=inputs.device)
        if config.novelty > 0:
            new = text.novelty_of(inputs, encoder=config.encoder, days=config.novelty_days)
            weight = weight * new.pow(config.novelty)
        if config.events:
            chosen = [EVENTS.index(name) for name in config.events]
            told = text.events_of(inputs)[:, chosen].any(dim=1)
            weight = torch.where(told, weight, torch.nan)
        return weight

    def _decayed(self, values: torch.Tensor, inputs: Inputs, *, power: float = 1.0) -> torch.Tensor:
        """Σ value · decay^(power · age) of the documents, `[T, N]`."""
        return features.decayed_sum(
            values,
            inputs.document_sessions(),
            inputs.shape,
            assets=inputs.document_assets(),
            half_life=self.config.half_life / power,
        )

    def _surprise(self, tone: torch.Tensor) -> torch.Tensor:
        """The tone in standard deviations of its own past, the present session left out."""
        usual = features.lag(features.ewma(tone, self.config.history))
        spread = features.lag(features.ewm_std(tone, self.config.history))
        return torch.where(
            self._long_known(tone) & (spread > 0), (tone - usual) / spread, torch.nan
        )

    def _attention(self, volume: torch.Tensor, tone: torch.Tensor) -> torch.Tensor:
        """Texts against their own usual number."""
        usual = features.lag(features.ewma(volume, self.config.history))
        grown = torch.log((1.0 + volume) / (1.0 + usual))
        return torch.where(self._long_known(tone), grown, torch.nan)

    def _long_known(self, tone: torch.Tensor) -> torch.Tensor:
        """Where the tone was known in enough earlier sessions, bool `[T, N]`."""
        known = features.lag((~tone.isnan()).double().cumsum(dim=0))
        return known >= self.config.min_history
