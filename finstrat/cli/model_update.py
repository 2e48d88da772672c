"""`finstrat model update`: a finished model learns from newer texts; what it forgets is shown."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finstrat.cli.model_inputs import (
    CardAsJson,
    EncoderUnder,
    LabelColumn,
    LabelMeanings,
    TextColumn,
    pairs,
)
from finstrat.cli.state import print_json, print_table, shown_path

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def update(
    model: Annotated[Path, typer.Argument(help="Directory of the model; it is left as it is.")],
    data: Annotated[list[Path], typer.Argument(help="Files of newer texts, with labels.")],
    out: Annotated[Path, typer.Option(help="Directory for the updated model.")],
    *,
    replay: Annotated[
        list[Path] | None, typer.Option(help="Files of older texts, to be read again.")
    ] = None,
    share: Annotated[
        float, typer.Option(help="Share of old texts among those of each epoch, with --replay.")
    ] = 0.5,
    ewc: Annotated[
        float,
        typer.Option(help="How strongly weights that mattered for old texts are held."),
    ] = 0.0,
    judge: Annotated[
        list[Path] | None, typer.Option(help="Texts of old and new periods that nobody learns.")
    ] = None,
    every: Annotated[
        Literal["year", "quarter", "month", "file"],
        typer.Option(help="The periods into which the texts of --judge are divided."),
    ] = "year",
    encoder: EncoderUnder = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the new texts.")] = 2,
    batch: Annotated[int, typer.Option(min=1, help="Texts a step.")] = 32,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Peak rate of the encoder  [default: 3e-5; 3e-4 for LoRA]", show_default=False
        ),
    ] = None,
    text: TextColumn = "text",
    label_column: LabelColumn = "label",
    label: LabelMeanings = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the result  [default: the model's]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    as_json: CardAsJson = False,
) -> None:
    """Update a model on a newer period, and say what it gained there and forgot elsewhere.

    With --judge the model before, the update and naive fine-tuning, on the new texts alone, are
    compared on texts that none of them learnt. Intervals are of 95 %, over texts.
    """
    from rich.console import Console
    from rich.progress import Progress

    from finstrat.errors import DataError
    from finstrat.models.cutoff import CARD
    from finstrat.models.heads import load_head
    from finstrat.models.labelled import Columns
    from finstrat.models.seen import save_seen
    from finstrat.models.trained import file_hashes, load_trained
    from finstrat.models.update import Lesson, Settings
    from finstrat.models.update import update as updated
    from finstrat.models.updated import changes, read_period, require_unseen, updated_card
    from finstrat.store import directory_written_whole, require_replaceable

    settings = Settings(
        replay=share if replay else 0.0,
        ewc=ewc,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
    )
    require_replaceable(out, mark=CARD, made_of=model)
    before = load_trained(model, encoder=encoder)
    if before.task == "regression":
        raise DataError(
            f"{model}: a model of numbers can't be updated; train it anew on old and new texts by "
            "`finstrat model head --task regression`, or `tune`"
        )
    columns = Columns(text, label_column, pairs(label or [], "--label"))
    new = read_period(data, columns=columns, model=before)
    old = read_period(replay, columns=columns, model=before) if replay else None
    unseen = read_period(judge, columns=columns, model=before) if judge else None
    if unseen is not None:
        learnt_here = (each for each in (new, old) if each is not None)
        require_unseen(unseen, *learnt_here, before=model)
    plans = {"updated": settings}
    if unseen is not None and (settings.replay or settings.ewc):
        plans["naive"] = replace(settings, replay=0.0, ewc=0.0)
    work = out.with_name(f".{out.name}.training")
    said = {} if unseen is None else {"before": before.probabilities(unseen.lesson.texts)}
    with Progress(console=Console(stderr=True), transient=True) as shown:
        for name, plan in plans.items():
            bar = shown.add_task(name)
            learner = updated(
                before,
                new.lesson,
                old.lesson if old is not None else Lesson.of_nothing(),
                plan,
                work=work / name,
                progress=partial(_advance, shown, bar),
            )
            # Judged as it will be served, from its files.
            learner.save(work / f"{name}-model", card={})
            if unseen is not None:
                stored = load_trained(work / f"{name}-model", encoder=encoder)
                said[name] = stored.probabilities(unseen.lesson.texts)
    found = [] if unseen is None else changes(said, unseen, new, every=every, seed=seed)
    card = updated_card(before, new, old, settings, found=found, licence=licence)
    with directory_written_whole(out, mark=CARD) as directory:
        shutil.copytree(work / "updated-model", directory, dirs_exist_ok=True)
        learnt = [*new.lesson.texts, *(old.lesson.texts if old is not None else [])]
        save_seen(directory, learnt, before=model)
        card["files"] = file_hashes(directory)
        replace(load_head(directory), card=card).save(directory)
    shutil.rmtree(work)
    if as_json:
        print_json(card)
        return
    _show(found)
    typer.echo(f"{shown_path(out)}: updated; cutoff {card['training_cutoff'] or 'unknown'}")


def _advance(shown: Progress, bar: TaskID, done: int, steps: int) -> None:
    shown.update(bar, completed=done, total=steps)


def _show(found: list[dict[str, Any]]) -> None:
    if not found:
        return
    later = list(found[0]["accuracy_change"])
    for figure, title in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
        rows = [
            (
                each["period"],
                f"{each['n']:,}",
                f"{each[figure]['before']['value']:.1%}",
                *(_change(each[f"{figure}_change"][name]) for name in later),
            )
            for each in found
        ]
        print_table(["period", "texts", f"{title} before", *later], rows)


def _change(each: dict[str, float]) -> str:
    """In points of a hundredth, with the interval."""
    points = [100 * each[name] for name in ("value", "low", "high")]
    return "{:+.1f} ({:+.1f} to {:+.1f})".format(*points)
