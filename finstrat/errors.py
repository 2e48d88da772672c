"""The one family of errors that finstrat raises on purpose.

Each class fixes the exit code that the command line returns for it. A message says what was
expected, what arrived, where, and the likely fix; it never needs a traceback to be understood.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class FinstratError(Exception):
    """Something failed in a way that finstrat can explain (exit code 1).

    `component` is the key of the component at fault, where the message already names it.
    """

    exit_code: ClassVar[int] = 1
    component: str | None = None


class ConfigError(FinstratError):
    """A command line or file asks for something that isn't there (exit code 2)."""

    exit_code = 2


class DataError(FinstratError):
    """Data was refused: absent, malformed, or of a kind a run can't honestly use (exit code 3)."""

    exit_code = 3


class PluginError(FinstratError):
    """A plugin failed to load, or a component broke its contract (exit code 1)."""


class UnsolvedError(PluginError):
    """No weights keep the limits, or no solver found them; a run then falls back (exit code 1)."""


class SimulationError(FinstratError):
    """Target weights or prices that no real account could trade (exit code 1)."""


class CheckFailedError(FinstratError):
    """A check ran and failed (exit code 4)."""

    exit_code = 4


class InconclusiveError(FinstratError):
    """A check ran and could not decide (exit code 5)."""

    exit_code = 5


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The ending of an error about an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known: {', '.join(names)}" if names else "; none is known"
