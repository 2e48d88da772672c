"""`finstrat holdout`: the span that nothing may load, and its opening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.approve import ByOption, ReasonOption
from finstrat.cli.state import State, print_json, print_table

if TYPE_CHECKING:
    from finstrat.holdout import Holdout, Lock

app = typer.Typer(no_args_is_help=True, help="Show or open the span that no run may touch.")


@app.command("show")
def show(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Every holdout of the project: its span, whether and why it was opened, the looks at it."""
    lock = _lock(ctx)
    told = [_told(lock, each) for each in lock.holdouts()]
    if as_json:
        print_json(told)
        return
    if not told:
        typer.echo("no holdout is declared; a [holdout] table with a start in finstrat.toml is one")
        return
    columns = ["holdout", "declared", "opened", "by", "reason", "looks"]
    rows = [
        (
            each["holdout"],
            each["declared"],
            each["opened_at"] or "locked",
            each["by"] or "",
            each["reason"] or "",
            str(len(each["looks"])),
        )
        for each in told
    ]
    print_table(columns, rows)


@app.command("open")
def open_(
    ctx: typer.Context,
    start: Annotated[
        str | None,
        typer.Argument(metavar="START", help="Its first day, where several are locked."),
    ] = None,
    *,
    by: ByOption,
    reason: ReasonOption,
) -> None:
    """Open a holdout for good; the log of approvals keeps who did, when and why.

    Only the first configuration that looks is judged out of sample, and only if it had run before.
    """
    from finstrat.errors import ConfigError

    lock = _lock(ctx)
    found = lock.holdouts()
    locked = [each for each in found if lock.opening(each) is None]
    # Where none is locked, opening the one there is says who opened it.
    among = [each for each in locked or found if start in {None, str(each.start)}]
    if not among:
        there = f"; there is {', '.join(map(str, found))}" if found else ""
        raise ConfigError(f"holdout open: no holdout{f' from {start} on' if start else ''}{there}")
    if len(among) > 1:
        raise ConfigError(
            f"holdout open: {len(among)} are meant: {'; '.join(map(str, among))}; give its START"
        )
    entry = lock.open(among[0], by=by, reason=reason)
    typer.echo(f"opened: {entry.artefact} by {entry.by} (entry {entry.number})")
    typer.echo(f"head of the log: {entry.hash}")


def _lock(ctx: typer.Context) -> Lock:
    from finstrat.holdout import Lock

    return Lock(ctx.ensure_object(State).project().root)


def _told(lock: Lock, holdout: Holdout) -> dict[str, Any]:
    """A holdout as JSON values."""
    entry = lock.opening(holdout)
    return {
        "holdout": str(holdout),
        "start": str(holdout.start),
        "end": None if holdout.end is None else str(holdout.end),
        "assets": None if holdout.assets is None else list(holdout.assets),
        "declared": holdout.where,
        "opened_at": entry.at if entry else None,
        "by": entry.by if entry else None,
        "reason": entry.reason if entry else None,
        "looks": [{"at": at, "loaded": span} for at, span in lock.looks(holdout)],
    }
