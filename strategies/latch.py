"""A state that stays on from one event until another, for thresholds with a gap between them."""

from __future__ import annotations

import torch


def latched(on: torch.Tensor, off: torch.Tensor) -> torch.Tensor:
    """Whether `on` `[T, …]` has been true since `off` last was; off wins where both are true.

    It starts off. Row t depends on rows up to t only.
    """
    shape = (-1, *([1] * (on.ndim - 1)))
    row = torch.arange(1, len(on) + 1, device=on.device).reshape(shape)
    since_on, since_off = (torch.where(each, row, 0).cummax(dim=0).values for each in (on, off))
    return since_on > since_off


def changed(state: torch.Tensor, *, first: int) -> torch.Tensor:
    """Sessions `[T]` whose row of `state` `[T, …]` differs from the row before, and `first`."""
    result = torch.zeros(len(state), dtype=torch.bool, device=state.device)
    # Said in full, as -1 can't be worked out where there is no second row.
    result[1:] = (state[1:] != state[:-1]).reshape(len(state) - 1, state[0].numel()).any(dim=1)
    result[first] = True
    return result
