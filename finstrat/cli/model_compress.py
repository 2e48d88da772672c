"""`finstrat model compress`: a model in fewer bytes or layers, measured before and after."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finstrat.cli.model_inputs import (
    EncoderUnder,
    LabelColumn,
    LabelMeanings,
    TextColumn,
    TrainingFiles,
    pairs,
)
from finstrat.cli.run import progress_bars
from finstrat.cli.state import print_json, print_table, shown_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from finstrat.models.corpus import Corpus
    from finstrat.models.labelled import Columns
    from finstrat.models.trained import Trained

MEASURES = ("cross_validation", "development", "evaluation", "files", "compression")


def compress(
    model: Annotated[Path, typer.Argument(help="Directory of a trained model.")],
    *,
    method: Annotated[
        Literal["int8", "prune", "heads", "distil"],
        typer.Option(
            help="Round weights, leave the smallest or whole attention heads out, teach a student."
        ),
    ],
    data: Annotated[list[Path], typer.Option(help="Labelled texts to be measured on.")],
    out: Annotated[Path, typer.Option(help="Directory for the smaller model.")],
    texts: Annotated[
        list[Path] | None,
        typer.Option(help="Texts to learn from, with or without labels: prune, heads, distil."),
    ] = None,
    encoder: EncoderUnder = None,
    share: Annotated[float, typer.Option(help="Of weights or heads that is left out.")] = 0.5,
    layers: Annotated[int, typer.Option(help="Layers of the student.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over --texts.")] = 3,
    text: TextColumn = "text",
    label_column: LabelColumn = "label",
    label: LabelMeanings = None,
    seed: Annotated[int, typer.Option(help="Of the order of texts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a model smaller, and say what that did to size, speed and answers on this machine.

    The result is a model like any other: the scorer encoder-head and every verb read it. A training
    that was broken off goes on from its last checkpoint when the same command is given again.
    """
    from finstrat.cli.model_inputs import checkpoints, work_directory
    from finstrat.models.compared import comparison, measured
    from finstrat.models.compress import Settings, require_compressible, save_head
    from finstrat.models.compress import compress as made_smaller
    from finstrat.models.corpus import read_corpus
    from finstrat.models.cutoff import CARD
    from finstrat.models.labelled import Columns, require_apart
    from finstrat.models.trained import file_hashes, load_trained
    from finstrat.store import directory_written_whole, require_replaceable

    require_replaceable(out, mark=CARD, made_of=model)
    settings = Settings(method=method, share=share, layers=layers, epochs=epochs, seed=seed)
    columns = Columns(text, label_column, pairs(label or [], "--label"))
    given = load_trained(model, encoder=encoder)
    require_compressible(given)
    lines, truth = judging_texts(given, data, columns)
    read = read_corpus(texts, text=text, share=0.05, seed=seed) if texts else None
    learnt = [*read.texts, *read.held_out] if read else []
    require_apart(learnt, lines, where=str(data[0]))
    before = measured(given, lines, truth)
    work = work_directory(out, settings.plan(given, learnt))
    with directory_written_whole(out, mark=CARD) as directory:
        with checkpoints(work), progress_bars() as progress:
            made_smaller(given, settings, directory, work=work, texts=learnt, progress=progress)
        card = _inherited(given, read)
        save_head(given, card, directory)
        _seen(model, directory, learnt)
        after = measured(load_trained(directory), lines, truth)
        told = {"settings": asdict(settings), **comparison(before, after)}
        figures = {
            "compression": {"of": given.fingerprint, **told},
            "files": file_hashes(directory),
        }
        save_head(given, {**card, **figures}, directory)
    shutil.rmtree(work, ignore_errors=True)
    if as_json:
        print_json(told)
        return
    print_comparison(told, title=method)
    typer.echo(f"{shown_path(out)}: a model, for every verb and the scorer encoder-head")


def judging_texts(
    model: Trained, data: list[Path], columns: Columns
) -> tuple[list[str], NDArray[np.int64]]:
    """The texts of `data` and the codes of their classes; none that the model was trained on.

    Raises:
        DataError: a file has no label, a strange one, or a text that the model has learnt.
    """
    import numpy as np

    from finstrat.models.seen import require_unseen

    files = TrainingFiles((), {str(each): each for each in data})
    frames = files.judging(columns, model.classes).values()
    lines = [str(each) for frame in frames for each in frame["text"]]
    codes = [model.classes.index(str(each)) for frame in frames for each in frame["label"]]
    require_unseen(model.directory, lines)
    return lines, np.array(codes, dtype=np.int64)


def _seen(model: Path, out: Path, texts: list[str]) -> None:
    """What the model and now its copy were trained on, beside the copy."""
    from finstrat.models.seen import SEEN, save_seen

    known = model / SEEN
    if texts or known.is_file():
        save_seen(out, texts)
    if known.is_file():
        lines = {*known.read_text(encoding="ascii").split(), *(out / SEEN).read_text().split()}
        (out / SEEN).write_text("\n".join([*sorted(lines), ""]), encoding="ascii")


def _inherited(model: Trained, read: Corpus | None) -> dict[str, Any]:
    """The card of the smaller model: the model's own, the cutoff the latest of all it has read.

    Measures of the model itself aren't measures of the smaller one and are left out.
    """
    from finstrat.models.cutoff import Cutoff, latest

    told = {key: value for key, value in model.head.card.items() if key not in MEASURES}
    card = model.card(name=model.directory.name, version="1")
    cutoff = Cutoff(card.training_cutoff, card.cutoff_reason)
    if read is not None:
        reason = "the last date of the texts that it imitated the model on"
        unknown = f"{read.undated} of the texts that it imitated the model on have no date"
        cutoff = latest([cutoff, Cutoff(read.last, reason if read.last else unknown)])
    date = cutoff.date.isoformat() if cutoff.date else None
    return {**told, "training_cutoff": date, "cutoff_reason": cutoff.reason}


def print_comparison(told: dict[str, Any], *, title: str) -> None:
    """Size, speed and answers before and after."""
    before, after = told["before"], told["after"]
    rows = [
        ("weights on disk, MB", *(f"{each['bytes'] / 1e6:.1f}" for each in (before, after))),
        (
            "texts a second of processor time",
            *(f"{each['texts_per_cpu_second']:,.0f}" for each in (before, after)),
        ),
        ("accuracy", *(f"{each['accuracy']:.4f}" for each in (before, after))),
        ("macro-F1", *(f"{each['macro_f1']:.4f}" for each in (before, after))),
    ]
    print_table(["on this machine", "before", "after"], rows, title=title)
    typer.echo(
        f"{told['answers_changed']:,} of {after['n']:,} answers changed; no probability moved by "
        f"more than {told['largest_difference']:.4f}"
    )
