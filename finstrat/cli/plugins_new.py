"""`finstrat plugins new`: a signal that works, with its test and a backtest."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finstrat.cli.state import State
from finstrat.cli.template import template, write_template

if TYPE_CHECKING:
    from finstrat.project import Project


def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the signal, in kebab-case, like price-gap.")],
    *,
    package: Annotated[
        bool, typer.Option("--package", help="Make a package of its own that others can install.")
    ] = False,
) -> None:
    """Write a working signal, its test, and a backtest with it.

    In a project they go where its plugins, tests and backtests lie; with --package into a new
    directory NAME. Nothing that is already there is overwritten.
    """
    from finstrat.components import Signal
    from finstrat.errors import ConfigError

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigError(
            f'plugins new: "{name}" is no name in kebab-case: small letters and digits, joined by '
            "single hyphens, like price-gap"
        )
    state = ctx.ensure_object(State)
    for each in state.host().all(Signal):
        if each.component.name == name:
            raise ConfigError(f'plugins new: a signal "{name}" is there already: {each.provider}')
    words = {
        "name": name,
        "module": name.replace("-", "_"),
        "class": "".join(part.capitalize() for part in name.split("-")),
    }
    if package:
        _package(words)
    else:
        _in_project(state.project(), words)


def _in_project(project: Project, words: dict[str, str]) -> None:
    """The signal's files, in the project's own directories."""
    from finstrat.errors import ConfigError

    if not project.plugins or not project.backtests:
        raise ConfigError(
            f"plugins new: no project with a directory for plugins and one for backtests at "
            f"{project.root}; run `finstrat init` first, or use --package"
        )
    directories = {"plugins": project.plugins[0], "backtests": project.backtests[0]}
    files = {
        directories.get(path.parts[0], project.root / path.parts[0]) / path.name: text
        for path, text in template("signal").items()
    }
    relative = {
        path.relative_to(project.root) if path.is_relative_to(project.root) else path: text
        for path, text in files.items()
    }
    write_template(relative, project.root, words=words)
    name, module = words["name"], words["module"]
    typer.echo(f"next: finstrat plugins check {name} && finstrat run {module}")


def _package(words: dict[str, str]) -> None:
    """The signal's files and what makes them a package, in a directory of its own."""
    from finstrat.errors import ConfigError

    name, module = words["name"], words["module"]
    if importlib.util.find_spec(module) is not None:
        raise ConfigError(f'plugins new: a Python module "{module}" is installed already')
    moved = {"plugins": Path("src") / "__module__" / "__init__.py"}
    files = {moved.get(path.parts[0], path): text for path, text in template("signal").items()}
    write_template({**template("package"), **files}, Path.cwd() / name, words=words)
    typer.echo(f"next: cd {name} && pip install -e '.[test]' && finstrat plugins check {name}")
