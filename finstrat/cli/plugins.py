"""`finstrat plugins`: which components there are, who provides them, and what they do wrong."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.plugins_check import check
from finstrat.cli.plugins_new import new
from finstrat.cli.state import State, print_json, print_table

if TYPE_CHECKING:
    from finstrat.host import Registered

app = typer.Typer(no_args_is_help=True, help="List, describe, write and check components.")
app.command("new")(new)
app.command("check")(check)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind, like signal, source or optimizer.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Every component by kind and name, and every plugin that failed to load."""
    from finstrat.components import KINDS
    from finstrat.errors import ConfigError, did_you_mean

    host = ctx.ensure_object(State).host()
    kinds = {base.kind for base in KINDS}
    if kind is not None and kind not in kinds:
        raise ConfigError(f'--kind: no kind "{kind}"{did_you_mean(kind, kinds)}')
    found = [each for each in host.all() if kind in {None, each.component.kind}]
    if as_json:
        print_json(
            {
                "components": [_brief(each) for each in found],
                "failures": [dataclasses.asdict(failure) for failure in host.failures],
            }
        )
        return
    rows = [
        (brief["kind"], brief["name"], brief["summary"], str(each.provider))
        for each in found
        for brief in [_brief(each)]
    ]
    print_table(["kind", "name", "", "provider"], rows)


@app.command("show")
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A component's name.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """What a component does, its options with their defaults, and where it comes from."""
    from finstrat.errors import ConfigError, did_you_mean

    host = ctx.ensure_object(State).host()
    found = [each for each in host.all() if each.component.name == name]
    if not found:
        hint = did_you_mean(name, {each.component.name for each in host.all()})
        failed = "".join(f"\n  {failure}" for failure in host.failures)
        raise ConfigError(f'no component "{name}"{hint}{failed}')
    if as_json:
        print_json([_full(each) for each in found])
        return
    for each in found:
        full = _full(each)
        typer.echo(f"{full['kind']} {full['name']}, version {full['version']}")
        typer.echo(f"from {each.provider} ({each.provider.file})\n")
        typer.echo(full["description"] + "\n")
        for key in ("scope", "outputs", "needs", "memory"):
            if key in full:
                typer.echo(f"{key}: {full[key]}")
        options = [
            (key, str(option.get("default", "required")), option.get("description", ""))
            for key, option in full["options"].items()
        ]
        if options:
            print_table(["option", "default", ""], options)


def _brief(registered: Registered) -> dict[str, Any]:
    import inspect

    from finstrat.components import base_of
    from finstrat.host import title

    component = registered.component
    base = base_of(component)
    assert base is not None
    description = inspect.getdoc(component) or ""
    return {
        "kind": component.kind,
        "base": title(base),
        "name": component.name,
        "version": component.version,
        "summary": description.partition("\n")[0],
        "provider": dataclasses.asdict(registered.provider),
    }


def _full(registered: Registered) -> dict[str, Any]:
    import inspect

    from finstrat.components import Signal

    component = registered.component
    schema = component.Config.model_json_schema()
    full = {
        **_brief(registered),
        "description": inspect.getdoc(component) or "",
        "options": schema.get("properties", {}),
    }
    if issubclass(component, Signal):
        # A property depends on the options, so only a constant can be told here.
        for key in ("scope", "outputs", "needs", "memory"):
            constant = getattr(component, key)
            if isinstance(constant, tuple):
                full[key] = ", ".join(constant)
            elif isinstance(constant, str):
                full[key] = constant
    return full
