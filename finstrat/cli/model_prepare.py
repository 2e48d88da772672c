"""`finstrat model prepare`: files of texts to parts without a leak."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from finstrat.cli.model_inputs import LabelColumn, LabelKind, LabelMeanings, TextColumn, pairs
from finstrat.cli.state import print_json, print_table, shown_path


def prepare(
    data: Annotated[
        list[Path], typer.Argument(help="CSV, JSON lines or Parquet, with a text in each row.")
    ],
    out: Annotated[Path, typer.Option(help="Directory for the parts and data.json.")],
    *,
    split: Annotated[
        Literal["stratified", "grouped", "time"],
        typer.Option(help="By label, by whole groups (--by asset), or by time."),
    ] = "stratified",
    by: Annotated[str | None, typer.Option(help="Column of the groups or of the times.")] = None,
    shares: Annotated[str, typer.Option(help="Of train, validation and test.")] = "0.8,0.1,0.1",
    similarity: Annotated[
        float, typer.Option(help="From which near copies may not stand in two parts.")
    ] = 0.7,
    seed: Annotated[int, typer.Option(help="Of the order of texts or groups.")] = 0,
    task: LabelKind = "classification",
    text: TextColumn = "text",
    label_column: LabelColumn = "label",
    label: LabelMeanings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Clean, deduplicate and split texts, and say what they are.

    Rows without a label become unlabelled.parquet. Copies and near copies never stand in two
    parts.
    """
    from finstrat.models.labelled import Columns
    from finstrat.models.prepare import REPORT, Plan
    from finstrat.models.prepare import prepare as prepared
    from finstrat.store import directory_written_whole

    columns = Columns(text, label_column, pairs(label or [], "--label"))
    plan = Plan(split, by, _shares(shares), similarity, seed)
    with directory_written_whole(out, mark=REPORT) as directory:
        made = prepared(data, plan, task=task, columns=columns)
        made.save(directory)
    if as_json:
        print_json(made.report)
        return
    _show(made.report)
    typer.echo(f"{shown_path(out)}: {', '.join(made.parts)}")


def _shares(given: str) -> Any:  # noqa: ANN401 - a class that is imported when it is needed
    from finstrat.errors import ConfigError
    from finstrat.validate.text_splits import Shares

    try:
        train, validation, test = (float(each) for each in given.split(","))
    except ValueError:
        raise ConfigError(f"--shares {given}: expected three numbers, like 0.8,0.1,0.1") from None
    return Shares(train, validation, test)


def _show(report: dict[str, Any]) -> None:
    counted = report["counts"]
    print_table(["rows", ""], [(key.replace("_", " "), f"{n:,}") for key, n in counted.items()])
    names = report["classes"]
    rows = [
        (
            name,
            f"{part['n']:,}",
            *(_share(part, each) for each in names),
            *(f"{part['words'].get(key, 0):g}" for key in ("median", "95 %", "most")),
            " to ".join(part[key] for key in ("first", "last") if key in part),
        )
        for name, part in report["parts"].items()
    ]
    print_table(["part", "texts", *names, "words: median", "95 %", "most", "period"], rows)


def _share(part: dict[str, Any], name: str) -> str:
    if "classes" not in part:
        return ""
    return f"{part['classes'].get(name, 0) / part['n']:.1%}"
