"""`finstrat monitor`: whether a run or a model still sees and does what it did."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from finstrat.cli.run import progress_bars
from finstrat.cli.runs import find_run
from finstrat.cli.state import State, print_json, print_table, shown_path


def monitor(
    ctx: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(metavar="RUN|MODEL", help="A run's id, \"latest\"; or a scorer's name."),
    ],
    *,
    since: Annotated[
        dt.datetime, typer.Option("--since", formats=["%Y-%m-%d"], help="From which day on.")
    ],
    until: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A run's new last day. [the run's own]"),
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(help="For a scorer: a file of documents with their times.")
    ] = None,
    limits: Annotated[
        Path | None, typer.Option(help="A .toml file of limits. [those of docs/decisions.md]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes. [monitor/ in the project]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare what came since a date with what came before; exit code 4 for an alarm.

    Distributions of inputs, scores, signals and returns; coverage, latency, flagged texts, and
    returns against what was usual.
    """
    from finstrat.components import Scorer
    from finstrat.monitor import monitor_model, monitor_run, read_limits
    from finstrat.report.document import page
    from finstrat.report.watch import document_of
    from finstrat.store import load, write_atomically
    from finstrat.text.cache import ScoreCache

    state = ctx.ensure_object(State)
    project = state.project()
    declared = read_limits(limits)
    with ScoreCache(project.state / "scores.sqlite") as cache, progress_bars() as progress:
        if texts is not None:
            scorer = state.host().get(Scorer, subject).component()
            assert isinstance(scorer, Scorer)
            told = monitor_model(
                scorer, texts, since.date(), limits=declared, host=state.host(), cache=cache
            )
        else:
            told = monitor_run(
                load(find_run(state, subject)),
                since.date(),
                limits=declared,
                until=until.date() if until else None,
                project=project,
                host=state.host(),
                cache=cache,
                progress=progress,
            )
    if as_json:
        print_json(told)
    else:
        path = out or project.root / "monitor" / f"{told['subject']}-{told['since']}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        standing = "A watch over research, not a recommendation"
        write_atomically(path, page(document_of(told, standing=standing)).encode())
        _print(told)
        typer.echo(f"page: {shown_path(path.resolve())}")
    raise typer.Exit(4 if told["alarms"] else 0)


def _print(told: dict[str, Any]) -> None:
    """Limits, distributions and alarms, for a terminal."""

    def short(value: float | None) -> str:
        return "–" if value is None else f"{value:.3g}"

    print_table(
        ["what", "since", "before", "limit"],
        [
            (
                each["name"],
                short(each["recent"]),
                short(each["before"]),
                short(each["limit"]) + (" passed" if each["passed"] else ""),
            )
            for each in told["levels"]
        ],
        title=f"{told['subject']}, {told['since']} to {told['until']}",
    )
    print_table(
        ["distribution", "n before", "n since", "KS", "PSI", "usual", "p", "corrected"],
        [
            (
                each["name"],
                f"{each['reference']:,}",
                f"{each['recent']:,}",
                short(each["ks"]),
                short(each["psi"]),
                short(each["psi_usual"]),
                short(each["p"]),
                short(each["p_adjusted"]) if each["p"] else each["reason_if_null"],
            )
            for each in told["drifts"]
        ],
    )
    if told["changed"]:
        typer.echo(f"changed since the run: {', '.join(told['changed'])}")
    for alarm in told["alarms"]:
        typer.echo(f"alarm: {alarm}")
    if not told["alarms"]:
        typer.echo("no alarm")
