"""`finstrat audit`: a finished run put to the test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finstrat.cli import show
from finstrat.cli.run import progress_bars
from finstrat.cli.runs import find_run, read_report
from finstrat.cli.state import State, print_json, print_table, shown_path

if TYPE_CHECKING:
    from finstrat.signals import Progress


def audit(
    ctx: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FILE",
            help='A run\'s id, its beginning, "latest"; or a backtest to run first.',
        ),
    ],
    *,
    placebos: Annotated[
        int,
        typer.Option(min=19, help="Placebo texts, shared among their kinds; 19 each at least."),
    ] = 200,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where tensors live.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check a run: luck, the future, placebo text, past returns; and write its report anew.

    Exit code 4 where a check fails, 5 where the verdict stays inconclusive.
    """
    from finstrat.audit import audit_run

    state = ctx.ensure_object(State)
    with progress_bars() as progress:
        path = _run_of(state, subject, device=device, progress=progress)
        records = audit_run(
            path,
            project=state.project(),
            host=state.host(),
            placebos=placebos,
            device=device,
            progress=progress,
        )
    report = read_report(path)
    if as_json:
        print_json({"run": path.name, "verdict": report["verdict"], "checks": records})
    else:
        _print(report, records, path)
    outcome = report["verdict"]["outcome"]
    raise typer.Exit({"supported": 0, "refuted": 4}.get(outcome, 5))


def _run_of(
    state: State, subject: str, *, device: Literal["auto", "cpu", "cuda"], progress: Progress
) -> Path:
    """The directory of the run that `subject` names, or of a new run of the backtest it names."""
    from finstrat.job import prepare

    project = state.project()
    if Path(subject).suffix == ".toml" or subject in project.names():
        job = prepare(project.backtest(subject), project=project, host=state.host())
        made = job.execute(device=device, progress=progress).path
        assert made is not None
        return made
    return find_run(state, subject)


def _print(report: dict[str, Any], records: dict[str, dict[str, Any]], path: Path) -> None:
    """The verdict and its checks, on standard output."""
    checks = report["verdict"]["checks"]
    rows = [(each["name"], each["status"], each["evidence"]) for each in checks]
    print_table(["check", "status", "evidence"], rows, title=report["name"])
    typer.echo(report["verdict"]["sentence"])
    for each in checks:
        for item in each["figures"]:
            typer.echo(f"  {item['label']}: {show.value(item['figure'])}")
    for name, record in records.items():
        if record["status"] == "diagnostic":
            typer.echo(f"{name}: {record['evidence']}")
    typer.echo(f"report: {shown_path(path / 'report.html')}")
