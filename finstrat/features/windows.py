"""Trailing windows as tensors, and what each operation makes of one: the path for CUDA.

Every window is laid out and reduced by itself, in two passes where moments are central, so nothing
accumulates and nothing cancels. The compiled kernels do the same sums incrementally on the CPU.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

WORKSPACE = 1 << 26
"""Elements of window that are laid out at once; columns are taken in groups that fit."""


def trailing(x: torch.Tensor, window: int) -> torch.Tensor:
    """The `window` rows ending at each row, `[T, M, window]`, NaN before the first."""
    before = x.new_full((window - 1, x.shape[1]), math.nan)
    return torch.cat([before, x]).unfold(0, window, 1)


def by_windows(
    columns: tuple[torch.Tensor, ...],
    reduction: Callable[..., torch.Tensor],
    *,
    window: int,
    out: torch.Tensor,
) -> None:
    """Fill `out [T, M]` with `reduction` of the trailing windows of each of `columns`."""
    rows, series = out.shape
    step = max(1, WORKSPACE // max(1, rows * window))
    for start in range(0, series, step):
        group = slice(start, start + step)
        out[:, group] = reduction(*(trailing(x[:, group], window) for x in columns))


def count(w: torch.Tensor) -> torch.Tensor:
    """Known values in each window, `[T, M]`."""
    return (~w.isnan()).sum(-1).to(w.dtype)


def total(w: torch.Tensor) -> torch.Tensor:
    """Σ over the known values."""
    return w.nan_to_num(nan=0.0, posinf=math.inf, neginf=-math.inf).sum(-1)


def mean(w: torch.Tensor) -> torch.Tensor:
    """The mean of the known values; NaN without any."""
    return total(w) / count(w)


def deviations(w: torch.Tensor) -> torch.Tensor:
    """Known values less their mean; 0 where unknown."""
    known = ~w.isnan()
    # A constant window has exactly no deviation, whatever its mean was rounded to.
    constant = torch.where(known, w, -math.inf).amax(-1) == torch.where(known, w, math.inf).amin(-1)
    centred = torch.where(known, w - mean(w).unsqueeze(-1), 0.0)
    return torch.where(constant.unsqueeze(-1) & w.isfinite(), 0.0, centred)


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


def at_least(value: torch.Tensor, n: torch.Tensor, least: int) -> torch.Tensor:
    """`value` where its window holds at least `least` known values, else NaN."""
    return torch.where(n >= least, value, math.nan)
