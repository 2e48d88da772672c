"""What the audits of a run found, and what placebo texts would have earned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.components import Section
from finstrat.report.block import Block, Chart
from finstrat.report.chart import BLUE, ORANGE, SCHEMA
from finstrat.validate.verdict import AUDITS, recorded_audit

if TYPE_CHECKING:
    from finstrat.store import RunResult


class ValidationSection(Section):
    """Each audit's evidence in full; an absent one is named as not run."""

    name = "validation"
    version = "1"
    serves = ("backtest",)
    order = 15

    def build(self, result: RunResult) -> Block:
        """The audits in words and figures, and the run among its placebos."""
        checks = [recorded_audit(name, result.checks) for name in AUDITS]
        if not result.checks:
            text: tuple[str, ...] = ("No audit was made of this run; `finstrat audit` makes them.",)
        else:
            text = tuple(f"{check.name.capitalize()}: {check.evidence}" for check in checks)
        statuses = {check.status for check in checks}
        return Block(
            id=self.name,
            title="Audits",
            text=text,
            figures=tuple(pair for check in checks for pair in check.figures),
            charts=_placebo_chart(result.checks.get("placebo")),
            status=(
                "not run"
                if not result.checks
                else "fail"
                if "fail" in statuses
                else "warning"
                if statuses & {"inconclusive", "not run"}
                else "pass"
            ),
        )


def _placebo_chart(record: Any) -> tuple[Chart, ...]:  # noqa: ANN401 - a record may hold anything
    """A histogram of what the placebos earned, with the run's own mean; none without placebos."""
    if not isinstance(record, dict) or not record.get("draws"):
        return ()
    draws, own = np.asarray(record["draws"]) * 1e4, float(record["own"]) * 1e4
    counts, edges = np.histogram(draws, bins=min(30, max(8, len(draws) // 8)))
    bins = [
        {"low": round(float(low), 4), "high": round(float(high), 4), "count": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    axis = "mean daily return before costs, basis points"
    return (
        Chart(
            title="The run among its placebos",
            alt=(
                f"Histogram of {len(draws)} placebos between {draws.min():.2f} and "
                f"{draws.max():.2f} basis points a session; the run itself earned {own:.2f}."
            ),
            spec={
                "$schema": SCHEMA,
                "width": "container",
                "height": 180,
                "autosize": {"type": "fit", "contains": "padding"},
                "layer": [
                    {
                        "data": {"values": bins},
                        "mark": {"type": "bar", "color": BLUE, "binSpacing": 1},
                        "encoding": {
                            "x": {
                                "field": "low",
                                "type": "quantitative",
                                "bin": "binned",
                                "title": axis,
                            },
                            "x2": {"field": "high"},
                            "y": {"field": "count", "type": "quantitative", "title": "placebos"},
                            "tooltip": [
                                {"field": "low", "type": "quantitative", "title": "From"},
                                {"field": "high", "type": "quantitative", "title": "To"},
                                {"field": "count", "type": "quantitative", "title": "Placebos"},
                            ],
                        },
                    },
                    {
                        "data": {"values": [{"own": round(own, 4)}]},
                        "mark": {"type": "rule", "color": ORANGE, "strokeWidth": 2.5},
                        "encoding": {
                            "x": {"field": "own", "type": "quantitative"},
                            "tooltip": [
                                {"field": "own", "type": "quantitative", "title": "This run"}
                            ],
                        },
                    },
                ],
            },
        ),
    )
