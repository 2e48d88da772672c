"""The four hooks a plugin may implement. Everything else is said by a component's base class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    import typer

    from finstrat.components import Component
    from finstrat.store import RunInfo, RunResult

hookspec = pluggy.HookspecMarker("finstrat")


@hookspec
def finstrat_components() -> Iterable[type[Component]]:  # type: ignore[empty-body]
    """The component classes this plugin provides: sources, scorers, signals, strategies, …"""


@hookspec
def finstrat_commands(app: typer.Typer) -> None:
    """Add typer commands to `app`, the root of the command line."""


@hookspec
def finstrat_run_started(run: RunInfo) -> None:
    """A run is about to load its data."""


@hookspec
def finstrat_run_finished(run: RunInfo, outcome: RunResult | Exception) -> None:
    """A run has ended, with its result or with the exception that ended it."""
