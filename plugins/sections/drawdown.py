"""How far the account fell, how often and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat import risk
from finstrat.components import Section
from finstrat.report.assess import column, growth_of, session_dates
from finstrat.report.block import Block, Table
from finstrat.report.chart import area_chart

if TYPE_CHECKING:
    from finstrat.store import RunResult

DEEPEST = 5
"""How many drawdowns the table lists."""


class DrawdownSection(Section):
    """Falls from the highest value so far, the initial capital included."""

    name = "drawdown"
    version = "1"
    serves = ("backtest", "returns")
    order = 30

    def build(self, result: RunResult) -> Block:
        """The drawdown over time and the deepest ones."""
        net = column(result, "net")
        fall = risk.drawdowns(net)
        deepest = risk.max_drawdown(net)
        depth = "unknown" if deepest.value is None else f"{deepest.value:.1%}"
        return Block(
            id=self.name,
            title="Drawdown",
            figures=(
                ("Deepest drawdown", deepest),
                ("Deepest drawdown, benchmark", risk.max_drawdown(column(result, "benchmark"))),
                ("Longest drawdown", risk.longest_drawdown(net)),
                ("Calmar ratio", risk.calmar(growth_of(result), deepest)),
            ),
            charts=(
                area_chart(
                    pd.Series(fall, index=result.sessions.index),
                    title="Fall from the highest value so far",
                    alt=f"Filled line over time; the deepest fall is {depth}.",
                    axis="drawdown",
                    number=".0%",
                    keep="lowest",
                ),
            ),
            tables=(
                Table(
                    "Deepest drawdowns",
                    ("First session below", "Lowest session", "Depth, %", "Sessions", "Recovered"),
                    _episodes(fall, session_dates(result)),
                ),
            ),
        )


def _episodes(
    fall: np.ndarray, days: np.ndarray
) -> tuple[tuple[str | float | int | None, ...], ...]:
    """The deepest stretches below a high: start, lowest, depth, sessions, first session back."""
    below = np.nan_to_num(fall) < -1e-12
    edges = np.flatnonzero(np.diff(np.concatenate([[False], below, [False]])))
    spans = [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
    spans.sort(key=lambda span: (np.nanmin(fall[span[0] : span[1]]), span[0]))
    return tuple(
        (
            str(days[start]),
            str(days[start + int(np.nanargmin(fall[start:stop]))]),
            round(float(np.nanmin(fall[start:stop])) * 100, 2),
            stop - start,
            str(days[stop]) if stop < len(days) else "not yet",
        )
        for start, stop in spans[:DEEPEST]
    )
