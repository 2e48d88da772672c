"""`finstrat data`: look at data before trusting it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from finstrat.cli.state import State, print_json, print_table

if TYPE_CHECKING:
    from finstrat.components import Component
    from finstrat.data import Finding
    from finstrat.host import Host

S = TypeVar("S", bound="Component")

app = typer.Typer(no_args_is_help=True, help="Look at data before trusting it.")


@app.callback()
def data() -> None:
    """Look at data before trusting it."""


@app.command("check")
def check(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(help="A backtest (file or name), or a CSV or Parquet file of data.")
    ],
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key of the backtest."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load data as a run would, and count what is wrong with it; exit 3 if it is refused."""
    state = ctx.ensure_object(State)
    if Path(file).suffix in {"", ".toml"}:
        described, findings = _backtest(state, file, assign or [])
    else:
        described, findings = _table(state, Path(file))
    if as_json:
        print_json({**described, "findings": [dataclasses.asdict(each) for each in findings]})
        return
    print_table(["", ""], [(key, str(entry)) for key, entry in described.items()], title=file)
    if not findings:
        typer.echo("nothing to note")
        return
    rows = [(f.severity, f.source, f.check, f"{f.count:,}", f.detail) for f in findings]
    print_table(["severity", "source", "check", "count", "what was done"], rows)


def _backtest(
    state: State, name: str, assign: list[str]
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The market of a backtest, described, and its findings."""
    from finstrat.job import prepare
    from finstrat.market import load_market

    project = state.project()
    file = project.backtest(name).with_assignments(assign)
    market = load_market(prepare(file, project=project, host=state.host()).plan)
    sessions, assets = market.panel.shape
    described = {
        "sessions": sessions,
        "of which warm-up": market.first,
        "first session": str(market.clock.sessions[0]),
        "last session": str(market.clock.sessions[-1]),
        "assets": assets,
        "fields": ", ".join(market.panel.fields),
        "documents": len(market.documents),
        "facts": len(market.facts),
    }
    return described, market.findings


def _table(state: State, path: Path) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """A file of prices, documents or facts, told apart by its columns."""
    import datetime as dt

    host = state.host()
    from finstrat.components import FactSource, MarketSource, TextSource
    from finstrat.data import Span, Universe, quality
    from finstrat.data.frames import read_table

    columns = {str(name).lower() for name in read_table(path).columns}
    universe = Universe()
    always = Span(dt.date(1900, 1, 1), dt.date(2200, 1, 1))
    if "text" in columns:
        documents = _source(host, TextSource, "files-documents", path).load(universe, always)
        found = (*documents.findings, *quality.document_findings(documents, source=path.name))
        span = documents.known_at[[0, -1]].astype("datetime64[s]") if len(documents) else ("", "")
        return {
            "kind": "documents",
            "rows": len(documents),
            "first known": str(span[0]),
            "last known": str(span[1]),
        }, found
    if {"item", "value"} <= columns:
        facts = _source(host, FactSource, "files-facts", path).load(universe, always)
        items = sorted(facts.frame["item"].unique())
        return {"kind": "facts", "rows": len(facts), "items": ", ".join(items)}, facts.findings
    panel = _source(host, MarketSource, "files-prices", path).load(universe, always)
    return {
        "kind": "prices",
        "dates": len(panel.times),
        "first": str(panel.times[0]),
        "last": str(panel.times[-1]),
        "assets": len(panel.assets),
        "fields": ", ".join(panel.fields),
    }, (*panel.findings, *quality.panel_findings(panel, source=path.name))


def _source(host: Host, base: type[S], name: str, path: Path) -> S:
    """The bundled source of this kind, reading `path`."""
    made = host.get(base, name).component({"path": path})
    assert isinstance(made, base)
    return made
