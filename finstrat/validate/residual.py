"""What a signal says that past returns had not said already.

Texts about a stock that has just risen are cheerful, so a text signal may be momentum or reversal
in disguise. Row t uses rows up to t only.
"""

from __future__ import annotations

import torch

from finstrat import features

HORIZONS = (1, 5, 21)
"""Sessions over which past returns are measured."""

FEWEST = 60
"""Sessions before an expanding regression is worth its four coefficients."""


def beyond_past_returns(values: torch.Tensor, close: torch.Tensor) -> torch.Tensor:
    """The part of `values` that past 1-, 5- and 21-session returns don't explain.

    Args:
        values: a signal's output, `[T, N]` of assets or `[T]` of the market.
        close: adjusted closes, `[T, N]`.

    Across assets: the residual of each session's regression on the assets' own past returns. For a
    market's output: the residual of a regression on the past returns of the equal-weighted market,
    fitted on all sessions so far, plus the mean so far, so that its level stays; unknown before
    `FEWEST` sessions are. An unknown value, or one without all three returns, comes out NaN.
    """
    if values.dim() == 2:
        styles = torch.stack([features.returns(close, h) for h in HORIZONS], dim=2)
        return features.neutralize(values, styles=styles)
    daily = features.returns(close, 1).nanmean(dim=1).nan_to_num(nan=0.0)
    level = (1.0 + daily).cumprod(dim=0).unsqueeze(1)
    past = torch.cat([features.returns(level, h) for h in HORIZONS], dim=1)
    rows = torch.cat([torch.ones_like(past[:, :1]), past], dim=1)
    known = ~(rows.isnan().any(dim=1) | values.isnan())
    rows = torch.where(known[:, None], rows, 0.0)
    target = torch.where(known, values, 0.0)
    gram = (rows[:, :, None] * rows[:, None, :]).cumsum(dim=0)
    moment = (rows * target[:, None]).cumsum(dim=0)
    count = known.cumsum(dim=0)
    enough = known & (count >= FEWEST)
    coefficients = torch.linalg.lstsq(
        gram[enough], moment[enough].unsqueeze(2), driver="gelsd"
    ).solution.squeeze(2)
    mean = target.cumsum(dim=0)[enough] / count[enough]
    result = torch.full_like(values, torch.nan)
    result[enough] = target[enough] - (rows[enough] * coefficients).sum(dim=1) + mean
    return result
