"""How kernels are compiled, where their machine code is kept, and how they share the cores.

A kernel is a sequential, compiled function over a group of columns that holds no lock; groups run
in threads. That keeps numba's own threading layers, which abort or hang when threads or forks meet
them, out of the process. This module knows no operation.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numba
import platformdirs
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Kernel = TypeVar("Kernel", bound=Callable[..., object])

L2_ELEMENTS = 1 << 16
"""Elements that a group of columns may keep in flight: 512 KiB, inside most current L2 caches."""
WIDEST = 1024
NARROWEST = 64
"""Columns in a group: wide enough to fill vector registers and cache lines."""
LANE = WIDEST + 8
"""From one quantity to the next in a kernel's scratch: the extra cache line keeps all those of one
column out of one and the same set of the first-level cache."""
WORTH_THREADS = 1 << 15
"""Elements below which handing work to threads costs more than it saves."""


def serves(x: torch.Tensor) -> bool:
    """Whether compiled kernels work on `x`: on the CPU they do, elsewhere torch itself does."""
    return x.device.type == "cpu"


@cache
def cache_directory() -> Path:
    """Where machine code is kept, made writable: a new directory whenever a kernel's code changes.

    `NUMBA_CACHE_DIR` if set, else the user's cache directory, else (a read-only home) one in the
    temporary directory. Numba itself notices a changed file by its time and size, and not at all
    when the change is in a function or constant of another file; the digest of all of them in the
    path notices both.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    here = Path(__file__)
    for file in [here, *sorted((here.parent / "kernels").glob("*.py"))]:
        digest.update(file.read_bytes())
    given = os.environ.get("NUMBA_CACHE_DIR")
    base = Path(given) if given else Path(platformdirs.user_cache_dir("finstrat")) / "kernels"
    directory = base / f"finstrat-{digest.hexdigest()[:16]}"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError:
        return _temporary(digest.hexdigest()[:16])


def _temporary(digest: str) -> Path:
    # Machine code is loaded from here: never from a directory that somebody else could have made.
    user = os.getuid() if hasattr(os, "getuid") else "user"
    directory = Path(tempfile.gettempdir()) / f"finstrat-{user}-{digest}"
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    private = not status.st_mode & 0o022 and not directory.is_symlink()
    if hasattr(os, "getuid") and (status.st_uid != user or not private):
        return Path(tempfile.mkdtemp(prefix="finstrat-"))
    return directory


def compiled(function: Kernel) -> Kernel:
    """`function` compiled at its first call, cached in `cache_directory()`, in strict IEEE 754.

    Without fast-math and fused multiply-adds a number doesn't depend on which path or vector lane
    computed it, so the past is the same to the last bit whatever comes later.
    """
    former: str = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(cache_directory())  # type: ignore[attr-defined]
    try:
        return cast("Kernel", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    finally:
        numba.config.CACHE_DIR = former  # type: ignore[attr-defined]


@cache
def _threads(count: int, process: int) -> ThreadPoolExecutor:
    # Keyed by process: a forked child has none of its parent's threads.
    del process
    return ThreadPoolExecutor(count, thread_name_prefix="finstrat-features")


def over_groups(
    work: Callable[[int, int], None], count: int, *, size: int, in_flight: int = 1
) -> None:
    """Call `work(start, stop)` for groups of `count` columns (or rows), on torch's thread count.

    Args:
        work: fills its part of a result; releases the interpreter's lock.
        count: columns to share out.
        size: elements altogether.
        in_flight: elements a single column keeps in use while it is worked on.
    """
    if size == 0:
        return
    threads = torch.get_num_threads() if size >= WORTH_THREADS else 1
    width = min(WIDEST, max(NARROWEST, L2_ELEMENTS // in_flight))
    groups = -(-count // width)
    if threads > 1:
        groups = min(max(1, count // 8), threads * -(-groups // threads))
    # Whole cache lines: multiples of eight float64.
    width = max(8, -(-count // max(1, groups * 8)) * 8)
    starts = range(0, count, width)
    if threads == 1 or len(starts) == 1:
        for start in starts:
            work(start, min(start + width, count))
        return
    pool = _threads(threads, os.getpid())
    jobs = [pool.submit(work, start, min(start + width, count)) for start in starts]
    for job in jobs:
        job.result()
