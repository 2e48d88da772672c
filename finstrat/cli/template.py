"""Files that a verb writes, out of the templates that come with finstrat."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from finstrat.cli.state import shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping


def template(name: str) -> dict[Path, str]:
    """The files of a template, by relative path, as they stand there."""
    with resources.as_file(resources.files("finstrat") / "templates" / name) as root:
        return {
            path.relative_to(root).with_name(path.name.removesuffix(".txt")): path.read_text(
                encoding="utf-8"
            )
            for path in sorted(root.rglob("*.txt"))
        }


def write_template(
    files: Mapping[Path, str], directory: Path, *, words: Mapping[str, str]
) -> list[Path]:
    """Write `files` under `directory`, `{{ word }}` and, in paths, `__word__` replaced.

    Raises:
        ConfigError: one of them is there already; then nothing is written.
    """
    from finstrat.errors import ConfigError
    from finstrat.store import write_atomically

    filled = {}
    for path, text in files.items():
        shown = str(path)
        for word, value in words.items():
            shown = shown.replace(f"__{word}__", value)
            text = text.replace(f"{{{{ {word} }}}}", value)  # noqa: PLW2901 - filled in step by step
        filled[directory / shown] = text
    taken = [str(path.relative_to(directory)) for path in filled if path.exists()]
    if taken:
        raise ConfigError(f"{directory}: {', '.join(taken)} already there; nothing was written")
    for path, text in filled.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
        typer.echo(f"wrote {shown_path(path)}")
    return list(filled)
