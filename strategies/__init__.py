"""The strategies that come with finstrat, each in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import finstrat

if TYPE_CHECKING:
    from finstrat.components import Component


@finstrat.hookimpl
def finstrat_components() -> list[type[Component]]:
    """Every bundled strategy."""
    from finstrat_strategies.long_short import LongShort
    from finstrat_strategies.mood_overlay import MoodOverlay
    from finstrat_strategies.top_k import TopK

    return [LongShort, MoodOverlay, TopK]
