"""The command line: one small file a verb; nothing heavy is imported before a verb needs it.

A FinstratError becomes one line on standard error and its exit code; plugins load only for a verb
that uses them, or for a verb that no built-in file provides.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from finstrat import __version__
from finstrat.cli import (
    advise,
    approve,
    audit,
    cache,
    capacity,
    config,
    credit,
    data,
    doctor,
    explain,
    filings,
    holdout,
    init,
    log,
    model,
    monitor,
    plugins,
    report,
    run,
    runs,
    score,
    signals,
    sweep,
    targets,
    text,
)
from finstrat.cli.state import State
from finstrat.errors import FinstratError

if TYPE_CHECKING:
    from typer._click import Command, Context


class Verbs(TyperGroup):
    """The built-in verbs, and behind them whatever plugins add."""

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """A built-in verb without loading a plugin; else one that a plugin provides."""
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name.startswith("-"):
            return found
        extra = typer.Typer()
        extra.callback()(lambda: None)
        # The verb is looked up before `root` has run.
        _state(ctx.params["block"], ctx.params["plugins_dir"]).host().add_commands(extra)
        return typer.main.get_group(extra).get_command(ctx, cmd_name)

    def invoke(self, ctx: Context) -> object:
        """Run a verb; what finstrat can explain ends in a message and an exit code."""
        try:
            return super().invoke(ctx)
        except FinstratError as error:
            typer.echo(f"error: {error}", err=True)
            for note in getattr(error, "__notes__", ()):
                typer.echo(note, err=True)
            raise typer.Exit(error.exit_code) from None


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Backtest signals read from text, and say honestly how likely the result is luck.",
)
app.command("init")(init.init)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("audit")(audit.audit)
app.command("score")(score.score)
app.command("capacity")(capacity.capacity)
app.command("sweep")(sweep.sweep)
app.command("explain")(explain.explain)
app.command("advise")(advise.advise)
app.command("targets")(targets.targets)
app.command("monitor")(monitor.monitor)
app.command("approve")(approve.approve)
app.command("reject")(approve.reject)
app.add_typer(log.app, name="log")
app.add_typer(holdout.app, name="holdout")
app.add_typer(runs.app, name="runs")
app.add_typer(plugins.app, name="plugins")
app.add_typer(signals.app, name="signals")
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")
app.add_typer(cache.app, name="cache")
app.add_typer(text.app, name="text")
app.add_typer(filings.app, name="filings")
app.add_typer(config.app, name="config")
app.add_typer(credit.app, name="credit")
app.command("doctor")(doctor.doctor)


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if value:
        typer.echo(f"finstrat {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    block: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="no:NAME", help="Leave out the plugin NAME; may be repeated."),
    ] = None,
    plugins_dir: Annotated[
        list[Path] | None,
        typer.Option(help="Also scan this directory for plugins; may be repeated."),
    ] = None,
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Backtest signals read from text, and say honestly how likely the result is luck."""
    ctx.obj = _state(block, plugins_dir)


def _state(block: list[str] | None, plugins_dir: list[Path] | None) -> State:
    """The options before the verb, checked."""
    wrong = [each for each in block or [] if not each.startswith("no:")]
    if wrong:
        raise typer.BadParameter(f"-p {wrong[0]}: expected no:NAME, like -p no:bundled")
    return State(
        blocked=tuple(each.removeprefix("no:") for each in block or []),
        plugins_dirs=tuple(plugins_dir or []),
    )


def main() -> None:
    """The `finstrat` command."""
    if not sys.warnoptions:
        # Libraries warn their developers; users get finstrat's own warnings, a line each.
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", module="finstrat", category=UserWarning)
    warnings.showwarning = _show_warning
    app(prog_name="finstrat")


def _show_warning(message: Warning | str, *_where: object, **_more: object) -> None:
    typer.echo(f"warning: {message}", err=True)
