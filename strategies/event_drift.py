"""Hold a name for some sessions after news about it, in the direction of the news."""

from __future__ import annotations

from typing import Literal

import torch
from finstrat_strategies.latch import changed
from pydantic import Field

from finstrat.components import Decision, Inputs, Strategy


class EventDrift(Strategy):
    """Long after good events and short after bad ones, each for `hold` sessions.

    An event is a session at which the signal reaches ±`threshold` and was not already there the
    session before; an unknown signal is no event. A later event of the same name replaces the one
    that is still held. Every open event has the weight gross / max(open events, `slots`), so that
    few events leave cash. Prices drift on after earnings surprises (Bernard and Thomas 1989,
    J. Accounting Research 27) and after news (Chan 2003, J. Financial Economics 70(2)).
    """

    name = "event-drift"
    version = "1"

    class Config(Strategy.Config):
        """What an event is, and for how long it is held."""

        signal: str = Field(description='signal output, like "news.tone"')
        threshold: float = Field(gt=0, description="|signal| from which a session is an event")
        hold: int = Field(20, ge=1, description="sessions an event is held")
        slots: int = Field(10, ge=1, description="open events from which all of gross is used")
        gross: float = Field(1.0, gt=0, description="Σ|w| with that many open events")
        sides: Literal["both", "long", "short"] = "both"

    config: Config

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions for which the first open event may already be held."""
        return self.config.hold

    def decide(self, inputs: Inputs) -> Decision:
        """The weight of every open event; it trades when one begins or ends."""
        config = self.config
        signal = inputs.feature(config.signal)
        side = torch.where(signal.abs() >= config.threshold, signal.sign(), 0.0)
        fresh = side != 0
        fresh[1:] &= side[1:] != side[:-1]
        row = torch.arange(len(side), device=side.device)[:, None]
        began = torch.where(fresh, row, -1).cummax(dim=0).values
        open_ = (began >= 0) & (row - began < config.hold) & inputs.members()
        held = torch.where(open_, side.gather(0, began.clamp(min=0)), 0.0)
        if config.sides != "both":
            kept = 1.0 if config.sides == "long" else -1.0
            held = torch.where(held == kept, held, 0.0)
        count = held.abs().sum(dim=1, keepdim=True).clamp(min=config.slots)
        return Decision(
            weights=config.gross * held / count, rebalance=changed(held, first=inputs.first)
        )
