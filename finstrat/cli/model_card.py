"""`finstrat model card`: what is known of a model, and until when it had read the world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finstrat.cli.model_inputs import CardAsJson
from finstrat.cli.models_named import card_file, named_scorer
from finstrat.cli.state import State, print_json, print_table


def card(
    ctx: typer.Context,
    model: Annotated[
        str, typer.Argument(help="Directory of a trained model, or the name of a scorer.")
    ],
    *,
    as_json: CardAsJson = False,
) -> None:
    """Show the card of a model: data, licence, cutoff, figures, limits, hashes."""
    told = card_file(Path(model))
    if told is None:
        scorer = named_scorer(ctx.ensure_object(State), model)
        told = {**scorer.card.model_dump(mode="json"), "fingerprint": scorer.fingerprint}
    if as_json:
        print_json(told)
        return
    print_table(["", model], [(key, value) for key, value in _lines(told)])


def _lines(told: dict[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Every entry on a line of its own, nested ones by their path."""
    lines: list[tuple[str, str]] = []
    for key, value in told.items():
        name = f"{before}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            lines += _lines(value, f"{name}: ")
        elif isinstance(value, list):
            lines.append((name, "; ".join(map(str, value)) or "none"))
        else:
            lines.append((name, "unknown" if value is None else str(value)))
    return lines
