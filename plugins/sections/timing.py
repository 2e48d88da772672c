"""When prices move and when the texts are known: what an audit found, and no verdict rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat.components import Section
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, ORANGE, SCHEMA
from finstrat.validate.verdict import recorded_figures

if TYPE_CHECKING:
    from finstrat.report.assess import Labelled
    from finstrat.store import RunResult

Record = dict[str, Any]


class TimingSection(Section):
    """Signals known earlier or later than they are, as diagnostics."""

    name = "timing"
    version = "1"
    order = 15

    def build(self, result: RunResult) -> Block:
        """What the run would earn at lags of its signals."""
        lags = result.checks.get("lags")
        if not isinstance(lags, dict):
            told = "The diagnostics were not run; finstrat audit makes them."
            return Block(id=self.name, title="Timing", text=(told,), status="not run")
        charts, tables = _of_lags(lags)
        figures: Labelled = tuple(
            pair for pair in recorded_figures(lags) if pair[0].endswith("lag +0")
        )
        return Block(
            id=self.name,
            title="Timing",
            text=(str(lags["evidence"]), "No verdict rests on this."),
            figures=figures,
            charts=charts,
            tables=tables,
        )


def _of_lags(record: Record) -> tuple[tuple[Chart, ...], tuple[Table, ...]]:
    """The mean return at every lag, drawn and listed; nothing where there is none."""
    rows = [
        {
            "lag": row["lag"],
            **{
                key: None if row[key] is None else row[key] * 1e4 for key in ("mean", "low", "high")
            },
        }
        for row in record.get("lags", ())
    ]
    if not rows:
        return (), ()
    best = max(rows, key=lambda row: row["mean"])
    table = Table(
        "Signals lagged",
        ("Lag, sessions", "Mean, bp", "Low", "High"),
        tuple(
            (row["lag"], *(_rounded(row[key]) for key in ("mean", "low", "high"))) for row in rows
        ),
        note="A positive lag trades on older signals, a negative one on what nobody had yet. "
        "Mean daily return before costs, with its 90 % interval.",
    )
    return (_lag_chart(rows, best["lag"]),), (table,)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _lag_chart(rows: list[dict[str, Any]], best: int) -> Chart:
    """Bars of the mean by lag, the run's own apart, with intervals as rules."""
    shown = [
        {key: _rounded(value) if key != "lag" else value for key, value in row.items()}
        | {"own": "as it trades" if row["lag"] == 0 else "lagged"}
        for row in rows
    ]
    lag = {"field": "lag", "type": "ordinal", "title": "lag of the signals, sessions"}
    axis = "mean daily return before costs, basis points"
    return Chart(
        title="What the run would earn, by lag of its signals",
        alt=(
            f"Bars over lags from {rows[0]['lag']:+d} to {rows[-1]['lag']:+d} sessions; the "
            f"highest is at {best:+d}."
        ),
        spec={
            "$schema": SCHEMA,
            "width": "container",
            "height": 180,
            "autosize": {"type": "fit", "contains": "padding"},
            "data": {"values": shown},
            "encoding": {"x": {**lag, "axis": {"labelAngle": 0}}},
            "layer": [
                {
                    "mark": {"type": "bar"},
                    "encoding": {
                        "y": {"field": "mean", "type": "quantitative", "title": axis},
                        "color": {
                            "field": "own",
                            "type": "nominal",
                            "title": None,
                            "scale": {
                                "domain": ["as it trades", "lagged"],
                                "range": [ORANGE, BLUE],
                            },
                            "legend": {"orient": "top"},
                        },
                        "tooltip": [
                            {"field": "lag", "type": "ordinal", "title": "Lag"},
                            {"field": "mean", "type": "quantitative", "title": "Mean"},
                            {"field": "low", "type": "quantitative", "title": "Low"},
                            {"field": "high", "type": "quantitative", "title": "High"},
                        ],
                    },
                },
                {
                    "transform": [{"filter": "isValid(datum.low)"}],
                    "mark": {"type": "rule", "strokeWidth": 1.5},
                    "encoding": {
                        "y": {"field": "low", "type": "quantitative", "title": axis},
                        "y2": {"field": "high"},
                    },
                },
            ],
        },
    )
