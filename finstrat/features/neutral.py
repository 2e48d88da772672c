"""What is left of a feature, or of returns, once groups, styles or common factors are taken out.

Cross-sectional but for `pca_residual`, which looks at a trailing window. An asset with anything
unknown takes no part and comes out NaN. Row t uses rows up to t only.
"""

from __future__ import annotations

import math

import torch

from finstrat.errors import DataError
from finstrat.features import compiled
from finstrat.features.kernels import section as kernels
from finstrat.features.section import check_codes, codes, section
from finstrat.features.tensors import empty, matrix, whole

WORKSPACE = 1 << 24
"""Elements of window that `pca_residual` lays out at once."""


def neutralize(
    x: torch.Tensor,
    *,
    groups: torch.Tensor | None = None,
    styles: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """The residual of each session's regression of `x` on group dummies and styles, `[T, N]`.

    Args:
        x: `[T, N]`.
        groups: int64 codes `[N]` or `[T, N]` (sectors, say), −1 for none; default: one group, so
            that the session's mean is taken out.
        styles: `[T, N]` or `[T, N, K]` (size, beta).
        weights: of the regression, `[T, N]`, positive; default: equal.
        mask: bool `[T, N]`, who takes part.

    Weighted least squares by Frisch and Waugh (1933) and Lovell (1963): all is demeaned within
    groups, then styles are taken out one after the other; a style that groups and former styles
    already explain is left out, which leaves the residual of the pseudo-inverse. An asset without
    value, group, style or positive weight comes out NaN.
    """
    values = section(x, mask)
    group = groups
    if group is None:
        group = torch.zeros(x.shape[1:], dtype=torch.int64, device=x.device)
    check_codes(values, group)
    factors = values.new_empty((*values.shape, 0))
    if styles is not None:
        factors = matrix(styles, "styles").view(styles.shape)
        factors = factors if styles.dim() == 3 else factors.unsqueeze(-1)
    if factors.shape[:2] != values.shape:
        raise DataError(f"styles: expected {tuple(x.shape)} or more, got {tuple(factors.shape)}")
    weight = values.new_ones((1, values.shape[1]))
    if weights is not None:
        weight = matrix(weights, "weights")
    if weights is not None and weight.shape != values.shape:
        raise DataError(f"weights: expected {tuple(x.shape)}, got {tuple(weight.shape)}")
    if not compiled.serves(values):
        return _residuals(values, codes(values, group), factors, weight.expand_as(values))
    left = empty(tuple(values.shape), values.device)
    group = group.view(-1, values.shape[1])
    y, g, z, w, to = (v.contiguous().numpy() for v in (values, group, factors, weight, left))
    compiled.over_groups(
        lambda start, stop: kernels.residuals(y, g, z, w, to, start, stop),
        len(values),
        size=values.numel(),
    )
    return left


def _residuals(
    values: torch.Tensor, group: torch.Tensor, factors: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """The same as the kernel, a session a row of batched operations."""
    usable = (group >= 0) & ~factors.isnan().any(-1) & (weight > 0)
    w = torch.where(usable, weight, 0.0)
    kinds = int(group.max()) + 1 if group.numel() else 0

    def demeaned(v: torch.Tensor) -> torch.Tensor:
        v = torch.where(usable, v, 0.0)
        for kind in range(kinds):
            inside = torch.where(group == kind, w, 0.0)
            mean = (inside * v).sum(-1, keepdim=True) / inside.sum(-1, keepdim=True)
            v = torch.where((inside > 0), v - mean, v)
        return v

    basis: list[torch.Tensor] = []
    scales: list[torch.Tensor] = []

    def projected(v: torch.Tensor) -> torch.Tensor:
        for b, scale in zip(basis, scales, strict=True):
            product = (w * v * b).sum(-1, keepdim=True)
            v = v - torch.where(scale > 0, product / scale, 0.0) * b
        return v

    for k in range(factors.shape[2]):
        style = torch.where(usable, factors[..., k], 0.0)
        size = (w * style.square()).sum(-1, keepdim=True)
        left = projected(demeaned(style))
        scale = (w * left.square()).sum(-1, keepdim=True)
        basis.append(left)
        scales.append(torch.where(scale > 1e-20 * size, scale, 0.0))
    return torch.where(usable, projected(demeaned(values)), math.nan)


def orthogonalize(features: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
    """K features `[T, N, K]`, each less its regression on a constant and those before it.

    Their order matters: the first is only demeaned.
    """
    if features.dim() != 3:
        raise DataError(f"features: expected [time, asset, feature], got {tuple(features.shape)}")
    values = matrix(features).view(features.shape)
    unknown = values.isnan().any(-1)
    taking_part = ~unknown if mask is None else mask & ~unknown
    return torch.stack(
        [
            neutralize(values[..., k], styles=values[..., :k], mask=taking_part)
            for k in range(values.shape[2])
        ],
        dim=2,
    )


def pca_residual(x: torch.Tensor, window: int, components: int) -> torch.Tensor:
    """What the window's first principal components leave of x_t, `[T, N]`, in the units of x.

    The `components` directions are those of the covariance of the window that ends at t, over the
    assets known in all of it; the others come out NaN, as do the first window − 1 rows. The mean
    over the window is taken out as well. (Avellaneda and Lee 2010, on returns.)
    """
    whole(window, "window", least=2)
    whole(components, "components")
    if components >= window:
        raise DataError(f"components: expected fewer than the window's {window}, got {components}")
    values = section(x)
    if values.dim() != 2:
        raise DataError(f"x: expected [time, asset], got {tuple(x.shape)}")
    rows, assets = values.shape
    left = torch.full_like(values, math.nan)
    step = max(1, WORKSPACE // max(1, window * assets))
    for first in range(window - 1, rows, step):
        last = min(rows, first + step)
        panes = values[first - window + 1 : last].unfold(0, window, 1)  # [t, N, window]
        known = panes.isfinite().all(-1)
        panes = torch.where(known.unsqueeze(-1), panes, 0.0)
        centred = panes - panes.mean(-1, keepdim=True)
        # In units of its largest value no square overflows, and directions stay what they are.
        unit = centred.abs().amax((1, 2), keepdim=True)
        scaled = torch.where(unit > 0, centred / unit, 0.0)
        # window × window instead of N × N: the same components, through time's side.
        through_time = torch.linalg.eigh(scaled.transpose(1, 2) @ scaled).eigenvectors
        leading = through_time[..., -components:]  # [t, window, components]
        common = (centred @ leading) @ leading[:, -1, :].unsqueeze(-1)
        newest = centred[..., -1] - common.squeeze(-1)
        left[first:last] = torch.where(known, newest, math.nan)
    return left
