"""Moving rows about and comparing them: lags, differences, returns, filling, aligning, masking.

One pass of torch's own operations each, on any device. Row t uses rows up to t only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from finstrat.errors import DataError
from finstrat.features.tensors import empty, matrix, result, same_shape, whole

if TYPE_CHECKING:
    from collections.abc import Sequence


def lag(x: torch.Tensor, periods: int = 1, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """`x[t − periods]`, float64 of the shape of `x`; NaN in the first `periods` rows."""
    periods = whole(periods, "periods", least=0)
    values = matrix(x).view(x.shape)
    moved = result(values, out)
    moved[:periods] = math.nan
    moved[periods:] = values[: max(0, len(values) - periods)]
    return moved


def diff(x: torch.Tensor, periods: int = 1, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """`x[t] − x[t − periods]`; NaN where either is unknown, and in the first `periods` rows."""
    periods = whole(periods, "periods")
    values = matrix(x).view(x.shape)
    change = result(values, out)
    change[:periods] = math.nan
    if len(values) > periods:
        torch.sub(values[periods:], values[:-periods], out=change[periods:])
    return change


def returns(x: torch.Tensor, periods: int = 1, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """`x[t] / x[t − periods] − 1`, a fraction; NaN where either is unknown or the base is ≤ 0.

    Computed as the difference over the base, which loses no digits of a small return.
    """
    change = diff(x, periods, out=out)
    base = matrix(x).view(x.shape)[: max(0, len(x) - periods)]
    change[periods:].div_(base).masked_fill_(base <= 0, math.nan)
    return change


def log_returns(
    x: torch.Tensor, periods: int = 1, *, out: torch.Tensor | None = None
) -> torch.Tensor:
    """`ln(x[t] / x[t − periods])`; NaN where either is unknown or either price is ≤ 0."""
    change = returns(x, periods, out=out)
    change.masked_fill_(change <= -1, math.nan)
    return change.log1p_()


def forward_fill(x: torch.Tensor, limit: int | None = None) -> torch.Tensor:
    """The latest known value at each row, no older than `limit` sessions; NaN before the first."""
    values = matrix(x)
    rows = torch.arange(len(values), device=x.device).unsqueeze(1)
    latest = torch.where(values.isnan(), -1, rows).cummax(0).values if len(values) else rows
    filled = values.gather(0, latest.clamp(min=0)) if len(values) else values
    unknown = latest < 0
    if limit is not None:
        unknown |= rows - latest > whole(limit, "limit")
    return filled.masked_fill(unknown, math.nan).view(x.shape)


def align(
    x: torch.Tensor,
    *,
    rows: torch.Tensor | None = None,
    columns: torch.Tensor | None = None,
) -> torch.Tensor:
    """`x` with row s taken from `rows[s]` and column n from `columns[n]`; −1 gives NaN.

    Positions are int64. Which row a session may use is decided where time is joined, in
    `finstrat.data.align`; this only moves values.
    """
    values = matrix(x).view(x.shape)
    for axis, (name, positions) in enumerate({"rows": rows, "columns": columns}.items()):
        if positions is None:
            continue
        if positions.dtype != torch.int64 or positions.dim() != 1:
            raise DataError(f"{name}: expected int64 positions [n], got {positions.dtype}")
        if (
            len(positions)
            and not -1 <= int(positions.min()) <= int(positions.max()) < x.shape[axis]
        ):
            raise DataError(f"{name}: expected positions from -1 to {x.shape[axis] - 1}")
        absent = positions < 0
        values = values.index_select(axis, positions.clamp(min=0))
        values = values.index_fill(axis, absent.nonzero().squeeze(1), math.nan)
    return values


def stack(features: Sequence[torch.Tensor]) -> torch.Tensor:
    """K features of one shape `[T, N]` (or `[T]`) as `[T, N, K]` (or `[T, K]`)."""
    if not features:
        raise DataError("features: expected at least one tensor, got none")
    first = matrix(features[0]).view(features[0].shape)
    stacked = empty((*first.shape, len(features)), first.device)
    for k, feature in enumerate(features):
        same_shape(first, feature=feature)
        stacked[..., k] = feature
    return stacked


def mask(x: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """`x` where `members` (bool, the shape of `x` or its first dimensions) holds, else NaN."""
    if members.dtype != torch.bool or members.shape != x.shape[: members.dim()]:
        raise DataError(
            f"members: expected bool {tuple(x.shape)}, got {members.dtype} {tuple(members.shape)}"
        )
    inside = members.view(*members.shape, *[1] * (x.dim() - members.dim()))
    return torch.where(inside, matrix(x).view(x.shape), math.nan)
