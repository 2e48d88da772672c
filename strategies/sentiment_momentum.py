"""Buy what is spoken of better than it used to be, sell short what is spoken of worse."""

from __future__ import annotations

from typing import Self

import torch
from finstrat_strategies.selection import opposed
from pydantic import Field, model_validator

from finstrat import features
from finstrat.components import Decision, Inputs, Strategy


class SentimentMomentum(Strategy):
    """Long the largest rises of a signal and short its largest falls, in overlapping books.

    The rise is the signal's mean over `fast` sessions less that over `slow`; at least half of each
    must be known. Every session forms one book, equal weights in the top and the bottom `fraction`,
    and each book is held for `hold` sessions: the weights are the mean of the last `hold` books
    (Jegadeesh and Titman 1993, J. Finance 48(1)). For news, Heston and Sinha (2017, Financial
    Analysts Journal 73(3)) find that what was said over a week foretells a quarter.
    """

    name = "sentiment-momentum"
    version = "1"

    class Config(Strategy.Config):
        """Which signal, how its rise is measured, and how the books are made."""

        signal: str = Field(description='signal output, like "news.tone"')
        fast: int = Field(5, ge=1, description="sessions of the recent mean")
        slow: int = Field(60, ge=2, description="sessions of the usual mean")
        hold: int = Field(5, ge=1, description="sessions a book is held")
        fraction: float = Field(0.2, gt=0, le=0.5, description="of the known members, on each side")
        gross: float = Field(1.0, gt=0, description="Σ|w| of both sides together, at most")
        min_names: int = Field(10, ge=2, description="known members below which a book is empty")

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.fast >= self.slow:
                raise ValueError(f"fast {self.fast} is not below slow {self.slow}")
            return self

    config: Config

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions that the first whole set of books rests on."""
        return self.config.slow + self.config.hold - 2

    def decide(self, inputs: Inputs) -> Decision:
        """The mean of the books still held, at every session."""
        config = self.config
        signal = inputs.feature(config.signal)
        recent, usual = (
            features.rolling_mean(signal, window, min_periods=(window + 1) // 2)
            for window in (config.fast, config.slow)
        )
        rise = recent - usual
        books = config.gross * opposed(
            rise,
            inputs.members() & ~rise.isnan(),
            fraction=config.fraction,
            min_names=config.min_names,
            assets=inputs.panel.assets,
        )
        # Before the first session there was no book.
        empty = books.new_zeros((config.hold - 1, books.shape[1]))
        weights = torch.cat([empty, books]).unfold(0, config.hold, 1).mean(dim=2)
        return Decision(weights=weights)
