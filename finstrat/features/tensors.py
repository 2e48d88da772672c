"""The tensors that operations take and give: checks, layout, and memory that is used again.

Everything is float64 and seen as a matrix `[T, M]`, one column a series, while it is computed. This
module knows no operation.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import torch

from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

POOLED_FROM = 1 << 20
"""Results of at least this many bytes are pooled: below it, page faults cost next to nothing."""
POOL_LIMIT = 1 << 29
"""Bytes that the pool may keep while nobody uses them."""

_pool: list[NDArray[np.float64]] = []
_pool_lock = threading.Lock()


def whole(value: int, name: str, *, least: int = 1) -> int:
    """`value`, once it is known to be a whole number of at least `least`."""
    if type(value) is not int or value < least:
        raise DataError(f"{name}: expected a whole number >= {least}, got {value!r}")
    return value


def within(value: float, name: str, *, low: float, high: float) -> float:
    """`value`, once it is known to lie in the open interval `(low, high)`."""
    if not low < value < high:
        raise DataError(f"{name}: expected a number between {low:g} and {high:g}, got {value!r}")
    return float(value)


def matrix(x: torch.Tensor, name: str = "x") -> torch.Tensor:
    """`x` as contiguous float64 `[T, M]`, sharing its memory where it already is that.

    Raises:
        DataError: for anything but a tensor of one to three dimensions, or a complex one.
    """
    if not isinstance(x, torch.Tensor):
        raise DataError(f"{name}: expected a torch tensor, got {type(x).__name__}")
    if x.dim() not in (1, 2, 3) or x.is_complex():
        raise DataError(
            f"{name}: expected real [time], [time, asset] or [time, asset, feature],"
            f" got {x.dtype} {tuple(x.shape)}"
        )
    flat = x.detach().to(torch.float64).contiguous()
    return flat.view(x.shape[0], math.prod(x.shape[1:]))


def same_shape(x: torch.Tensor, **others: torch.Tensor) -> None:
    """Nothing, or a `DataError` naming the one whose shape or device isn't that of `x`."""
    for name, other in others.items():
        if other.shape != x.shape or other.device != x.device:
            raise DataError(
                f"{name}: expected {tuple(x.shape)} on {x.device},"
                f" got {tuple(other.shape)} on {other.device}"
            )


def empty(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Uninitialised float64 memory; on the CPU out of a pool, where a former result is unused.

    Fresh pages cost more than the arithmetic that fills them. A buffer is used again once no
    tensor, view or array refers to it any more.
    """
    size = math.prod(shape)
    if device.type != "cpu" or size * 8 < POOLED_FROM:
        return torch.empty(shape, dtype=torch.float64, device=device)
    with _pool_lock:
        idle = [i for i in range(len(_pool)) if _unused(i)]
        chosen = next((i for i in idle if _pool[i].size == size), None)
        if chosen is not None:
            memory = _pool.pop(chosen)
        else:
            while idle and sum(_pool[i].nbytes for i in idle) + size * 8 > POOL_LIMIT:
                del _pool[idle[0]]
                idle = [i - 1 for i in idle[1:]]
            memory = np.empty(size)
        if size * 8 <= POOL_LIMIT:
            _pool.append(memory)
        return torch.from_numpy(memory.reshape(shape))


def _unused(index: int) -> bool:
    # Two references: the pool's own and getrefcount's argument. Every view made of the array,
    # by NumPy or by torch, holds a further one.
    return sys.getrefcount(_pool[index]) == 2


def result(like: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
    """Where a result of the shape of `like` goes: `out` once checked, or pooled memory.

    Raises:
        DataError: if `out` isn't contiguous float64 of that shape and device, or overlaps `like`.
    """
    if out is None:
        return empty(tuple(like.shape), like.device)
    same_shape(like, out=out)
    if out.dtype != torch.float64 or not out.is_contiguous():
        raise DataError(
            f"out: expected contiguous float64, got {out.dtype}, strides {out.stride()}"
        )
    apart(like, out)
    return out


def apart(x: torch.Tensor, out: torch.Tensor) -> None:
    """Nothing, or a `DataError` if the memory of `out` overlaps that of the input `x`."""
    first, second = x.data_ptr(), out.data_ptr()
    if first < second + out.numel() * 8 and second < first + x.numel() * x.element_size():
        raise DataError("out: overlaps the input; a window still needs the rows it would overwrite")
