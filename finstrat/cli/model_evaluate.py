"""`finstrat model evaluate`: how well a model answers texts whose labels are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from finstrat.cli.models_named import named_scorer
from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_table

if TYPE_CHECKING:
    from finstrat.components import Scorer
    from finstrat.models.answers import Answers
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
    label: LabelMeanings = None,
    seed: Annotated[int, typer.Option(help="Of the texts drawn for intervals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge a model: accuracy, macro-F1, calibration, by class, by slice, against another.

    Intervals are bootstrapped over texts. Texts are cleaned as they are for scoring, copies count
    once, and a text that the model was trained on is refused.
    """
    from finstrat.errors import DataError
    from finstrat.models.answers import require_answerable
    from finstrat.models.labelled import Columns, ordered_classes, read_texts
    from finstrat.models.slices import slices_of
    from finstrat.report.model import document_of, evaluation_json
    from finstrat.text.cache import ScoreCache

    require_no_file(out)
    state = ctx.ensure_object(State)
    columns = Columns(text, label_column, pairs(label or [], "--label"))
    frame, counts = read_texts(data, task="classification", columns=columns)
    frame = frame[frame["label"].notna()].reset_index(drop=True)
    if frame.empty:
        raise DataError(
            f"{data[0]}: no text has a label (column {label_column}); a model is judged by "
            "labelled texts, and --label-column says where the labels are"
        )
    classes = ordered_classes(frame["label"])
    asked = [model, *([] if against is None else [against])]
    scorers = {name: named_scorer(state, name, encoder=encoder) for name in asked}
    for name, scorer in scorers.items():
        require_answerable(scorer, frame, model=name, names=columns.names)
        _require_unseen(name, list(frame["text"]))
    answered: dict[str, Answers] = {}
    with ScoreCache(state.project().state / "scores.sqlite") as cache:
        for name, scorer in scorers.items():
            answered[name] = _answers(scorer, list(frame["text"]), classes, cache)
    told = evaluation_json(
        {name: scorer.card for name, scorer in scorers.items()},
        answered,
        list(frame["label"]),
        classes=classes,
        slices=slices_of(frame),
        files=[each.name for each in data],
        left_out=counts,
        seed=seed,
    )
    hand_over(told, document_of, name="evaluation", out=out, as_json=as_json, show=_print)


def _answers(
    scorer: Scorer, texts: list[str], classes: tuple[str, ...], cache: ScoreCache
) -> Answers:
    from finstrat.models.answers import answers_of

    with progress_bars() as progress:
        return answers_of(
            scorer,
            texts,
            classes=classes,
            cache=cache,
            progress=lambda done, total: progress(f"scoring with {scorer.name}", done, total),
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
    title = f"{told['n']:,} texts: {', '.join(told['classes'])}"
    print_table(["measure, 90 % interval", *names], rows, title=title)
    for kind, slices in told["models"][names[0]]["slices"].items():
        print_table(
            [kind, "texts", "accuracy", "macro-F1"],
            [
                (value, f"{figures[0][1]['n']:,}", *(figure_text(each) for _, each in figures))
                for value, figures in slices.items()
            ],
        )
    if told["comparison"]:
        both = told["comparison"]
        p = both["p"]["value"]
        typer.echo(
            f"{names[0]} alone is right about {both['only_first']:,} texts, {names[1]} alone about "
            f"{both['only_second']:,}; McNemar's p {'–' if p is None else f'{p:.3g}'}"
        )
