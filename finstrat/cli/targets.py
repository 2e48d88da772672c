"""`finstrat targets`: the decision of a backtest for one date, as weights, shares and orders."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_table, shown_path


def targets(
    ctx: typer.Context,
    backtest: Annotated[str, typer.Argument(metavar="FILE|NAME", help="Which backtest.")],
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key; may be repeated."),
    ] = None,
    *,
    asof: Annotated[
        dt.datetime,
        typer.Option("--asof", formats=["%Y-%m-%d"], help="The session at whose close to decide."),
    ],
    holdings: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns asset and shares; the row CASH holds money."),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where tensors live.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write the decision to a .json or .csv file.")
    ] = None,
) -> None:
    """Decide for one date exactly as the backtest does, and say which orders follow.

    Without --holdings, the orders are those of the backtest's own account. No trial is entered.
    """
    from finstrat import artefacts
    from finstrat.errors import ConfigError
    from finstrat.job import prepare
    from finstrat.store import write_atomically
    from finstrat.targets import as_csv as csv_of
    from finstrat.targets import decision_for
    from finstrat.text.cache import ScoreCache

    if out is not None and out.suffix not in {".json", ".csv"}:
        raise ConfigError(f"--out {out}: expected a name that ends in .json or .csv")
    state = ctx.ensure_object(State)
    project = state.project()
    file = project.backtest(backtest).with_assignments(assign or [])
    plan = prepare(file, project=project, host=state.host()).plan
    with ScoreCache(project.state / "scores.sqlite") as cache, progress_bars() as progress:
        content = decision_for(
            plan, asof.date(), holdings=holdings, device=device, cache=cache, progress=progress
        )
    artefact = artefacts.keep(content, project=project)
    first = artefacts.standing(artefact, project=project)
    texts = {
        ".json": lambda: artefacts.as_json(content, artefact, first=first),
        ".csv": lambda: csv_of(content, first=first),
    }
    if out is not None:
        write_atomically(out, texts[out.suffix]().encode())
    if as_json or as_csv:
        typer.echo(texts[".json" if as_json else ".csv"](), nl=False)
        return
    typer.echo(first)
    _print(content)
    if out is not None:
        typer.echo(f"written: {shown_path(out.resolve())}")
    if first.startswith("not approved"):
        typer.echo(f"to approve it: finstrat approve {artefact.id} --by NAME --reason TEXT")


def _print(content: dict[str, Any]) -> None:
    """The decision for a terminal."""
    money = content["currency"]
    account, totals = content["account"], content["totals"]
    did = "decision" if content["rebalance"] else f"hold, as decided on {content['decided_on']},"
    typer.echo(
        f"{content['backtest']}: {did} at the close of {content['as_of']}; fills at the "
        f"{content['fill'].removeprefix('next-')} of {content['fills_on']}"
    )
    source = {"backtest": "the backtest's own account", "holdings": "the given holdings"}
    typer.echo(
        f"account: {account['value']:,.2f} {money}, {source[account['source']]}; "
        f"cash {account['cash']:,.2f}"
    )
    rows = [
        (
            row["asset"],
            f"{row['weight_now']:.2%}",
            f"{row['weight_target']:.2%}",
            f"{row['shares_target']:,.4f}",
            f"{row['side']} {row['shares']:,.4f}" if row["side"] else "–",
            f"{row['price']:,.2f}",
            f"{row['value']:,.2f}" if row["side"] else "–",
            f"{_cost(row):,.2f}" if row["side"] else "–",
        )
        for row in content["targets"]
    ]
    print_table(
        ["asset", "now", "target", "shares", "order", "price", f"value {money}", "cost"], rows
    )
    typer.echo(
        f"cash after: {totals['cash_weight']:.2%}; traded {totals['traded']:,.2f} {money} "
        f"({totals['turnover']:.2%}); costs {totals['costs']:,.2f} ({totals['costs_of_value']:.3%})"
    )
    for note in content["notes"]:
        typer.echo(f"note: {note}")


def _cost(row: dict[str, Any]) -> float:
    return sum(float(row[key] or 0.0) for key in ("fee", "slippage", "impact"))
