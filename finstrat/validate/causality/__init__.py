"""Whether a component's past stays what it was, whatever the future brings.

`check` examines signals, strategies, sources and scorers. It returns a `Report`: passed, failed
(with the first place where the past changed and both values), or inconclusive where the data at
hand could not decide. docs/causality.md says what each part does and what it can't see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.components import FactSource, MarketSource, Scorer, Signal, Strategy, TextSource
from finstrat.data import Span, Universe
from finstrat.errors import ConfigError
from finstrat.validate.causality.past import check_past
from finstrat.validate.causality.report import Change, Check, Outcome, Report
from finstrat.validate.causality.scorers import check_scorer
from finstrat.validate.causality.sources import check_source
from finstrat.validate.causality.world import Scoring, World

if TYPE_CHECKING:
    from finstrat.components import Component

__all__ = [
    "CHECKED",
    "Change",
    "Check",
    "Outcome",
    "Report",
    "Scoring",
    "World",
    "check",
    "check_past",
    "check_scorer",
    "check_source",
]

CHECKED = (Signal, Strategy, MarketSource, TextSource, FactSource, Scorer)
"""The kinds that can be checked; an optimizer sees no future to begin with."""


def check(component: Component, world: World, *, seconds: float = 10.0, seed: int = 0) -> Report:
    """The causality of a component.

    A signal or strategy is run on `world` and on changed versions of it. A source is loaded over
    the world's span and calendar; a scorer scores the world's texts. `seconds` bounds the cuts
    beyond those that are always tried; `seed` chooses them.

    Raises:
        ConfigError: nothing can be checked of a component of this kind.
    """
    if isinstance(component, Signal | Strategy):
        return check_past(component, world, seconds=seconds, seed=seed)
    if isinstance(component, Scorer):
        return check_scorer(component, world.documents.texts)
    if isinstance(component, MarketSource | TextSource | FactSource):
        sessions = world.clock.sessions.astype("datetime64[D]")
        span = Span(*(np.datetime64(day).astype(object) for day in sessions[[0, -1]]))
        universe = Universe(calendar=world.clock.calendar, currency=world.panel.currency)
        return check_source(component, universe, span, seed=seed)
    kinds = ", ".join(kind.__name__ for kind in CHECKED)
    raise ConfigError(
        f'"{component.name}" is of kind {component.kind}; causality is checked of {kinds}'
    )
