"""What the next quarter's revenue is expected to be, learnt from the quarters that came before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import Field
from sklearn.linear_model import Ridge

from finstrat.components import Signal
from finstrat.data import ratios
from finstrat.data.statements import quarters_as_of
from finstrat.fitting import Examples, FittedSignal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.components import Inputs
    from finstrat.fitting import Material

    Floats = NDArray[np.float64]

WITHIN = (-0.9, 2.0)
"""Growth beyond this counts as this much: mergers and companies that start from nothing."""

PENALTY = 1.0
"""On the squares of the coefficients, growth being a fraction."""


class RevenueForecast(FittedSignal):
    """Growth of the quarter that each company reports next, against the same quarter a year before.

    A ridge regression over all companies of how growth changed from one quarter to the next, on the
    growth of the first and of the one before it: with little to learn from it says "no change". An
    example is a quarter at the session that learnt of it; the answer is what is known 85 sessions
    later, when the next quarter has been reported and the one after it hasn't. Each forecast holds
    until the company reports again.

    growth: the forecast.
    change: the forecast less the growth that was reported last.

    NaN until `min_examples` quarters have an answer, for a company's first two quarters, and once
    its last is older than `stale_days`.

    Source: the seasonal model of Foster (1977), "Quarterly Accounting Data: Time-Series Properties
    and Predictive-Ability Results", Accounting Review 52(1), in growth rates and pooled.
    """

    name = "revenue-forecast"
    version = "1"
    outputs = ("growth", "change")
    needs = ("facts",)
    memory: Literal["finite", "expanding"] = "expanding"
    horizon = 85

    class Config(Signal.Config):
        """How much history is wanted."""

        history: int = Field(
            756, ge=1, description="sessions loaded before the span, to learn from"
        )
        min_examples: int = Field(
            12, ge=3, description="quarters with an answer before anything is said"
        )
        stale_days: int = Field(200, ge=1, description="days after which a quarter is too old")

    config: Config

    @property
    def window(self) -> int:  # type: ignore[override]
        """Sessions of examples that are loaded beforehand."""
        return self.config.history

    def observe(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N, 2]`: growth of the newest quarter and of the one before it, when it is learnt."""
        growth, _, first = quarters_of(inputs)
        before = np.full_like(growth, np.nan)
        before[1:] = growth[:-1]
        seen = np.where(first[:, :, None], np.stack([growth, before], axis=2), np.nan)
        return torch.from_numpy(np.clip(seen, *WITHIN)).to(inputs.device)

    def target(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N]`: growth of the newest quarter."""
        return torch.from_numpy(np.clip(quarters_of(inputs)[0], *WITHIN)).to(inputs.device)

    def model_of(self, material: Material, rows: NDArray[np.int64]) -> Ridge | None:
        """A model of all quarters with an answer; None where they are too few."""
        examples = material.examples(rows)
        return self.fit(examples) if len(examples.y) >= self.config.min_examples else None

    def fit(self, examples: Examples) -> Ridge:
        """The change of growth, its coefficients drawn to zero."""
        return Ridge(alpha=PENALTY).fit(examples.x, examples.y - examples.x[:, 0])

    def predict(self, model: Ridge, x: Floats) -> Floats:
        """`[R, 2]`: growth and change."""
        change = model.predict(x)
        return np.stack([x[:, 0] + change, change], axis=1)

    def describe(self, model: Ridge) -> str:
        """The equation."""
        last, before = model.coef_
        return f"change = {model.intercept_:+.3f} {last:+.3f} last {before:+.3f} before"

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N, 2]`: what was said when the newest quarter was learnt, until the next is."""
        said = super().compute(inputs).cpu().numpy()
        _, ended, first = quarters_of(inputs)
        held = np.full_like(said, np.nan)
        for row in range(len(said)):
            earlier = held[row - 1] if row else held[row]
            held[row] = np.where(first[row][:, None], said[row], earlier)
        age = inputs.panel.times[:, None] - ended
        fresh = age <= np.timedelta64(self.config.stale_days, "D")
        return torch.from_numpy(np.where(fresh[:, :, None], held, np.nan)).to(inputs.device)


def quarters_of(inputs: Inputs) -> tuple[Floats, NDArray[np.datetime64], NDArray[np.bool_]]:
    """Growth of the newest quarter, its end, and whether a session is the first to know of it.

    All `[T, N]`. What the first session of all knows isn't news to it.
    """
    found = quarters_as_of(
        inputs.facts, ("revenue",), clock=inputs.clock, assets=inputs.panel.assets
    )
    growth = ratios.growth(found.now["revenue"], found.before["revenue"])
    first = np.zeros(growth.shape, dtype=bool)
    first[1:] = found.ended[1:] > found.ended[:-1]
    first[1:] |= np.isnat(found.ended[:-1]) & ~np.isnat(found.ended[1:])
    return growth, found.ended, first
