"""`finstrat config`: what a backtest file may say."""

from __future__ import annotations

import typer

from finstrat.cli.state import State, print_json

app = typer.Typer(no_args_is_help=True, help="About backtest files.")


@app.callback()
def config() -> None:
    """About backtest files."""


@app.command("schema")
def schema(ctx: typer.Context) -> None:
    """The JSON Schema of a backtest file, with the options of every component beside it."""
    from finstrat.components import base_of
    from finstrat.config import Backtest
    from finstrat.host import title

    host = ctx.ensure_object(State).host()
    components: dict[str, dict[str, object]] = {}
    for each in host.all():
        base = base_of(each.component)
        assert base is not None
        options = each.component.Config.model_json_schema()
        components.setdefault(title(base), {})[each.component.name] = options
    print_json({**Backtest.model_json_schema(), "x-components": components})
