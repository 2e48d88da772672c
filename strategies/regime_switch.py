"""Follow one signal while the market is in a good mood and another while it is not."""

from __future__ import annotations

from typing import Literal, Self

import torch
from finstrat_strategies.latch import changed, latched
from finstrat_strategies.selection import best
from pydantic import Field, model_validator

from finstrat.components import Decision, Inputs, Strategy


class RegimeSwitch(Strategy):
    """The k best by one of two signals, at one of two exposures, as the mood decides.

    The mood is good once it lies above `upper` and until it lies below `lower`; before it is first
    known it is not good. Members that the signal in charge doesn't know are not held. It rebalances
    at every switch and on the schedule. That momentum pays in optimistic times only is the finding
    of Antoniou, Doukas and Subrahmanyam (2013, J. Financial and Quantitative Analysis 48(1)).
    """

    name = "regime-switch"
    version = "1"

    class Config(Strategy.Config):
        """What the regimes are, and what is held in each."""

        mood: str = Field(description='market-level signal output, like "mood.surprise"')
        upper: float = Field(0.5, description="mood above which it turns good")
        lower: float = Field(-0.5, description="mood below which it turns bad")
        good: str = Field(description="signal that ranks while the mood is good")
        bad: str = Field(description="signal that ranks while it is not")
        k: int = Field(5, ge=1, description="how many assets to hold")
        good_exposure: float = Field(1.0, ge=0)
        bad_exposure: float = Field(0.5, ge=0)
        rebalance: Literal["daily", "weekly", "monthly"] = "monthly"

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.lower > self.upper:
                raise ValueError(f"lower {self.lower} lies above upper {self.upper}")
            return self

    config: Config

    def decide(self, inputs: Inputs) -> Decision:
        """The eligible assets and the exposure of the regime at each session."""
        config = self.config
        mood = inputs.feature(config.mood)
        good = latched(mood > config.upper, mood < config.lower)
        chosen = []
        for name in (config.good, config.bad):
            signal = inputs.feature(name)
            known = inputs.members() & ~signal.isnan()
            chosen.append(best(signal, known, k=config.k, assets=inputs.panel.assets))
        schedule = torch.from_numpy(inputs.clock.starts_of(config.rebalance)).to(good.device)
        exposure = torch.where(good, config.good_exposure, config.bad_exposure)
        return Decision(
            eligible=torch.where(good[:, None], chosen[0], chosen[1]),
            exposure=exposure.double(),
            rebalance=schedule | changed(good, first=inputs.first),
        )
