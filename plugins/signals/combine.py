"""Several signals made into one: each ranked, then averaged plainly or by what each was worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field, field_validator

from finstrat import features
from finstrat.components import Signal
from finstrat.data.labels import forward_returns

if TYPE_CHECKING:
    from finstrat.components import Inputs


class Combine(Signal):
    """The average of several signals' ranks among the members, from −½ to ½.

    Each signal counts with weight 1, or with its information coefficient: the mean, over the
    trailing `window` sessions, of its rank correlation with the returns that followed, as far as
    those were over by then. A negative coefficient turns a signal round. An asset is ranked by the
    signals that know it; unknown to all, it stays unknown. Grinold and Kahn (2000), chapter 10;
    equal weights are hard to beat (DeMiguel, Garlappi and Uppal, 2009).
    """

    name = "combine"
    version = "1"

    class Config(Signal.Config):
        """Which signals, and how much each counts."""

        signals: tuple[str, ...] = Field(
            min_length=2, description='outputs of other signals, like ["a.value", "b.value"]'
        )
        weights: Literal["equal", "ic"] = "equal"
        window: int = Field(252, ge=20, description="sessions that coefficients are averaged over")
        horizon: int = Field(5, ge=1, description="sessions of the returns that followed")

        @field_validator("signals")
        @classmethod
        def _outputs(cls, signals: tuple[str, ...]) -> tuple[str, ...]:
            """Refuse what names no output, and the same output twice."""
            for name in signals:
                table, dot, output = name.partition(".")
                if not (table and dot and output):
                    raise ValueError(f'"{name}" names no output; write it like momentum.value')
            if len(set(signals)) < len(signals):
                raise ValueError("one output is named twice")
            return signals

    config: Config

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """The signals, and prices to judge them by."""
        return (*self.config.signals, *(("close",) if self.config.weights == "ic" else ()))

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions whose coefficients and returns the weights rest on."""
        if self.config.weights == "equal":
            return 0
        return self.config.window + self._delay

    @property
    def _delay(self) -> int:
        """From a session to the first that may know what followed it.

        Decided at t and filled at the next close, a return over h sessions ends with the close of
        t + 1 + h. That is no earlier than the cutoff of that session, so the next one may use it.
        """
        return self.config.horizon + 2

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N]`; NaN where no signal knows the asset, or none has a coefficient yet."""
        members = inputs.members()
        centred = [
            features.rank(inputs.feature(name), mask=members) - 0.5 for name in self.config.signals
        ]
        ranks = torch.stack(centred, dim=2)
        weights = torch.ones_like(ranks[:, :1, :])
        if self.config.weights == "ic":
            weights = self._coefficients(centred, inputs).unsqueeze(1)
        counts = ~ranks.isnan() & ~weights.isnan()
        weights = torch.where(counts, weights, 0.0)
        total = weights.abs().sum(dim=2)
        value = (weights * ranks.nan_to_num()).sum(dim=2) / total
        return torch.where(total > 0, value, torch.nan)

    def _coefficients(self, centred: list[torch.Tensor], inputs: Inputs) -> torch.Tensor:
        """The trailing information coefficient of each signal, `[T, K]`."""
        horizon, window = self.config.horizon, self.config.window
        followed = forward_returns(inputs.panel, horizon, fill="next-close")
        label = torch.from_numpy(followed).to(inputs.device)
        daily = torch.stack([_rank_correlation(each, label) for each in centred], dim=1)
        over = features.lag(daily, self._delay)
        return features.rolling_mean(over, window, min_periods=window // 2)


def _rank_correlation(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Spearman's correlation of each row over the assets known in both, `[T]`; NaN without any."""
    both = ~x.isnan() & ~y.isnan()
    a, b = (
        (features.rank(each, mask=both) - 0.5).nan_to_num(nan=0.0).masked_fill(~both, 0.0)
        for each in (x, y)
    )
    scale = (a.square().sum(dim=1) * b.square().sum(dim=1)).sqrt()
    return torch.where(scale > 0, (a * b).sum(dim=1) / scale, torch.nan)
