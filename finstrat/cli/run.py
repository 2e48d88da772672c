"""`finstrat run`: one backtest from its file to a finished report."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from finstrat.cli import show
from finstrat.cli.state import State, print_json, shown_path, usage_line

if TYPE_CHECKING:
    from finstrat.signals import Progress


def run(
    ctx: typer.Context,
    backtest: Annotated[str, typer.Argument(metavar="FILE|NAME", help="Which backtest.")],
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key; may be repeated."),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and show the configuration; load nothing.")
    ] = False,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where tensors live.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run a backtest and write its report.

    FILE|NAME is a .toml file, or the name of a backtest of the project or of finstrat itself, like
    market_mood or momentum.
    """
    from finstrat.job import prepare

    state = ctx.ensure_object(State)
    project = state.project()
    file = project.backtest(backtest).with_assignments(assign or [])
    job = prepare(file, project=project, host=state.host())
    if dry_run:
        print_json({"config": job.plan.resolved, "components": job.plan.components})
        return
    with progress_bars() as progress:
        result = job.execute(device=device, progress=progress)
    assert result.path is not None
    report = json.loads((result.path / "report.json").read_text(encoding="utf-8"))
    if as_json:
        print_json(report)
        return
    show.headline(report)
    scored, cached = (result.provenance[key] for key in ("texts_scored", "texts_from_cache"))
    typer.echo(f"texts: {scored:,} scored, {cached:,} from the cache")
    for name, usage in result.provenance["scorer_usage"].items():
        typer.echo(usage_line(name, usage))
    if fallbacks := result.manifest.get("fallbacks"):
        used = ", ".join(sorted({each["used"] for each in fallbacks}))
        typer.echo(
            f"optimizer: no weights at {len(fallbacks):,} rebalances, used instead: {used}; "
            "the report lists dates and reasons"
        )
    typer.echo(f"report: {shown_path(result.path / 'report.html')}")


@contextlib.contextmanager
def progress_bars() -> Iterator[Progress]:
    """A progress bar a step, on standard error."""
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
    )
    tasks: dict[str, bars.TaskID] = {}
    with bars.Progress(*columns, console=Console(stderr=True)) as shown:

        def progress(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = shown.add_task(step, total=total)
            shown.update(tasks[step], completed=done, total=total)

        yield progress
