"""finstrat: backtest signals read from text, and say honestly how likely the result is luck.

Everything here is loaded on first use, so that `import finstrat` and `finstrat --help` stay quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from finstrat.job import run
    from finstrat.store import RunResult

__version__ = "0.1.0"

hookimpl = pluggy.HookimplMarker("finstrat")
"""Marks a function as an implementation of one of the hooks in `finstrat.hookspecs`."""

__all__ = ["RunResult", "__version__", "hookimpl", "run"]

_LAZY = {"run": "finstrat.job", "RunResult": "finstrat.store"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol's own signature
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'finstrat' has no attribute {name!r}")
