"""How much money the strategy could carry: an audit found it, and no verdict rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat import risk
from finstrat.components import Section
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, GREY, SCHEMA
from finstrat.validate.verdict import recorded_figures

if TYPE_CHECKING:
    from finstrat.store import RunResult


class CapacitySection(Section):
    """What is left of the return with ever more capital."""

    name = "capacity"
    version = "1"
    order = 61

    def build(self, result: RunResult) -> Block:
        """The curve over capital, and where it falls to zero; null with the reason without one."""
        record = result.checks.get("capacity")
        if not isinstance(record, dict):
            reason = "not run; finstrat audit trades the run with ever more capital"
            absent = risk.unknown("capital.nothing-left", n=0, reason=reason)
            return Block(
                id=self.name,
                title="Capacity",
                figures=(("Capital at which nothing is left", absent),),
                status="not run",
            )
        curve = record.get("curve") or ()
        market = result.config.get("market", {})
        currency = str(market.get("currency", "")) if isinstance(market, dict) else ""
        return Block(
            id=self.name,
            title="Capacity",
            text=(str(record["evidence"]), "No verdict rests on this."),
            figures=recorded_figures(record),
            charts=(_chart(curve, currency),) if curve else (),
            tables=(_table(curve, record["against"]),) if curve else (),
        )


def _table(curve: list[dict[str, Any]], against: str) -> Table:
    """A row a capital."""
    rows = tuple(
        (
            row["capital"],
            *(_percent(row[name]) for name in ("net", "excess", "cost")),
            row["orders_cut"],
        )
        for row in curve
    )
    columns = ("Capital", "Net a year, %", "Left, %", "Costs a year, %", "Orders cut")
    left = "the twin's with as much capital" if against == "twin" else "nothing: no text is read"
    note = f"What is left is net less {left}. Inference is left out."
    return Table("The same targets with more capital", columns, rows, note=note)


def _percent(value: float | None) -> float | None:
    return None if value is None else round(value * 100, 3)


def _chart(curve: list[dict[str, Any]], currency: str) -> Chart:
    """What is left over capital, on a logarithmic axis."""
    rows = [
        {"capital": row["capital"], "left": float(f"{row['excess']:.6g}")}
        for row in curve
        if row["excess"] is not None
    ]
    shown = f"{rows[0]['left']:.1%} to {rows[-1]['left']:.1%} a year" if rows else "nothing"
    left = {"field": "left", "type": "quantitative", "title": "left a year"}
    return Chart(
        title="What is left, by capital",
        alt=f"Line over {len(curve)} capitals, each ten times the one before: {shown}.",
        spec={
            "$schema": SCHEMA,
            "width": "container",
            "height": 200,
            "autosize": {"type": "fit", "contains": "padding"},
            "layer": [
                {
                    "data": {"values": rows},
                    "mark": {"type": "line", "color": BLUE, "strokeWidth": 2, "point": True},
                    "encoding": {
                        "x": {
                            "field": "capital",
                            "type": "quantitative",
                            "title": f"capital, {currency}".rstrip(", "),
                            "scale": {"type": "log", "nice": False},
                            "axis": {"format": "~s"},
                        },
                        "y": {**left, "axis": {"format": ".1%"}},
                        "tooltip": [
                            {"field": "capital", "type": "quantitative", "title": "Capital"},
                            {**left, "format": ".2%"},
                        ],
                    },
                },
                {
                    "data": {"values": [{"zero": 0}]},
                    "mark": {"type": "rule", "color": GREY, "strokeDash": [4, 4]},
                    "encoding": {"y": {"field": "zero", "type": "quantitative"}},
                },
            ],
        },
    )
