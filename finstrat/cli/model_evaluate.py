"""`finstrat model evaluate`: how well a model answers texts whose labels are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finstrat.cli.model_inputs import (
    EncoderUnder,
    LabelColumn,
    LabelMeanings,
    TextColumn,
    pairs,
    require_no_file,
)
from finstrat.cli.model_page import hand_over
from finstrat.cli.models_named import learnt_task, named_scorer
from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_table

if TYPE_CHECKING:
    import pandas as pd

    from finstrat.components import Scorer
    from finstrat.models.labelled import Task
    from finstrat.text.cache import ScoreCache


def evaluate(
    ctx: typer.Context,
    model: Annotated[
        str, typer.Argument(help="Directory of a trained model, or the name of a scorer.")
    ],
    data: Annotated[
        list[Path], typer.Argument(help="CSV, JSON lines or Parquet: a text and a label a row.")
    ],
    *,
    against: Annotated[
        str | None, typer.Option(help="Another model or scorer, judged on the same texts.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for evaluation.json and evaluation.html.")
    ] = None,
    encoder: EncoderUnder = None,
    text: TextColumn = "text",
    label_column: LabelColumn = "label",
    task: Annotated[
        Literal["classification", "regression"] | None,
        typer.Option(help="Whether labels are classes or numbers  [default: as MODEL learnt]"),
    ] = None,
    label: LabelMeanings = None,
    seed: Annotated[int, typer.Option(help="Seed of the texts drawn for intervals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json.")] = False,
) -> None:
    """Judge a model of classes or of numbers: measures, by slice, against another.

    Classes: accuracy, macro-F1, calibration, confusion. Numbers: squared and absolute error, rank
    correlation. Intervals are of 90 %, bootstrapped over texts. Texts are cleaned as they are for
    scoring, copies count once, and a text that the model was trained on is refused.
    """
    from finstrat.errors import ConfigError, DataError
    from finstrat.models.answers import require_answerable, require_number
    from finstrat.models.labelled import Columns, read_texts
    from finstrat.report.model import document_of
    from finstrat.report.model_values import value_document_of
    from finstrat.text.cache import ScoreCache

    require_no_file(out)
    state = ctx.ensure_object(State)
    asked = [model, *([] if against is None else [against])]
    scorers = {name: named_scorer(state, name, encoder=encoder) for name in asked}
    what = task or learnt_task(model)
    columns = Columns(text, label_column, pairs(label or [], "--label"))
    if what == "regression" and columns.names:
        raise ConfigError("--label names classes, and a regression's labels are numbers")
    frame, counts = read_texts(data, task=what, columns=columns)
    frame = frame[frame["label"].notna()].reset_index(drop=True)
    if frame.empty:
        raise DataError(
            f"{data[0]}: no text has a label (column {label_column}); a model is judged by "
            "labelled texts, and --label-column says where the labels are"
        )
    for name, scorer in scorers.items():
        if what == "regression":
            require_number(scorer, model=name)
        else:
            require_answerable(scorer, frame, model=name, names=columns.names)
        _require_unseen(name, list(frame["text"]))
    with ScoreCache(state.project().state / "scores.sqlite") as cache:
        told = _told(
            scorers,
            frame,
            what,
            cache,
            files=[each.name for each in data],
            left_out=counts,
            seed=seed,
        )
    page = value_document_of if what == "regression" else document_of
    hand_over(told, page, name="evaluation", out=out, as_json=as_json, show=_print)


def _told(
    scorers: dict[str, Scorer],
    frame: pd.DataFrame,
    task: Task,
    cache: ScoreCache,
    *,
    files: list[str],
    left_out: dict[str, int],
    seed: int,
) -> dict[str, Any]:
    """What every scorer answers to the texts, judged by their labels."""
    from functools import partial

    from finstrat.models.answers import answers_of, values_of
    from finstrat.models.labelled import ordered_classes
    from finstrat.models.slices import slices_of
    from finstrat.report.model import evaluation_json
    from finstrat.report.model_values import value_evaluation_json

    cards = {name: scorer.card for name, scorer in scorers.items()}
    texts, labels = list(frame["text"]), frame["label"]
    slices = slices_of(frame)
    with progress_bars() as progress:
        shown = {name: partial(progress, f"scoring with {name}") for name in scorers}
        if task == "regression":
            said = {
                name: values_of(scorer, texts, cache=cache, progress=shown[name])
                for name, scorer in scorers.items()
            }
            return value_evaluation_json(
                cards,
                said,
                labels.to_numpy(dtype="float64"),
                slices=slices,
                files=files,
                left_out=left_out,
                seed=seed,
            )
        classes = ordered_classes(labels)
        answers = {
            name: answers_of(scorer, texts, classes=classes, cache=cache, progress=shown[name])
            for name, scorer in scorers.items()
        }
        return evaluation_json(
            cards,
            answers,
            list(labels),
            classes=classes,
            slices=slices,
            files=files,
            left_out=left_out,
            seed=seed,
        )


def _require_unseen(model: str, texts: list[str]) -> None:
    """Refuse texts that the model in a directory was trained on."""
    from finstrat.models.seen import require_unseen

    directory = Path(model)
    if directory.is_dir():
        require_unseen(directory, texts)


def _print(told: dict[str, Any]) -> None:
    """The measures, one column a model."""
    from finstrat.report.html import figure_text, interval_text

    names = told["order"]
    first = told["models"][names[0]]["figures"]
    rows = []
    for place, (label, _) in enumerate(first):
        figures = [told["models"][name]["figures"][place][1] for name in names]
        rows.append((label, *(f"{figure_text(each)}  {interval_text(each)}" for each in figures)))
    of = ", ".join(told["classes"]) if "classes" in told else "numbers"
    title = f"{told['n']:,} texts: {of}"
    print_table(["measure, 90 % interval", *names], rows, title=title)
    for kind, slices in told["models"][names[0]]["slices"].items():
        measures = [label for label, _ in next(iter(slices.values()))]
        print_table(
            [kind, "texts", *measures],
            [
                (value, f"{figures[0][1]['n']:,}", *(figure_text(each) for _, each in figures))
                for value, figures in slices.items()
            ],
        )
    if told["comparison"]:
        from finstrat.report.model import compared as of_classes
        from finstrat.report.model_values import compared as of_numbers

        typer.echo((of_numbers if told["task"] == "regression" else of_classes)(told))
