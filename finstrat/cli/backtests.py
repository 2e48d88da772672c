"""Which backtests there are, and which of them use a component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from finstrat.cli.state import State
    from finstrat.components import Component
    from finstrat.config import Plan


@dataclass(frozen=True)
class Using:
    """A backtest that uses a component, and the component with the options it has there."""

    backtest: str
    plan: Plan
    component: Component
    own: bool


def plan_of(state: State, name: str, assignments: Sequence[str] = ()) -> Plan:
    """The resolved plan of a backtest under `a.b=value` overrides; nothing is loaded."""
    from finstrat.job import prepare

    project = state.project()
    file = project.backtest(name).with_assignments(assignments)
    return prepare(file, project=project, host=state.host()).plan


def backtests_using(state: State, component: type[Component]) -> Iterator[Using]:
    """The backtests that use `component`, the project's own before the packaged ones.

    One that can't be resolved is passed over: its mistake is no concern of this component.
    """
    from finstrat.errors import ConfigError
    from finstrat.testing.backtest import uses

    project = state.project()
    own = sorted({file.stem for folder in project.backtests for file in folder.glob("*.toml")})
    for name in [*own, *(name for name in project.names() if name not in own)]:
        try:
            plan = plan_of(state, name)
        except ConfigError:
            continue
        used = uses(plan, component)
        if used is not None:
            yield Using(name, plan, used, name in own)
