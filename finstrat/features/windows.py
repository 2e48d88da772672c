"""Trailing windows as tensors, and what each operation makes of one: the path for CUDA.

Every window is laid out and reduced by itself, in two passes where moments are central, so nothing
accumulates and nothing cancels. The compiled kernels do the same sums incrementally on the CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

WORKSPACE = 1 << 25
"""Elements of window that are laid out at once; columns are taken in groups that fit."""


def trailing(x: torch.Tensor, window: int) -> torch.Tensor:
    """The `window` rows ending at each row, `[T, M, window]`, NaN before the first."""
    if len(x) == 0:
        return x.new_empty((0, x.shape[1], window))
    before = x.new_full((window - 1, x.shape[1]), math.nan)
    return torch.cat([before, x]).unfold(0, window, 1)


def by_windows(
    columns: tuple[torch.Tensor, ...],
    reduction: Callable[..., torch.Tensor],
    *,
    window: int,
    out: torch.Tensor,
) -> None:
    """Fill `out [T, M]` with `reduction` of the trailing windows of each of `columns`.

    A column `[T, 1]` meets every one of the others.
    """
    rows, series = out.shape
    step = max(1, WORKSPACE // max(1, rows * window))
    for start in range(0, series, step):
        group = slice(start, start + step)
        parts = (x if x.shape[1] == 1 else x[:, group] for x in columns)
        out[:, group] = reduction(*(trailing(part, window) for part in parts))


def count(w: torch.Tensor) -> torch.Tensor:
    """Known values in each window, `[T, M]`."""
    return (~w.isnan()).sum(-1).to(w.dtype)


def total(w: torch.Tensor) -> torch.Tensor:
    """Σ over the known values."""
    return torch.where(w.isnan(), 0.0, w).sum(-1)


def mean(w: torch.Tensor) -> torch.Tensor:
    """The mean of the known values; NaN without any."""
    return total(w) / count(w)


def deviations(w: torch.Tensor) -> torch.Tensor:
    """Known values less their mean, exactly 0 in a constant window; 0 where unknown."""
    known = ~w.isnan()
    high = torch.where(known, w, -math.inf).amax(-1)
    constant = (high == torch.where(known, w, math.inf).amin(-1)) & high.isfinite()
    centre = torch.where(constant, high, mean(w))
    return torch.where(known, w - centre.unsqueeze(-1), 0.0)


def variance(w: torch.Tensor) -> torch.Tensor:
    """Σ(x − x̄)² / (n − 1)."""
    return deviations(w).square().sum(-1) / (count(w) - 1)


def std(w: torch.Tensor) -> torch.Tensor:
    """The square root of `variance`."""
    return variance(w).sqrt()


def zscore(w: torch.Tensor) -> torch.Tensor:
    """(x_t − x̄) / s; NaN where s = 0 or x_t is unknown."""
    s = std(w)
    return torch.where(s > 0, (w[..., -1] - mean(w)) / s, math.nan)


def skew(w: torch.Tensor) -> torch.Tensor:
    """The adjusted Fisher–Pearson coefficient; NaN where nothing varies."""
    d, n = deviations(w), count(w)
    m2, m3 = d.square().sum(-1), d.pow(3).sum(-1)
    value = n * (n - 1).sqrt() / (n - 2) * m3 / m2.pow(1.5)
    return torch.where(m2 > 0, value, math.nan)


def kurt(w: torch.Tensor) -> torch.Tensor:
    """The sample excess kurtosis; NaN where nothing varies."""
    d, n = deviations(w), count(w)
    m2, m4 = d.square().sum(-1), d.pow(4).sum(-1)
    value = n * (n + 1) * (n - 1) * m4 / m2.square() - 3 * (n - 1).square()
    return torch.where(m2 > 0, value / ((n - 2) * (n - 3)), math.nan)


def largest(w: torch.Tensor) -> torch.Tensor:
    """The greatest known value."""
    return torch.where(w.isnan(), -math.inf, w).amax(-1)


def smallest(w: torch.Tensor) -> torch.Tensor:
    """The least known value."""
    return -largest(-w)


def age_of_largest(w: torch.Tensor) -> torch.Tensor:
    """Sessions since the greatest known value, the latest of equal ones."""
    latest_first = w.flip(-1)
    is_largest = latest_first == largest(w).unsqueeze(-1)
    return is_largest.to(torch.uint8).argmax(-1).to(w.dtype)


def age_of_smallest(w: torch.Tensor) -> torch.Tensor:
    """Sessions since the least known value, the latest of equal ones."""
    return age_of_largest(-w)


def quantile(w: torch.Tensor, q: float) -> torch.Tensor:
    """The q-quantile of the known values, linear between order statistics; NaN without any."""
    ordered = w.sort(-1).values  # NaN last
    at = (count(w) - 1).clamp(min=0) * q
    below = at.floor().long()
    low = ordered.gather(-1, below.unsqueeze(-1)).squeeze(-1)
    high = ordered.gather(-1, at.ceil().long().unsqueeze(-1)).squeeze(-1)
    part = at - below
    # An interval between equal infinities has no inside: inf − inf would be unknown.
    return torch.where((part > 0) & (low != high), low + part * (high - low), low)


def rank(w: torch.Tensor) -> torch.Tensor:
    """(r − ½) / n of the newest value, ties averaged; NaN where it is unknown."""
    newest = w[..., -1:]
    r = (w < newest).sum(-1) + 0.5 * (w == newest).sum(-1).to(w.dtype)
    return torch.where(newest.squeeze(-1).isnan(), math.nan, r / count(w))


@dataclass(frozen=True)
class Pairs:
    """Two windows where both are known: deviations and their products, `[T, M]` each.

    Attributes:
        n: pairs.
        xx: Σ(x − x̄)².
        yy: Σ(y − ȳ)².
        xy: Σ(x − x̄)(y − ȳ).
        x: the newest x less its mean.
        y: the newest y less its mean.
    """

    n: torch.Tensor
    xx: torch.Tensor
    yy: torch.Tensor
    xy: torch.Tensor
    x: torch.Tensor
    y: torch.Tensor


def paired(x: torch.Tensor, y: torch.Tensor) -> Pairs:
    """The moments of the windows `x` and `y` over the sessions where both are known."""
    unknown = x.isnan() | y.isnan()
    x, y = torch.where(unknown, math.nan, x), torch.where(unknown, math.nan, y)
    dx, dy = deviations(x), deviations(y)
    known = torch.where(unknown[..., -1], math.nan, 1.0)
    return Pairs(
        n=count(x),
        xx=dx.square().sum(-1),
        yy=dy.square().sum(-1),
        xy=(dx * dy).sum(-1),
        x=dx[..., -1] * known,
        y=dy[..., -1] * known,
    )


def covariance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Σ(x − x̄)(y − ȳ) / (n − 1)."""
    p = paired(x, y)
    return p.xy / (p.n - 1)


def correlation(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Pearson's r; NaN where either is constant."""
    p = paired(x, y)
    r = (p.xy / p.xx.sqrt() / p.yy.sqrt()).clamp(-1.0, 1.0)
    return torch.where((p.xx > 0) & (p.yy > 0), r, math.nan)


def beta(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The slope of x on y; NaN where y is constant."""
    p = paired(x, y)
    return torch.where(p.yy > 0, p.xy / p.yy, math.nan)


def residual(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The newest x less its regression on y, intercept included; NaN where y is constant."""
    p = paired(x, y)
    return torch.where(p.yy > 0, p.x - p.xy / p.yy * p.y, math.nan)


def fit(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """R² of x on y; NaN where either is constant."""
    return correlation(x, y).square()


def at_least(value: torch.Tensor, n: torch.Tensor, least: int) -> torch.Tensor:
    """`value` where its window holds at least `least` known values, else NaN."""
    return torch.where(n >= least, value, math.nan)
