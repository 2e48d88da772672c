"""Several signals made into one: ranked, then averaged plainly, by what each was worth, or by a
model that is fitted to what followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch
from finstrat_plugins.signals.ranks import OutputNames, centred_ranks, filled
from pydantic import Field

from finstrat import features
from finstrat.components import Signal
from finstrat.data.clock import Every  # noqa: TC001 - pydantic reads it
from finstrat.data.labels import forward_returns
from finstrat.fitting import Examples, FittedSignal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from finstrat.components import Inputs, Settings

Fitted = Literal["ridge", "elastic-net", "boosting"]

FOLDS = 4
"""Stretches of time on which a penalty is chosen, each after what it is fitted to."""

PENALTIES = 10.0 ** np.arange(0, 7)
"""Ridge penalties to choose from. Ranks have a variance of 1/12, so a thousand is as much as the
weight of twelve thousand examples."""


class Combine(FittedSignal):
    """Several signals' ranks among the members, averaged, from −½ to ½; or what they foretell.

    Each signal counts with weight 1, or with its information coefficient: the mean, over the
    trailing `window` sessions, of its rank correlation with the returns that followed, as far as
    those were over by then. A negative coefficient turns a signal round. An asset is ranked by the
    signals that know it; unknown to all, it stays unknown. Grinold and Kahn (2000), chapter 10;
    equal weights are hard to beat (DeMiguel, Garlappi and Uppal, 2009).

    With a model, the value is the rank of the asset's return that the model expects, between −½
    and ½ too, and close to 0 where little can be foretold.
    """

    name = "combine"
    version = "2"

    class Config(Signal.Config):
        """Which signals, and how much each counts."""

        signals: OutputNames = Field(
            min_length=2, description='outputs of other signals, like ["a.value", "b.value"]'
        )
        weights: Literal["equal", "ic", "ridge", "elastic-net", "boosting"] = "equal"
        window: int = Field(252, ge=20, description="sessions that coefficients or models rest on")
        horizon: int = Field(5, ge=1, description="sessions of the returns that followed")
        refit: Every = Field("quarterly", description="how often a model is fitted")

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        """Fit by the options, if at all."""
        super().__init__(config)
        self.window, self.horizon = self.config.window, self.config.horizon
        self.refit = self.config.refit

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """The signals, and prices to judge them by."""
        return (*self.config.signals, *(("close",) if self.config.weights != "equal" else ()))

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions whose coefficients and returns the weights rest on."""
        if self.config.weights == "equal":
            return 0
        if self.config.weights == "ic":
            return self.config.window + self._delay
        return super().warmup

    @property
    def _delay(self) -> int:
        """From a session to the first that may know what followed it.

        Decided at t and filled at the next close, a return over h sessions ends with the close of
        t + 1 + h. That is no earlier than the cutoff of that session, so the next one may use it.
        """
        return self.config.horizon + 2

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N]`; NaN where no signal knows the asset, or nothing weighs it yet."""
        if self.config.weights in get_args(Fitted):
            return super().compute(inputs)
        ranks = centred_ranks(inputs, self.config.signals)
        weights = torch.ones_like(ranks[:, :1, :])
        if self.config.weights == "ic":
            weights = self._coefficients(ranks, inputs).unsqueeze(1)
        counts = ~ranks.isnan() & ~weights.isnan()
        weights = torch.where(counts, weights, 0.0)
        total = weights.abs().sum(dim=2)
        value = (weights * ranks.nan_to_num()).sum(dim=2) / total
        return torch.where(total > 0, value, torch.nan)

    def _coefficients(self, ranks: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """The trailing information coefficient of each signal, `[T, K]`."""
        horizon, window = self.config.horizon, self.config.window
        followed = forward_returns(inputs.panel, horizon, fill="next-close")
        label = torch.from_numpy(followed).to(inputs.device)
        daily = torch.stack([_rank_correlation(each, label) for each in ranks.unbind(dim=2)], dim=1)
        over = features.lag(daily, self._delay)
        return features.rolling_mean(over, window, min_periods=window // 2)

    def observe(self, inputs: Inputs) -> torch.Tensor:
        """The ranks; an asset that only some signals know stands in the middle of the others."""
        return filled(centred_ranks(inputs, self.config.signals))

    def fit(self, examples: Examples) -> Any:  # noqa: ANN401 - one of three of scikit-learn's
        """The expected rank of the return; ranks have no average to be learnt, so no intercept."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.linear_model import ElasticNetCV, RidgeCV

        y = examples.rank
        if self.config.weights == "boosting":
            # Few leaves of many examples: returns are mostly noise.
            model = HistGradientBoostingRegressor(
                max_iter=100,
                learning_rate=0.05,
                max_leaf_nodes=6,
                min_samples_leaf=max(20, len(y) // 50),
                early_stopping=False,
                random_state=examples.seed,
            )
            return model.fit(examples.x, y)
        folds = examples.folds(FOLDS)
        if self.config.weights == "ridge":
            return RidgeCV(PENALTIES, fit_intercept=False, cv=folds).fit(examples.x, y)
        model = ElasticNetCV(l1_ratio=(0.1, 0.5, 0.9), alphas=20, fit_intercept=False, cv=folds)
        return model.fit(examples.x, y)

    def predict(self, model: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ANN401
        """The expected rank, kept to where a rank can lie."""
        expected: NDArray[np.float64] = np.clip(model.predict(x), -0.5, 0.5)
        return expected

    def describe(self, model: Any) -> str:  # noqa: ANN401
        """The weight of each signal, where the model has one."""
        if self.config.weights == "boosting":
            return f"{model.n_iter_} trees"
        weights = zip(self.config.signals, model.coef_, strict=True)
        return ", ".join(f"{name} {weight:+.4f}" for name, weight in weights)


def _rank_correlation(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Spearman's correlation of each row over the assets known in both, `[T]`; NaN without any."""
    both = ~x.isnan() & ~y.isnan()
    a, b = (
        (features.rank(each, mask=both) - 0.5).nan_to_num(nan=0.0).masked_fill(~both, 0.0)
        for each in (x, y)
    )
    scale = (a.square().sum(dim=1) * b.square().sum(dim=1)).sqrt()
    return torch.where(scale > 0, (a * b).sum(dim=1) / scale, torch.nan)
