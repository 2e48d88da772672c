"""Threads that each compute on one core, side by side.

A small matrix product shared by several cores spends its time waiting; whole batches on a core each
don't, and a batch's numbers then can't depend on how many cores there are. It knows no model.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Job = TypeVar("Job")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
    """`work(job)` for each job, in their order, on as many cores as torch may use.

    Each call sees a torch of one thread. An error in one job is raised when its turn comes.
    """
    return _pool(torch.get_num_threads(), os.getpid()).map(work, jobs)


@cache
def _pool(count: int, process: int) -> ThreadPoolExecutor:
    # Keyed by process: a forked child has none of its parent's threads.
    del process
    pool = ThreadPoolExecutor(count, thread_name_prefix="finstrat-text")
    everyone = Barrier(count)

    def settle(_: int) -> None:
        torch.set_num_threads(1)  # of this thread, but for a part of it that is everybody's
        everyone.wait()

    list(pool.map(settle, range(count)))
    torch.set_num_threads(count)
    return pool
