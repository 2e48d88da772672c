"""The verdict and the checks it rests on. It judges nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finstrat import risk
from finstrat.components import Section
from finstrat.report.assess import verdict_of
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, ORANGE, SCHEMA
from finstrat.validate.luck import NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.report.assess import Labelled
    from finstrat.store import RunResult

STATUS: dict[str, Literal["pass", "warning", "fail"]] = {
    "supported": "pass",
    "inconclusive": "warning",
    "refuted": "fail",
}


class VerdictSection(Section):
    """What the run shows, and what was not checked."""

    name = "verdict"
    version = "1"
    serves = ("backtest", "credit")
    order = 10

    def build(self, result: RunResult) -> Block:
        """Every check with its evidence and figures, how many runs were tried, and the placebos."""
        verdict = verdict_of(result)
        figures: Labelled = tuple(pair for check in verdict.checks for pair in check.figures)
        return Block(
            id=self.name,
            title="Checks behind the verdict",
            figures=figures
            if result.kind == "credit"
            else (*figures, ("Runs tried", _trials(result))),
            charts=_placebo_charts(result.checks.get("placebo")),
            tables=(
                Table(
                    "Checks",
                    ("Check", "Status", "Evidence"),
                    tuple((check.name, check.status, check.evidence) for check in verdict.checks),
                    note="A check that was not run is never a pass"
                    + ("." if result.kind == "credit" else "; finstrat audit makes them."),
                ),
            ),
            status=STATUS[verdict.outcome],
        )


def _trials(result: RunResult) -> risk.Figure:
    """How many runs were tried on this universe and span."""
    total = result.trials.get("total")
    if total is None:
        return risk.unknown("trials.total", n=0, reason="this run was not entered in a ledger")
    return risk.known("trials.total", total, n=int(total))


def _placebo_charts(record: Any) -> tuple[Chart, ...]:  # noqa: ANN401 - a record may hold anything
    """For each kind of placebo what it earned, with the run's own mean; none without placebos."""
    placebos = record.get("placebos") if isinstance(record, dict) else None
    if not isinstance(placebos, dict):
        return ()
    return tuple(
        _histogram(NAMES[kind], np.asarray(earned) * 1e4, float(record["own"]) * 1e4)
        for kind, earned in placebos.items()
    )


def _histogram(name: str, draws: NDArray[np.float64], own: float) -> Chart:
    """What the placebos of one kind earned, in basis points, and the run."""
    counts, edges = np.histogram(draws, bins=min(30, max(8, len(draws) // 8)))
    bins = [
        {"low": round(float(low), 4), "high": round(float(high), 4), "count": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    axis = "mean daily return before costs, basis points"
    return Chart(
        title=f"The run among its placebos: {name}",
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
                        "tooltip": [{"field": "own", "type": "quantitative", "title": "This run"}],
                    },
                },
            ],
        },
    )
