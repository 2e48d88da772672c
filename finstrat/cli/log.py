"""`finstrat log`: the decisions of people, and whether the log of them was tampered with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from finstrat.cli.state import State, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Show and verify the log of approvals.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("show")
def show(
    ctx: typer.Context,
    artefact: Annotated[
        str | None,
        typer.Argument(metavar="ARTEFACT", help="Only what was decided about this, and its line."),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Every approval and rejection, the oldest first."""
    from finstrat.artefacts import find, log_of, standing

    project = ctx.ensure_object(State).project()
    entries = log_of(project).entries()
    if artefact is not None:
        found = find(artefact, project=project)
        entries = [each for each in entries if each.sha256 == found.sha256]
        if not as_json:
            typer.echo(standing(found, project=project))
    if as_json:
        print_json([asdict(each) for each in entries])
        return
    if not entries and artefact is None:
        typer.echo("nothing was approved or rejected yet; `finstrat approve` does")
        return
    if not entries:
        return
    rows = [
        (str(each.number), each.at, each.by, each.decision, each.artefact, each.reason)
        for each in entries
    ]
    print_table(["", "at", "by", "decision", "artefact", "reason"], rows)
    if artefact is None:
        typer.echo(f"head of the log: {entries[-1].hash}")


@app.command("verify")
def verify(
    ctx: typer.Context,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="A head noted earlier; it must be there."),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Whether the log is what was written: exit code 4 where it is not."""
    from finstrat.artefacts import log_of

    found = log_of(ctx.ensure_object(State).project()).verify(head=head)
    if as_json:
        print_json({**asdict(found), "problems": list(found.problems)})
    else:
        for problem in found.problems:
            typer.echo(f"found: {problem}")
        if not found.problems:
            typer.echo(f"in order: {found.entries} entries, head {found.head}")
        if found.note:
            typer.echo(f"note: {found.note}")
    raise typer.Exit(4 if found.problems else 0)
