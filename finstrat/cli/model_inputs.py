"""What the verbs of `finstrat model` are given: the options that many have, and labelled texts."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from finstrat.errors import DataError
    from finstrat.models.labelled import Columns, Task

About = Annotated[
    Path,
    typer.Option(
        help="TOML: summary, training_data, licence; training_cutoff, cutoff_reason, limits."
    ),
]
LabelKind = Annotated[
    Literal["classification", "regression"], typer.Option(help="What labels are.")
]
TextColumn = Annotated[str, typer.Option(help="The column of the text.")]
LabelColumn = Annotated[str, typer.Option(help="The column of the label.")]
LabelMeanings = Annotated[
    list[str] | None,
    typer.Option(metavar="given=CLASS", help="What a label means, like 0=negative."),
]
OtherEncoder = Annotated[
    Path | None, typer.Option(help="Directory of another encoder than MiniLM.")
]
EncoderUnder = Annotated[
    Path | None, typer.Option(help="Directory of the encoder under a head, if not MiniLM.")
]
CardAsJson = Annotated[bool, typer.Option("--json", help="Print the card as JSON.")]


def pairs(assignments: list[str], option: str) -> dict[str, str]:
    """`a=b` as a mapping.

    Raises:
        ConfigError: an entry without a sign of equality, or one key twice.
    """
    from finstrat.errors import ConfigError

    found: dict[str, str] = {}
    for each in assignments:
        key, sign, value = each.partition("=")
        if not sign or not key.strip() or not value.strip() or key.strip() in found:
            raise ConfigError(f"{option} {each}: expected GIVEN=MEANING, each GIVEN once")
        found[key.strip()] = value.strip()
    return found


def require_no_file(out: Path | None) -> None:
    """See that pages can be written into `out` before they are made.

    Raises:
        DataError: it is a file.
    """
    from finstrat.errors import DataError

    if out is not None and out.exists() and not out.is_dir():
        raise DataError(f"--out {out}: is a file; expected a directory")


def work_directory(out: Path, plan: dict[str, Any]) -> Path:
    """Where checkpoints lie: beside the model, under a name that only this training has."""
    import hashlib

    from finstrat.store import canonical_json

    name = hashlib.sha256(canonical_json(plan)).hexdigest()[:12]
    return out.with_name(f".{out.name}.{name}.training")


@contextmanager
def checkpoints(work: Path) -> Iterator[None]:
    """Have `work` for a training of one's own, and say on stderr if it was broken off before.

    Whatever breaks it off now, `work` stays if a checkpoint lies there.

    Raises:
        DataError: another process is working there.
    """
    from rich.console import Console

    from finstrat.models.steps import last_checkpoint
    from finstrat.store import sole_user

    work.mkdir(parents=True, exist_ok=True)
    with sole_user(work):
        start = last_checkpoint(work)
        if start is not None:
            Console(stderr=True).print(
                f"going on from step {start.step}, where this training was broken off"
            )
        try:
            yield
        finally:
            if last_checkpoint(work) is None:
                shutil.rmtree(work)


@dataclass(frozen=True)
class TrainingFiles:
    """The files to learn from, and those, by name, that a model is only measured on."""

    learnt: tuple[Path, ...]
    judged: dict[str, Path]

    @classmethod
    def of(cls, data: list[Path], evaluate: list[Path]) -> TrainingFiles:
        """Files as they are given, or the parts in a directory that `model prepare` wrote."""
        from finstrat.errors import DataError

        judged: dict[str, Path] = {}
        for file in evaluate:
            if judged.setdefault(file.stem, file) != file:
                raise _same_name(file.stem, judged[file.stem], file)
        if len(data) != 1 or not data[0].is_dir():
            return cls(tuple(data), judged)
        parts = {name: data[0] / f"{name}.parquet" for name in ("train", "validation", "test")}
        if not parts["train"].is_file():
            raise DataError(
                f"{data[0]}: expected the train.parquet of `finstrat model prepare`; make it, or "
                "name files"
            )
        found = {name: file for name, file in parts.items() if file.is_file()}
        train = found.pop("train")
        for name in judged.keys() & found:
            raise _same_name(name, found[name], judged[name])
        return cls((train,), {**found, **judged})

    def training(self, columns: Columns, task: Task = "classification") -> pd.DataFrame:
        """The labelled texts to learn from.

        Raises:
            DataError: there is none.
        """
        return _with_labels(list(self.learnt), columns, task)

    def judging(
        self, columns: Columns, classes: tuple[str, ...], task: Task = "classification"
    ) -> dict[str, pd.DataFrame]:
        """The labelled texts of each file to measure on; of a regression, `classes` say nothing.

        Raises:
            DataError: a file has none, or a label that isn't among `classes`.
        """
        from finstrat.errors import DataError, did_you_mean

        found = {}
        for name, file in self.judged.items():
            frame = _with_labels([file], columns, task)
            strange = frame[~frame["label"].isin(classes)]
            if task == "classification" and len(strange):
                at = strange.iloc[0]
                raise DataError(
                    f"{file}: row {at['row']}: label {at['label']!r}; expected one of: "
                    f"{', '.join(classes)}{did_you_mean(str(at['label']), classes)}"
                )
            found[name] = frame
        return found


def _same_name(name: str, first: Path, second: Path) -> DataError:
    from finstrat.errors import DataError

    return DataError(
        f"{second}: figures are called by the file's name, and {first} is {name} too; rename one"
    )


def _with_labels(files: list[Path], columns: Columns, task: Task) -> pd.DataFrame:
    from finstrat.errors import DataError
    from finstrat.models.labelled import read_texts

    frame, _ = read_texts(files, task=task, columns=columns)
    frame = frame[frame["label"].notna()].reset_index(drop=True)
    if frame.empty:
        raise DataError(f"{files[0]}: no text has a label (column {columns.label})")
    return frame
