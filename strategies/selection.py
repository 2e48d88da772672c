"""Which assets a signal ranks highest, and which lowest, with ties broken by asset id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence


def best(
    signal: torch.Tensor, known: torch.Tensor, *, k: int, assets: Sequence[str]
) -> torch.Tensor:
    """The k highest of each row of `signal` `[T, N]` among `known`, as a mask; ties by asset id.

    Fewer than k where fewer are known.
    """
    by_id = torch.tensor(sorted(range(len(assets)), key=lambda i: assets[i]))
    values = torch.where(known, signal, -torch.inf)[:, by_id]
    # A stable sort of columns in id order lets the smaller id win a tie.
    order = torch.sort(values, dim=1, descending=True, stable=True).indices[:, :k]
    chosen = torch.zeros_like(known).scatter_(1, by_id[order], value=True)
    return chosen & known


def tells_nothing(signal: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Rows `[T]` in which all the known values are the same: no asset is told from another."""
    highest = torch.where(known, signal, -torch.inf).amax(dim=1)
    lowest = torch.where(known, signal, torch.inf).amin(dim=1)
    return highest <= lowest


def opposed(
    signal: torch.Tensor,
    known: torch.Tensor,
    *,
    fraction: float,
    min_names: int,
    assets: Sequence[str],
) -> torch.Tensor:
    """Equal weights in the top `fraction` of each row, equal and negative ones in the bottom.

    `[T, N]`, Σ|w| = 1; all 0 where the signal tells no asset from another, or knows fewer than
    `min_names` of them.
    """
    count = known.sum(dim=1)
    weights = torch.zeros(signal.shape, dtype=torch.float64, device=signal.device)
    sides = (count * fraction).floor().clamp(min=1).to(torch.int64)
    for k in sorted(set(sides.tolist())):
        rows = sides == k
        top = best(signal[rows], known[rows], k=k, assets=assets)
        bottom = best(-signal[rows], known[rows], k=k, assets=assets)
        weights[rows] = (top.double() - bottom.double()) * (0.5 / k)
    weights[tells_nothing(signal, known) | (count < min_names)] = 0.0
    return weights
