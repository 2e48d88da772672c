"""`finstrat init`: a new project that runs as it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from finstrat.cli.state import shown_path
from finstrat.cli.template import template, write_template


def init(
    directory: Annotated[Path, typer.Argument(help="Where; made if it isn't there.")] = Path(),
) -> None:
    """Make a project: finstrat.toml, a signal of your own, a backtest with it, and its test.

    Nothing that is already there is overwritten.
    """
    directory = directory.resolve()
    name = re.sub(r"[^\w .-]", "-", directory.name) or "project"
    write_template(template("project"), directory, words={"name": name})
    into = "" if directory == Path.cwd() else f"cd {shown_path(directory)} && "
    typer.echo(f"next: {into}finstrat run reversal")
