"""`finstrat model`: the workshop of the models behind the signals; one file a verb."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.model_card import card
from finstrat.cli.model_compress import compress
from finstrat.cli.model_evaluate import evaluate
from finstrat.cli.model_explain import explain
from finstrat.cli.model_export import export
from finstrat.cli.model_few import few
from finstrat.cli.model_head import head
from finstrat.cli.model_label import label
from finstrat.cli.model_prepare import prepare
from finstrat.cli.model_pretrain import pretrain
from finstrat.cli.model_tune import tune
from finstrat.cli.model_update import update

if TYPE_CHECKING:
    from finstrat.toml_file import TomlFile

app = typer.Typer(no_args_is_help=True, help="Prepare, train, judge the models behind signals.")
app.command("prepare")(prepare)
app.command("pretrain")(pretrain)
app.command("label")(label)
app.command("head")(head)
app.command("few")(few)
app.command("tune")(tune)
app.command("update")(update)
app.command("evaluate")(evaluate)
app.command("explain")(explain)
app.command("card")(card)
app.command("compress")(compress)
app.command("export")(export)


@app.callback()
def model(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML: a table a verb, [tune] say, with its arguments and options."),
    ] = None,
) -> None:
    """Prepare, train, judge and look at the models behind the signals."""
    if config is not None and ctx.invoked_subcommand is not None:
        ctx.default_map = _defaults(ctx, config)


def _defaults(ctx: typer.Context, path: Path) -> dict[str, Any]:
    """The options that a file gives to each verb; those on the command line go before.

    Raises:
        ConfigError: a verb or an option that isn't there.
    """
    from finstrat.errors import ConfigError, did_you_mean
    from finstrat.toml_file import TomlFile

    file = TomlFile.read(path, shown_as=str(path))
    group: Any = ctx.command
    found: dict[str, Any] = {}
    for verb, table in file.data.items():
        if verb not in group.commands or not isinstance(table, dict):
            hint = did_you_mean(verb, group.commands)
            raise ConfigError(f"{file.where((verb,))}: no verb [{verb}] of `finstrat model`{hint}")
        found[verb] = _options(file, verb, table, group.commands[verb].params)
    return found


def _options(
    file: TomlFile, verb: str, table: dict[str, Any], parameters: list[Any]
) -> dict[str, Any]:
    """A verb's table with the names that its function has; a table in it is key=value."""
    from finstrat.errors import ConfigError, did_you_mean

    names = {_shown(each): each.name for each in parameters}
    for key in table:
        if key not in names:
            raise ConfigError(
                f'{file.where((verb, key))}: {verb}: no option "{key}"{did_you_mean(key, names)}'
            )
    return {names[key]: _given(value) for key, value in table.items()}


def _shown(parameter: Any) -> str:  # noqa: ANN401 - click's own
    """An option as it is written, without its dashes; an argument by its name."""
    long = [each for each in parameter.opts if each.startswith("--")]
    return str(long[0]).removeprefix("--") if long else str(parameter.name)


def _given(value: Any) -> Any:  # noqa: ANN401 - a TOML value
    if isinstance(value, dict):
        return [f"{key}={each}" for key, each in value.items()]
    return value if isinstance(value, bool | list) else str(value)
