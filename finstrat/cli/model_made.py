"""What a verb of `finstrat model` says of the model that it made: from what, how good, where."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import typer

from finstrat.cli.state import print_json, print_table, shown_path

_JUDGED = {"cross_validation": "cross-validation", "development": "", "evaluation": ""}
"""Where a card has figures; those of files are called by the file's name."""
_FIGURES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "ece": "calibration error",
    "rmse": "RMSE",
    "mae": "MAE",
    "spearman": "rank correlation",
}


def print_made(card: dict[str, Any], out: Path, *, data: list[Path], as_json: bool) -> None:
    """The card as JSON; or its figures with their texts, what was stored, and the next command.

    `data` is what the model learnt from: of a directory with a test part, that comes next.
    """
    if as_json:
        print_json(card)
        return
    judged = {name: each for name, each in _judged(card) if each["n"]}
    columns = [key for key in _FIGURES if any(key in each for each in judged.values())]
    rows = [
        (name, f"{each['n']:,}", *(_number(each.get(key)) for key in columns))
        for name, each in judged.items()
    ]
    unlabelled = card.get("training", {}).get("unlabelled", 0)
    told = f"{card['method']}, learnt from {card['texts'] - unlabelled:,} texts"
    if unlabelled:
        told += f"; {unlabelled:,} more without a label"
    if rows:
        print_table(["judged on", "texts", *(_FIGURES[key] for key in columns)], rows, title=told)
    else:
        typer.echo(f"{told}; judged on none")
    files = [*card["files"], "card.json"]
    cutoff = card["training_cutoff"] or "unknown"
    typer.echo(f"{shown_path(out)}: {', '.join(files)}; training cutoff {cutoff}")
    typer.echo(f"next: {_next(out, data)}")


def _judged(card: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each set of figures with its name."""
    found = []
    for key, name in _JUDGED.items():
        told = card.get(key, {})
        if "n" in told:
            found.append((name, told))
        else:
            found += [(f"{name}: {each}" if name else each, told[each]) for each in told]
    return found


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _next(out: Path, data: list[Path]) -> str:
    made = shlex.quote(shown_path(out))
    test = data[0] / "test.parquet"
    if test.is_file():
        return f"finstrat model evaluate {made} {shlex.quote(shown_path(test))}"
    return f"finstrat model card {made}"
