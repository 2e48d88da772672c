"""`finstrat approve` and `finstrat reject`: what a person decided about an artefact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from finstrat.cli.state import State

if TYPE_CHECKING:
    from finstrat.approvals import Decision

ArtefactArgument = Annotated[
    str,
    typer.Argument(
        metavar="ARTEFACT",
        help="The hash on the first line of targets or advice, a run's id, or a path.",
    ),
]
ByOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")]


def approve(
    ctx: typer.Context, artefact: ArtefactArgument, *, by: ByOption, reason: ReasonOption
) -> None:
    """Approve targets, advice, a run or a model, as it is now; the log of it only grows."""
    _decide(ctx, "approved", artefact, by=by, reason=reason)


def reject(
    ctx: typer.Context, artefact: ArtefactArgument, *, by: ByOption, reason: ReasonOption
) -> None:
    """Reject targets, advice, a run or a model; this displaces an earlier approval of it."""
    _decide(ctx, "rejected", artefact, by=by, reason=reason)


def _decide(ctx: typer.Context, decision: Decision, name: str, *, by: str, reason: str) -> None:
    from finstrat.artefacts import find, log_of

    project = ctx.ensure_object(State).project()
    artefact = find(name, project=project)
    entry = log_of(project).record(
        decision, artefact=artefact.name, sha256=artefact.sha256, by=by, reason=reason
    )
    typer.echo(f"{decision}: {artefact.name} by {entry.by} (entry {entry.number})")
    typer.echo(f"head of the log: {entry.hash}")
