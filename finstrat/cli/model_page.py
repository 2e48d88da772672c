"""How `finstrat model evaluate` and `explain` end: files of what was found, and what is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from finstrat.cli.state import print_json, shown_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from finstrat.report.document import Document


def hand_over(
    told: dict[str, Any],
    document_of: Callable[[dict[str, Any]], Document],
    *,
    name: str,
    out: Path | None,
    as_json: bool,
    show: Callable[[dict[str, Any]], None],
) -> None:
    """Write `told` as NAME.json and NAME.html into `out`; print it as JSON, or as `show` does."""
    if out is not None:
        from finstrat.report.document import page
        from finstrat.store import canonical_json, write_atomically

        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / f"{name}.json", canonical_json(told))
        write_atomically(out / f"{name}.html", page(document_of(told)).encode())
    if as_json:
        print_json(told)
        return
    show(told)
    if out is not None:
        typer.echo(f"page: {shown_path((out / f'{name}.html').resolve())}")
