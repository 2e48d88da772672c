"""The strategies that come with finstrat, each in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import finstrat

if TYPE_CHECKING:
    from finstrat.components import Component


@finstrat.hookimpl
def finstrat_components() -> list[type[Component]]:
    """Every bundled strategy."""
    from finstrat_strategies.event_drift import EventDrift
    from finstrat_strategies.long_short import LongShort
    from finstrat_strategies.mood_overlay import MoodOverlay
    from finstrat_strategies.pairs import Pairs
    from finstrat_strategies.rebalance_bands import RebalanceBands
    from finstrat_strategies.regime_switch import RegimeSwitch
    from finstrat_strategies.screen import Screen
    from finstrat_strategies.sentiment_momentum import SentimentMomentum
    from finstrat_strategies.threshold import Threshold
    from finstrat_strategies.top_k import TopK
    from finstrat_strategies.volatility_target import VolatilityTarget

    return [
        *(LongShort, MoodOverlay, TopK),
        *(EventDrift, Pairs, RebalanceBands, RegimeSwitch),
        *(Screen, SentimentMomentum, Threshold, VolatilityTarget),
    ]
