"""The mood of the market, out of social posts: measured, foretold, and how restless it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import Field

from finstrat import features, text
from finstrat.components import Signal
from finstrat.text.alarm import moving_probability

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from finstrat.components import Inputs


class MarketMood(Signal):
    """How positive recent posts are, what comes next, and how much they sound like trouble.

    Each post weighs half as much every `half_life` sessions, and less the more often it was posted
    before: 1 / (1 + c)^`damping`, c the posts of the last `copy_days` with the same words but for
    tickers, numbers and links. A post filed under several assets is one post. Counts such as
    retweets or followers are not used: sources that read them later can't say what they were then.

    level: the weighted mean tone of the posts.
    surprise: its z-score against the trailing `window` sessions.
    volume: the decayed number of posts, damped.
    attention: ln((1 + volume) / (1 + its mean over the sessions before)), the mean weighted by the
        half-life `window` / 4.
    forecast: what `level` will be a session later, by a regression of level on the session before
        over the trailing `window` sessions.
    volatility: the share of late posts that sound like those before large moves of the market, see
        `finstrat.text.alarm`; a move is large if the absolute return of the members, equally
        weighted, exceeds its trailing `window` sessions' 75th percentile.

    Source of the last: Salem, Younger and St. John (2019), "Introducing the Volfefe Index",
    JPMorgan.
    """

    name = "market-mood"
    version = "3"
    scope = "market"
    outputs = ("level", "surprise", "volume", "attention", "forecast", "volatility")
    needs = ("documents", "close")
    memory = "expanding"

    class Config(Signal.Config):
        """Who scores the posts, and how fast they are forgotten."""

        scorer: str = Field("minilm-sentiment", description="scorer of the posts")
        half_life: float = Field(5.0, gt=0, description="sessions")
        window: int = Field(252, ge=20, description="sessions that surprise is measured against")
        damping: float = Field(
            1.0, ge=0, description="power by which repeated posts lose weight; 0 = none"
        )
        copy_days: float = Field(7.0, gt=0, description="days back to which copies are looked for")

    config: Config

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions before the first surprise."""
        return self.config.window

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, 6]`: level and forecast in [-1, 1], volatility in [0, 1], surprise in deviations."""
        window = self.config.window
        tone = inputs.scores(self.config.scorer)[:, -1].double()
        weight = torch.where(tone.isnan(), torch.nan, self._weights(inputs))
        volume = features.decayed_sum(
            weight, inputs.document_sessions(), inputs.shape, half_life=self.config.half_life
        )
        level = self._mean(weight, tone, inputs)
        usual = features.lag(features.ewma(volume, window / 4))
        return torch.stack(
            [
                level,
                features.rolling_zscore(level, window),
                volume,
                torch.log((1.0 + volume) / (1.0 + usual)),
                one_step_ahead(level, window),
                self._mean(weight, self._alarm(inputs), inputs),
            ],
            dim=1,
        )

    def contributions(
        self,
        inputs: Inputs,
        output: str,
        *,
        asset: str,  # noqa: ARG002 - a market's mood is every asset's
        row: int,
    ) -> NDArray[np.float64] | None:
        """What each post adds to the level or the surprise, else None.

        The others' weights and the level's past, in whose deviations surprise is told, are taken
        as they are.
        """
        if output not in {"level", "surprise"}:
            return None
        effects = text.effects_on_mean(
            inputs.scores(self.config.scorer)[:, -1].double(),
            self._weights(inputs),
            row - inputs.document_sessions(),
            half_life=self.config.half_life,
        )
        if output == "surprise":
            tone = inputs.scores(self.config.scorer)[:, -1].double()
            weight = torch.where(tone.isnan(), torch.nan, self._weights(inputs))
            level = self._mean(weight, tone, inputs)
            effects = effects / features.rolling_std(level, self.config.window)[row]
        return effects.cpu().numpy()

    def _weights(self, inputs: Inputs) -> torch.Tensor:
        """The weight of each post before decay, `[D]`; NaN for further rows of one post."""
        copies = text.earlier_copies_of(inputs, days=self.config.copy_days).double()
        return torch.where(copies < 0, torch.nan, (1.0 + copies).pow(-self.config.damping))

    def _mean(self, weight: torch.Tensor, values: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """The decayed, weighted mean of the posts' values, `[T]`; NaN where there are none."""
        return features.decayed_mean(
            values,
            inputs.document_sessions(),
            inputs.shape,
            half_life=self.config.half_life,
            weights=weight,
        )

    def _alarm(self, inputs: Inputs) -> torch.Tensor:
        """How much each post sounds like those before large moves, `[D]`."""
        move = market_move(inputs)
        usual = features.lag(features.rolling_quantile(move, self.config.window, 0.75))
        moved = torch.where(move.isnan() | usual.isnan(), torch.nan, (move > usual).double())
        probability = moving_probability(
            inputs.documents.wording,
            inputs.document_sessions().cpu().numpy(),
            moved.cpu().numpy(),
        )
        return torch.from_numpy(probability).to(inputs.device)


def market_move(inputs: Inputs) -> torch.Tensor:
    """The session's absolute return, `[T]`, of the members of the session before in equal parts."""
    returns = features.returns(inputs.prices("close"), 1)
    held = torch.zeros_like(inputs.members())
    held[1:] = inputs.members()[:-1]
    return torch.where(held, returns, torch.nan).nanmean(dim=1).abs()


def one_step_ahead(level: torch.Tensor, window: int) -> torch.Tensor:
    """What a series will be a session later, `[T]`, by a first-order autoregression.

    Fitted at each session on the `window` pairs (t − 1, t) up to it, by least squares. NaN where
    they aren't all known or don't vary.
    """
    before = features.lag(level)
    slope = features.rolling_beta(level, before, window)
    both = torch.where(before.isnan() | level.isnan(), torch.nan, 1.0)
    mean = features.rolling_mean(level * both, window)
    mean_before = features.rolling_mean(before * both, window)
    return mean + slope * (level - mean_before)
