"""The models whose scores were used, and until when each had read the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat.components import Section
from finstrat.report.assess import session_dates
from finstrat.report.block import Block, Table
from finstrat.validate.verdict import period_unknown_to_models, share_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from finstrat.store import RunResult
    from finstrat.text import ModelCard


class ModelsSection(Section):
    """One card a model."""

    name = "models"
    version = "1"
    serves = ("backtest", "credit")
    order = 80

    def build(self, result: RunResult) -> Block:
        """Cards, measured scores, and the share of sessions each training set may reach into."""
        cards = sorted(result.cards, key=lambda card: (card.name, card.version))
        if not cards:
            text = ("No model's scores were used.",)
            return Block(id=self.name, title="Models", text=text)
        check = None
        if result.kind != "credit":
            check = period_unknown_to_models(cards, session_dates(result))
        described = tuple(
            (
                card.name,
                card.version,
                str(card.training_cutoff or "unknown"),
                *([] if result.kind == "credit" else [_mark(card, session_dates(result))]),
                card.cutoff_reason,
                card.licence,
                "; ".join(card.training_data),
                " ".join(card.limits),
            )
            for card in cards
        )
        measured = tuple(
            (card.name, measure, value)
            for card in cards
            for measure, value in _measured(card.metrics)
        )
        seen = () if result.kind == "credit" else ("May know the period",)
        columns = ("Why", "Licence", "Training data", "Limits")
        tables = [
            Table(
                "Model cards",
                ("Model", "Version", "Trained until", *seen, *columns),
                described,
            )
        ]
        if measured:
            tables.append(Table("Measured scores", ("Model", "Measure", "Value"), measured))
        if rules := tuple(_rules(result)):
            columns = ("Rule", "Scorer", "Documents it is about", "Scores it changed")
            tables.append(Table("Rules that hold scores", columns, rules))
        return Block(
            id=self.name,
            title="Models",
            text=(
                *(f"{card.name}: {card.summary}" for card in cards),
                *((check.evidence,) if check else ()),
            ),
            figures=check.figures if check else (),
            tables=tuple(tables),
            status="" if check is None else "pass" if check.status == "pass" else "warning",
        )


def _mark(card: ModelCard, sessions: NDArray[np.datetime64]) -> str:
    """Whether the model's scores are contaminated, for a cell."""
    seen = share_known(card, sessions)
    return "no" if seen == 0.0 else f"contaminated: {seen:.0%} of sessions"


def _rules(result: RunResult) -> Iterator[tuple[str, str, int, int]]:
    """What each rule of the backtest file was used for."""
    for scorer, usage in sorted(result.manifest.get("rules", {}).items()):
        for name, counts in usage.items():
            yield name, scorer, counts["met"], counts["changed"]


def _measured(metrics: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str | float]]:
    """Every number and word of nested metrics, by its path; lists are left to the card."""
    for key, value in sorted(metrics.items()):
        measure = f"{before}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _measured(value, f"{measure}, ")
        elif isinstance(value, int | float | str):
            yield measure, value
