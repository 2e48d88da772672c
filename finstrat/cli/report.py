"""`finstrat report`: a run's report written anew, or one of anyone's returns or weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finstrat.cli import show
from finstrat.cli.runs import find_run, read_report
from finstrat.cli.state import State, print_json, shown_path


def report(
    ctx: typer.Context,
    run: Annotated[
        str | None, typer.Argument(help='A run\'s id, the beginning of one, or "latest".')
    ] = None,
    *,
    returns: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Daily returns instead of a run: date, net, benchmark."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights at closes instead: date, asset, weight."),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Daily prices of what the weights hold.")
    ] = None,
    cost_bps: Annotated[
        float, typer.Option(min=0.0, help="Cost of what the weights trade, basis points.")
    ] = 0.0,
    calendar: Annotated[str, typer.Option(help="Exchange whose sessions those are.")] = "XNYS",
    currency: Annotated[str, typer.Option(help="Of those returns.")] = "USD",
    risk_free: Annotated[float, typer.Option(help="A yearly fraction, for those returns.")] = 0.0,
    factors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Explain the return by these: date, a column each, rf."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it to report.pdf as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Write a run's report anew, with the checks made since; or one of anybody's account."""
    from finstrat.errors import ConfigError
    from finstrat.job import report_files, report_returns
    from finstrat.report.factors import factor_record
    from finstrat.report.from_returns import Terms, returns_result
    from finstrat.report.from_weights import weights_result
    from finstrat.report.pdf import browser, print_pdf
    from finstrat.store import canonical_json, load, write_atomically

    if sum(each is not None for each in (run, returns, weights)) != 1:
        raise ConfigError(
            'report: name a run, like "latest", or a file by --returns or --weights, and one alone'
        )
    if (weights is None) != (prices is None):
        raise ConfigError("report: --weights and --prices need each other")
    state = ctx.ensure_object(State)
    program = browser() if pdf else None
    if run is None:
        terms = Terms(calendar=calendar, currency=currency, risk_free=risk_free)
        if returns is not None:
            result = returns_result(returns, terms)
        else:
            assert weights is not None
            assert prices is not None
            result = weights_result(weights, prices, terms, cost_bps=cost_bps)
        made = report_returns(result, project=state.project(), host=state.host())
        assert made.path is not None
        path = made.path
    else:
        path = find_run(state, run)
    if factors is not None:
        record = canonical_json(factor_record(load(path), factors))
        (path / "checks").mkdir(exist_ok=True)
        write_atomically(path / "checks" / "factors.json", record)
    if run is not None or factors is not None:
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
