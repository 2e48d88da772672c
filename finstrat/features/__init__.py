"""Operations on `[time, asset]` tensors that signals are made of: each public name is one of them.

Float64 in and out, NaN means unknown, the device is that of the tensors. Nothing here knows dates,
documents or configuration.
"""

from finstrat.features.decay import decayed_mean, decayed_sum, ewma
from finstrat.features.rolling import (
    realized_volatility,
    rolling_mean,
    rolling_std,
    rolling_sum,
    rolling_var,
    rolling_zscore,
)
from finstrat.features.section import clip, demean, rank, winsorize, zscore
from finstrat.features.shape import diff, lag, log_returns, returns

__all__ = [
    "clip",
    "decayed_mean",
    "decayed_sum",
    "demean",
    "diff",
    "ewma",
    "lag",
    "log_returns",
    "rank",
    "realized_volatility",
    "returns",
    "rolling_mean",
    "rolling_std",
    "rolling_sum",
    "rolling_var",
    "rolling_zscore",
    "winsorize",
    "zscore",
]
