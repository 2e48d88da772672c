"""What has risen goes on rising, for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from finstrat import features
from finstrat.components import Signal

if TYPE_CHECKING:
    import torch

    from finstrat.components import Inputs


class Momentum(Signal):
    """Total return over `window` sessions that ended `skip` sessions ago.

    The usual 12–1 month form (Jegadeesh and Titman, 1993) skips the last month, which tends to
    reverse.
    """

    name = "momentum"
    version = "1"
    needs = ("close",)

    class Config(Signal.Config):
        """Which past."""

        window: int = Field(231, ge=1, description="sessions the return is measured over")
        skip: int = Field(21, ge=0, description="latest sessions left out")

    config: Config

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions before the first value."""
        return self.config.window + self.config.skip

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N]`, a fraction."""
        past = features.lag(inputs.prices("close"), self.config.skip)
        return features.returns(past, self.config.window)
