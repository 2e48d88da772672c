"""`finstrat init`: a new project that runs as it is."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from finstrat.cli.state import shown_path


def init(
    directory: Annotated[Path, typer.Argument(help="Where; made if it isn't there.")] = Path(),
) -> None:
    """Make a project: finstrat.toml, a signal of your own, a backtest with it, and its test.

    Nothing that is already there is overwritten.
    """
    from finstrat.errors import ConfigError
    from finstrat.store import write_atomically

    template = resources.files("finstrat") / "templates" / "project"
    directory = directory.resolve()
    name = re.sub(r"[^\w .-]", "-", directory.name) or "project"
    with resources.as_file(template) as root:
        files = {
            path.relative_to(root).with_name(path.name.removesuffix(".txt")): path
            for path in sorted(root.rglob("*.txt"))
        }
        taken = [str(target) for target in files if (directory / target).exists()]
        if taken:
            raise ConfigError(f"{directory}: {', '.join(taken)} already there; nothing was written")
        for target, path in files.items():
            text = path.read_text(encoding="utf-8").replace("{{ name }}", name)
            (directory / target).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(directory / target, text.encode())
            typer.echo(f"wrote {shown_path(directory / target)}")
    into = "" if directory == Path.cwd() else f"cd {shown_path(directory)} && "
    typer.echo(f"next: {into}finstrat run reversal")
