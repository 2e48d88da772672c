"""What a run keeps of each output of its signals: which of them rest on text, and a record each.

`validate/signal_record` makes a record of numbers; nothing here knows what is measured in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat.signals import text_signals, untouched
from finstrat.validate.signal_record import latest_cutoff, signal_record

if TYPE_CHECKING:
    from finstrat.config import Plan
    from finstrat.market import Market
    from finstrat.signals import Features, Scores


def signal_records(
    plan: Plan, market: Market, features: Features, scores: Scores
) -> dict[str, dict[str, Any]]:
    """What is kept of each output, by "signal.output": its tearsheet as plain data.

    What rests on text is split at the latest cutoff of the run's scorers.
    """
    cutoff = latest_cutoff(card.training_cutoff for card in scores.cards.values())
    without_text = untouched(features, plan.signals, text_signals(plan))
    return {
        key: signal_record(
            values.cpu().numpy(),
            market.panel,
            fill=plan.config.execution.fill,
            first=market.first,
            reads_text=key not in without_text,
            cutoff=None if key in without_text else cutoff,
        )
        for key, values in features.items()
    }
