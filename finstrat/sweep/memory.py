"""How much memory a sweep may take, takes, and would take: told before anything is computed.

Sizes are those of arrays; what a component takes for itself while it computes isn't known, and is
allowed for as a few arrays of prices.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from finstrat.errors import ConfigError

UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}

MOST_AT_ONCE = 128
"""Accounts kept together at most: what an interruption may cost, and enough to share everything."""

SCRATCH = 12
"""Arrays `[T, N]` that a signal, a strategy and an optimizer may need beside what is kept."""


def parse_bytes(text: str) -> int:
    """The number of bytes of a text like "4GB" or "500 MB".

    Raises:
        ConfigError: it is no such text.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]B)\s*", text.upper())
    if not found:
        raise ConfigError(f'--memory {text}: expected a size like "4GB" or "500MB"')
    return int(float(found[1]) * UNITS[found[2]])


def half_of_the_machine() -> int:
    """Half of the machine's memory, or 4 GB where it doesn't tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return int(4 * UNITS["GB"])


def peak() -> int:
    """The most memory this process has held so far, in bytes; 0 where it can't be told."""
    if sys.platform == "win32":
        return 0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def held() -> int:
    """The memory this process holds now, in bytes; where that can't be told, the most so far."""
    try:
        resident = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return peak()
    return int(resident) * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Room:
    """How the budget is spent, in bytes.

    Attributes:
        signals: for outputs of signals that others will need again.
        answers: for what optimizers have answered.
        together: accounts that can be kept at once.
    """

    signals: int
    answers: int
    together: int


def plan_memory(
    budget: int,
    *,
    configurations: int,
    sessions: int,
    evaluated: int,
    assets: int,
    accounts_each: int,
    used: int,
) -> Room:
    """How a sweep fits into `budget`.

    `sessions` are those loaded, `evaluated` those traded; `accounts_each` is 2 where a twin is kept
    beside each configuration. What is held anyway: `used`, every return for the judgement at the
    end, with its copies, and the correlations of all with all.

    Raises:
        ConfigError: not even one configuration fits; the message says how much would.
    """
    cell = 8
    account = evaluated * (2 * assets + 16) * cell
    judged = configurations * (evaluated * accounts_each * 4 + configurations * 3) * cell
    judged += 1_000 * evaluated * cell
    scratch = SCRATCH * sessions * assets * cell
    free = budget - used - judged - scratch
    one = accounts_each * account + 2 * sessions * assets * cell
    if free < one:
        needed = (budget - free + one) / UNITS["MB"]
        raise ConfigError(
            f"sweep: {configurations:,} configurations over {evaluated:,} sessions and {assets:,} "
            f"assets need at least {needed:,.0f} MB, --memory allows "
            f"{budget / UNITS['MB']:,.0f}; raise it or vary less"
        )
    kept = min(free // 4, 4 * UNITS["GB"])
    return Room(
        signals=int(kept),
        answers=int(kept),
        together=int(min(MOST_AT_ONCE, max(1, (free // 2) // (accounts_each * account)))),
    )
