"""What the verbs share: the project, the host, and how to print."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from finstrat.host import Host
    from finstrat.project import Project


@dataclass(frozen=True, eq=False)
class State:
    """The options that stand before the verb."""

    blocked: tuple[str, ...] = ()
    plugins_dirs: tuple[Path, ...] = ()

    @cache  # noqa: B019 - one State a command
    def project(self) -> Project:
        """The project around the current directory."""
        from finstrat.project import Project

        return Project.find()

    @cache  # noqa: B019 - one State a command
    def host(self) -> Host:
        """The host, with the project's plugins and those of --plugins-dir."""
        from finstrat.host import Host

        project = self.project()
        directories = [*project.plugins, *(path.resolve() for path in self.plugins_dirs)]
        return Host.load(directories, blocked=self.blocked, root=project.root)


def print_json(data: Any) -> None:  # noqa: ANN401 - any JSON value
    """`data` as JSON on standard output."""
    typer.echo(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False))


def usage_line(scorer: str, usage: Mapping[str, float]) -> str:
    """What scoring took, on one line: "llm: answered 20, failed 0, …, cost 0.0042"."""
    told = [
        f"{key.replace('_', ' ')} {value if isinstance(value, int) else round(value, 6):,}"
        for key, value in usage.items()
    ]
    return f"{scorer}: {', '.join(told)}"


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None
) -> None:
    """A table on standard output; plain where that is no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # A pipe has no width of its own; cutting cells there would lose data.
    Console(width=None if terminal else 200, highlight=False).print(table)


def shown_path(path: Path) -> str:
    """`path` as seen from here, where it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
