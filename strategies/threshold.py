"""Enter a name when its signal is high, leave when it has faded or when a stop is hit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch
from finstrat_strategies.latch import changed
from pydantic import Field, model_validator

from finstrat.components import Decision, Inputs, Strategy

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Threshold(Strategy):
    """The members whose signal has reached `enter` and has not fallen below `leave` since.

    Stops are looked at on closes, from the close of the decision to enter; a stopped name is
    entered again only once its signal has been below `enter` in the meantime. An unknown signal
    changes nothing; an unknown close neither enters nor stops. It rebalances whenever a name comes
    or goes, and on the schedule. Stops within a session are the engine's: `execution.stop_loss`.
    """

    name = "threshold"
    version = "1"

    class Config(Strategy.Config):
        """Which signal, its levels, and the stops."""

        signal: str = Field(description='signal output, like "news.tone"')
        enter: float = Field(description="signal from which a name is held")
        leave: float = Field(description="signal below which it is no longer held")
        stop_loss: float | None = Field(None, gt=0, lt=1, description="loss since the entry")
        take_profit: float | None = Field(None, gt=0, description="gain since the entry")
        trailing_stop: float | None = Field(
            None, gt=0, lt=1, description="fall from the highest close since the entry"
        )
        rebalance: Literal["daily", "weekly", "monthly"] = "monthly"

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.leave > self.enter:
                raise ValueError(f"leave {self.leave} lies above enter {self.enter}")
            return self

    config: Config

    def decide(self, inputs: Inputs) -> Decision:
        """Who is held at each session, and when that changes."""
        held = self._held(
            inputs.feature(self.config.signal).cpu().numpy(),
            inputs.prices("close").cpu().numpy(),
            inputs.panel.member,
        )
        eligible = torch.from_numpy(held).to(inputs.device)
        schedule = torch.from_numpy(inputs.clock.starts_of(self.config.rebalance))
        return Decision(
            eligible=eligible,
            rebalance=schedule.to(inputs.device) | changed(eligible, first=inputs.first),
        )

    def _held(
        self, signal: NDArray[np.float64], close: NDArray[np.float64], member: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Who is held after each session's close, `[T, N]`; comparisons with NaN are false."""
        config = self.config
        loss, gain, fall = (
            np.inf if each is None else each
            for each in (config.stop_loss, config.take_profit, config.trailing_stop)
        )
        result = np.zeros(close.shape, dtype=bool)
        held = np.zeros(close.shape[1], dtype=bool)
        armed = np.ones(close.shape[1], dtype=bool)
        entry, best = np.full((2, close.shape[1]), np.nan)
        for t, price in enumerate(close):
            best = np.where(held, np.fmax(best, price), best)
            stopped = held & (
                (price <= entry * (1 - loss))
                | (price >= entry * (1 + gain))
                | (price <= best * (1 - fall))
            )
            armed = (armed & ~stopped) | (signal[t] < config.enter)
            held &= member[t] & ~stopped & ~(signal[t] < config.leave)
            new = ~held & armed & member[t] & (signal[t] >= config.enter) & np.isfinite(price)
            entry, best = np.where(new, price, entry), np.where(new, price, best)
            held |= new
            result[t] = held
        return result
