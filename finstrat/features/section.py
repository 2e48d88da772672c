"""Comparing assets with one another, session by session.

Only assets with a known value and, where given, inside `mask` (bool, `[T, N]`) take part; all
others come out NaN. `groups` are int64 codes `[N]` or `[T, N]`, −1 for none; then assets are
compared with their own group. Row t uses row t only. A market-level series `[T]` is refused: it has
nothing to be compared with.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from finstrat.errors import DataError
from finstrat.features import compiled, shape
from finstrat.features.kernels import section as kernels
from finstrat.features.tensors import empty, matrix, whole, within

ROWS_AT_ONCE = 64
"""Sessions sorted together: enough to be worth a call, few enough for the order to stay cached."""


def section(x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """`x` as `[T, N]` or `[T, K, N]`, float64, NaN outside `mask`: assets come last."""
    if x.dim() == 1:
        raise DataError("x: expected [time, asset], got a market-level series [time]")
    values = matrix(x).view(x.shape) if mask is None else shape.mask(x, mask)
    return values if x.dim() == 2 else values.movedim(1, 2).contiguous()


def back(values: torch.Tensor) -> torch.Tensor:
    """The inverse of `section`."""
    return values if values.dim() == 2 else values.movedim(2, 1).contiguous()


def rank(x: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
    """`(r − ½) / n` in (0, 1): r the rank among the session's n known values, ties averaged.

    The mean of a row is exactly ½, whatever n; a single value gets ½. Infinities rank as the
    largest or smallest.
    """
    values = section(x, mask)
    if compiled.serves(values):
        ranked = empty(tuple(values.shape), values.device)
        source, to = (v.view(-1, v.shape[-1]).numpy() for v in (values, ranked))

        def rows(start: int, stop: int) -> None:
            for first in range(start, stop, ROWS_AT_ONCE):
                last = min(stop, first + ROWS_AT_ONCE)
                order = np.argsort(source[first:last], axis=1)
                kernels.average_ranks(source, order, to, first, last)

        compiled.over_groups(rows, len(source), size=source.size)
        return back(ranked)
    known = ~values.isnan()
    count = known.sum(-1, keepdim=True)
    ordered = torch.where(known, values, math.inf).sort(-1).values
    below = torch.searchsorted(ordered, values, right=False)
    through = torch.searchsorted(ordered, values, right=True).minimum(count)
    ranked = (below + through).to(values.dtype) / (2 * count)
    return back(torch.where(known, ranked, math.nan))


def demean(x: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
    """`x` less the session's mean."""
    values = section(x, mask)
    return back(values - values.nanmean(-1, keepdim=True))


def zscore(x: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
    """`(x − mean) / s` over the session's known values, s with n − 1; NaN where s is 0 or n < 2."""
    values = section(x, mask)
    centred = values - values.nanmean(-1, keepdim=True)
    count = (~values.isnan()).sum(-1, keepdim=True).to(values.dtype)
    s = (centred.square().nansum(-1, keepdim=True) / (count - 1)).sqrt()
    high = torch.where(values.isnan(), -math.inf, values).amax(-1, keepdim=True)
    low = torch.where(values.isnan(), math.inf, values).amin(-1, keepdim=True)
    return back(torch.where(high > low, centred / s, math.nan))


def robust_zscore(x: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
    """`(x − median) / (1.4826 · MAD)` over the session's known values; NaN where the MAD is 0.

    MAD is the median absolute deviation from the median; the factor makes it the standard
    deviation of a normal law.
    """
    values = section(x, mask)
    centred = values - _quantile(values, 0.5)
    scale = 1.4826022185056018 * _quantile(centred.abs(), 0.5)
    return back(torch.where(scale > 0, centred / scale, math.nan))


def _quantile(values: torch.Tensor, q: float) -> torch.Tensor:
    """The q-quantile of the known values of each row, linear between order statistics."""
    if compiled.serves(values):
        # NumPy's sort of float64 uses vector registers, and puts NaN last as torch does.
        ordered = torch.from_numpy(np.sort(values.numpy(), axis=-1))
    else:
        ordered = values.sort(-1).values
    count = (~values.isnan()).sum(-1, keepdim=True).to(values.dtype)
    at = (count - 1).clamp(min=0) * q
    below = at.floor().long()
    low, high = ordered.gather(-1, below), ordered.gather(-1, at.ceil().long())
    part = at - below
    return torch.where((part > 0) & (low != high), low + part * (high - low), low)


def winsorize(
    x: torch.Tensor, limit: float = 0.01, *, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """`x` held between the session's quantiles `limit` and `1 − limit` (linear interpolation)."""
    within(limit, "limit", low=0.0, high=0.5)
    values = section(x, mask)
    if not compiled.serves(values):
        return back(values.clamp(_quantile(values, limit), _quantile(values, 1.0 - limit)))
    held = empty(tuple(values.shape), values.device)
    source, to = (v.view(-1, v.shape[-1]).numpy() for v in (values, held))

    def rows(start: int, stop: int) -> None:
        for first in range(start, stop, ROWS_AT_ONCE):
            last = min(stop, first + ROWS_AT_ONCE)
            kernels.held(source, np.sort(source[first:last], axis=1), to, limit, first, last)

    compiled.over_groups(rows, len(source), size=source.size)
    return back(held)


def clip(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """`x` held between `low` and `high`; NaN stays."""
    if not low <= high:
        raise DataError(f"clip: expected low <= high, got {low!r} and {high!r}")
    return matrix(x).view(x.shape).clamp(low, high)


def quantile_buckets(
    x: torch.Tensor, buckets: int, *, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """The bucket 0 … buckets − 1 that each asset's rank falls into, equal shares; ties together."""
    whole(buckets, "buckets", least=2)
    ranked = rank(x, mask=mask)
    return (ranked * buckets).floor_().clamp_(max=buckets - 1)


def codes(x: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """`groups` as int64 `[T, N]` for `x [T, N]`, with −1 where `x` is unknown.

    Raises:
        DataError: as `check_codes`.
    """
    check_codes(x, groups)
    return torch.where(x.isnan(), -1, groups)


def check_codes(x: torch.Tensor, groups: torch.Tensor) -> None:
    """Nothing, for `groups` that are int64 `[N]` or `[T, N]`, at least −1, and `x [T, N]`.

    Raises:
        DataError: for others.
    """
    if x.dim() != 2:
        raise DataError(f"x: expected [time, asset], got {tuple(x.shape)}")
    if groups.dtype != torch.int64 or tuple(groups.shape) not in {tuple(x.shape), (x.shape[1],)}:
        raise DataError(
            f"groups: expected int64 {(x.shape[1],)} or {tuple(x.shape)},"
            f" got {groups.dtype} {tuple(groups.shape)}"
        )
    if groups.numel() and int(groups.min()) < -1:
        raise DataError(f"groups: expected codes of at least -1, got {int(groups.min())}")


def _group_total(values: torch.Tensor, group: torch.Tensor) -> torch.Tensor:
    """Σ of `values` over each asset's group, `[T, N]`; `group` is without −1."""
    kinds = int(group.max()) + 1 if group.numel() else 1
    # One comparison a group: a sum in fixed order, which scatter_add_ isn't on CUDA.
    totals = torch.zeros_like(values)
    for kind in range(kinds):
        inside = group == kind
        total = torch.where(inside, values, 0.0).sum(-1, keepdim=True)
        totals = torch.where(inside, total, totals)
    return totals


def group_mean(
    x: torch.Tensor, groups: torch.Tensor, *, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """The mean of each asset's group; NaN where the asset's own value or group is unknown."""
    values = section(x, mask)
    group = codes(values, groups)
    known = group >= 0
    ones = known.to(values.dtype)
    total = _group_total(torch.where(known, values, 0.0), group.clamp(min=0))
    mean = total / _group_total(ones, group.clamp(min=0))
    return torch.where(known, mean, math.nan)


def group_zscore(
    x: torch.Tensor, groups: torch.Tensor, *, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """`(x − mean) / s` within each asset's group, s with n − 1; NaN where s is 0 or n < 2."""
    values = section(x, mask)
    group = codes(values, groups)
    known = group >= 0
    own = group.clamp(min=0)
    count = _group_total(known.to(values.dtype), own)
    mean = _group_total(torch.where(known, values, 0.0), own) / count
    centred = torch.where(known, values - mean, 0.0)
    squares = _group_total(centred.square(), own)
    noise = (4.5e-16 * mean * count).square()  # what rounding the mean leaves of equal values
    s = (squares / (count - 1)).sqrt()
    return torch.where(known & (squares > noise), centred / s, math.nan)


def group_rank(
    x: torch.Tensor, groups: torch.Tensor, *, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """`(r − ½) / n` within each asset's group, ties averaged."""
    values = section(x, mask)
    group = codes(values, groups)
    ranked = torch.full_like(values, math.nan)
    for kind in range(int(group.max()) + 1 if group.numel() else 0):
        inside = group == kind
        ranked = torch.where(inside, rank(values, mask=inside), ranked)
    return ranked
