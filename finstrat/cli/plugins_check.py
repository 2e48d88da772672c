"""`finstrat plugins check`: whether a component's past ever changes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from finstrat.cli.backtests import backtests_using, plan_of
from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_json, print_table

if TYPE_CHECKING:
    from finstrat.components import Component
    from finstrat.config import Plan
    from finstrat.host import Registered
    from finstrat.signals import Progress
    from finstrat.text.cache import ScoreCache
    from finstrat.validate.causality import World


@dataclass(frozen=True)
class Tried:
    """A component with its options, the market to try it on, and that market in words."""

    component: Component
    world: World
    where: str


def check(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A signal, strategy, source or scorer.")],
    backtest: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME", help="On the data, and with the options, of this backtest."
        ),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="option=value", help="An option of the component."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Where several kinds share a name, like signal or strategy.")
    ] = None,
    *,
    sessions: Annotated[
        int, typer.Option(min=20, help="How many of the last sessions to try, beyond warm-up.")
    ] = 500,
    seconds: Annotated[
        float, typer.Option(min=0, help="For cuts beyond those that are always tried.")
    ] = 10.0,
    seed: Annotated[int, typer.Option(help="Chooses the cuts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Whether a component looks ahead: change the future, and see if its past stays the same.

    Without --backtest it is tried on the first backtest that uses it, the project's own before
    finstrat's; where none does, on real prices and tweets that packages carry. Exit 4 if it failed,
    5 if it could not be decided.
    """
    from finstrat.errors import CheckFailedError, InconclusiveError
    from finstrat.text.cache import ScoreCache
    from finstrat.validate import causality

    state = ctx.ensure_object(State)
    registered = _registered(state, name, kind)
    with ScoreCache(state.project().state / "scores.sqlite") as cache, progress_bars() as progress:
        tried = _tried(
            state,
            registered,
            backtest=backtest,
            assign=assign or [],
            sessions=sessions,
            cache=cache,
            progress=progress,
        )
        report = causality.check(tried.component, tried.world, seconds=seconds, seed=seed)
    file = registered.provider.file
    provider = str(registered.provider)
    at = file if provider == file else f"{provider}, {file}"
    who = f'{report.kind} "{name}", version {report.version} ({at})'
    if as_json:
        found = dataclasses.asdict(registered.provider)
        print_json({**report.as_json(), "provider": found, "tried_on": tried.where})
    else:
        typer.echo(f"{who}\ntried on {tried.where}\n")
        rows = [
            (each.name, each.outcome, str(each.change or each.detail)) for each in report.checks
        ]
        print_table(["part", "", "what was tried, or where the past changed"], rows)
    if report.outcome == "failed":
        first = report.failures[0]
        raise CheckFailedError(f"{who}: {first}")
    if report.outcome == "inconclusive":
        first = next(each for each in report.checks if each.outcome == "inconclusive")
        hint = "; --backtest NAME tries it on the data of another backtest"
        raise InconclusiveError(f"{who}: {first}{hint}")
    if not as_json:
        typer.echo("passed: nothing that was tried changed the past")


def _registered(state: State, name: str, kind: str | None) -> Registered:
    """The one component of that name that can be checked."""
    from finstrat.components import base_of
    from finstrat.errors import ConfigError, did_you_mean
    from finstrat.host import title
    from finstrat.validate.causality import CHECKED

    host = state.host()
    named = [each for each in host.all() if each.component.name == name]
    found = [each for each in named if kind in {None, each.component.kind}]
    if not found:
        hint = did_you_mean(name, {each.component.name for each in host.all()})
        if named:
            hint = f"; there is one of kind {named[0].component.kind}"
        failed = "".join(f"\n  {failure}" for failure in host.failures)
        raise ConfigError(f'no {kind or "component"} "{name}"{hint}{failed}')
    if len({each.component.kind for each in found}) > 1:
        kinds = " and ".join(sorted({each.component.kind for each in found}))
        raise ConfigError(f'"{name}" is the name of a {kinds}; say which with --kind')
    base = base_of(found[0].component)
    assert base is not None
    if base not in CHECKED:
        what = ", ".join(title(each) for each in CHECKED)
        raise ConfigError(
            f'plugins check: "{name}" is of kind {title(base)}; what can be checked: {what}'
        )
    return host.get(base, name)


def _tried(
    state: State,
    registered: Registered,
    *,
    backtest: str | None,
    assign: list[str],
    sessions: int,
    cache: ScoreCache,
    progress: Progress,
) -> Tried:
    """On the named backtest, or the first that uses the component and has its data, or at hand."""
    from finstrat.errors import DataError
    from finstrat.testing.backtest import backtest_world, uses
    from finstrat.testing.real import real_market

    def on(plan: Plan, name: str, component: Component) -> Tried:
        world = backtest_world(
            plan,
            component,
            host=state.host(),
            sessions=sessions,
            cache=cache,
            progress=progress,
        )
        return Tried(component, world, f"backtest {name}: {_extent(world)}")

    if backtest is not None:
        plan = plan_of(state, backtest)
        used = uses(plan, registered.component)
        return on(plan, backtest, _made(registered, assign, used))
    for using in backtests_using(state, registered.component):
        made = _made(registered, assign, using.component)
        try:
            return on(using.plan, using.backtest, made)
        except DataError:
            # A packaged backtest may want data that aren't here; one's own should have them.
            if using.own:
                raise
    world = real_market(state.host())
    return Tried(_made(registered, assign, None), world, f"packaged data: {_extent(world)}")


def _made(registered: Registered, assign: list[str], used: Component | None) -> Component:
    """The component with its options: those of the backtest, then those of --set."""
    from pydantic import ValidationError

    from finstrat.errors import ConfigError
    from finstrat.toml_file import TomlFile, config_error

    base = used.config.model_dump(exclude_unset=True) if used is not None else {}
    given = TomlFile("options", "", base).with_assignments(assign)
    if used is not None and not assign:
        return used
    try:
        return registered.component(given.data)
    except ValidationError as error:
        said = config_error(error, given, (), registered.component.Config)
        hint = "; give options with --set, or --backtest one that uses it"
        raise ConfigError(f"{registered.component.name}: {said}{hint}") from None


def _extent(world: World) -> str:
    sessions, assets = world.panel.shape
    first, last = world.clock.sessions[[0, -1]]
    return (
        f"{sessions} sessions from {first} to {last}, {assets} assets, "
        f"{len(world.documents):,} documents, {len(world.facts):,} facts"
    )
