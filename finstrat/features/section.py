"""Comparing assets with one another, session by session.

Only assets with a known value and, where given, inside `mask` (bool `[T, N]`) take part; all others
come out NaN. Row t uses row t only. A market-level series `[T]` is refused: it has nothing to be
compared with.
"""

from __future__ import annotations

import math

import torch

from finstrat.errors import DataError
from finstrat.features import shape
from finstrat.features.tensors import matrix, within


def _section(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """`x` as `[T, N]` or `[T, K, N]`, float64, NaN outside `mask`: assets come last."""
    if x.dim() == 1:
        raise DataError("x: expected [time, asset], got a market-level series [time]")
    values = matrix(x).view(x.shape) if mask is None else shape.mask(x, mask)
    return values if x.dim() == 2 else values.movedim(1, 2).contiguous()


def _back(values: torch.Tensor) -> torch.Tensor:
    return values if values.dim() == 2 else values.movedim(2, 1).contiguous()


def rank(x: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
    """`(r − ½) / n` in (0, 1): r the rank among the session's n known values, ties averaged.

    The mean of a row is exactly ½, whatever n; a single value gets ½. Infinities rank as the
    largest or smallest.
    """
    values = _section(x, mask)
    known = ~values.isnan()
    count = known.sum(-1, keepdim=True)
    ordered = torch.where(known, values, math.inf).sort(-1).values
    below = torch.searchsorted(ordered, values, right=False)
    through = torch.searchsorted(ordered, values, right=True).minimum(known.sum(-1, keepdim=True))
    ranked = (below + through).to(values.dtype) / (2 * count)
    return _back(torch.where(known, ranked, math.nan))


def demean(x: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
    """`x` less the session's mean."""
    values = _section(x, mask)
    return _back(values - values.nanmean(-1, keepdim=True))


def zscore(x: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
    """`(x − mean) / s` over the session's known values, s with n − 1; NaN where s is 0 or n < 2."""
    values = _section(x, mask)
    centred = values - values.nanmean(-1, keepdim=True)
    count = (~values.isnan()).sum(-1, keepdim=True).to(values.dtype)
    s = (centred.square().nansum(-1, keepdim=True) / (count - 1)).sqrt()
    known = torch.where(values.isnan(), -math.inf, values).amax(-1, keepdim=True)
    least = torch.where(values.isnan(), math.inf, values).amin(-1, keepdim=True)
    return _back(torch.where((count > 1) & (known > least), centred / s, math.nan))


def _quantile(values: torch.Tensor, q: float) -> torch.Tensor:
    """The q-quantile of the known values of each row, linear between order statistics."""
    count = (~values.isnan()).sum(-1, keepdim=True).to(values.dtype)
    ordered = values.sort(-1).values  # NaN last
    at = (count - 1).clamp(min=0) * q
    below = at.floor().long()
    low, high = ordered.gather(-1, below), ordered.gather(-1, at.ceil().long())
    part = at - below
    return torch.where(part > 0, low + part * (high - low), low)


def winsorize(
    x: torch.Tensor, limit: float = 0.01, *, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """`x` held between the session's quantiles `limit` and `1 − limit` (linear interpolation)."""
    within(limit, "limit", low=0.0, high=0.5)
    values = _section(x, mask)
    return _back(values.clamp(_quantile(values, limit), _quantile(values, 1.0 - limit)))


def clip(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """`x` held between `low` and `high`; NaN stays."""
    if not low <= high:
        raise DataError(f"clip: expected low <= high, got {low!r} and {high!r}")
    return matrix(x).view(x.shape).clamp(low, high)
