"""`finstrat report`: a run's report, written anew from what is stored."""

from __future__ import annotations

from typing import Annotated

import typer

from finstrat.cli import show
from finstrat.cli.runs import find_run, read_report
from finstrat.cli.state import State, print_json, shown_path


def report(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help='A run\'s id, the beginning of one, or "latest".')],
    *,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it to report.pdf as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Write the report of a finished run anew, with the checks made since."""
    from finstrat.job import report_files
    from finstrat.report.pdf import browser, print_pdf
    from finstrat.store import load, write_atomically

    state = ctx.ensure_object(State)
    program = browser() if pdf else None
    path = find_run(state, run)
    for name, content in report_files(load(path), state.host()).items():
        write_atomically(path / name, content)
    if program:
        write_atomically(path / "report.pdf", print_pdf(path / "report.html", program))
    written = read_report(path)
    if as_json:
        print_json(written)
        return
    show.headline(written)
    typer.echo(f"report: {shown_path(path / ('report.pdf' if pdf else 'report.html'))}")
