"""Whether default probabilities came true, band by band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.components import Section
from finstrat.credit.bands import band_names
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, ORANGE, SCHEMA
from finstrat.report.credit import expected_rate, judged, measures, observed_rate
from finstrat.risk import credit

if TYPE_CHECKING:
    from finstrat.risk.credit import BandRecord
    from finstrat.store import RunResult


class CreditCalibrationSection(Section):
    """Rating bands with what was expected and what happened, and the calibration slope."""

    name = "credit-calibration"
    version = "1"
    serves = ("credit",)
    order = 30

    def build(self, result: RunResult) -> Block:
        """One row a band; a band whose mean probability lies outside its interval is marked."""
        rows = judged(result)
        edges = result.config["bands"]
        records = credit.by_band(
            rows["probability"].to_numpy(dtype=np.float64),
            rows["defaulted"].to_numpy(dtype=bool),
            rows["band"].tolist(),
            band_names(edges),
        )
        off = sum(_agrees(record) == "no" for record in records)
        held = sum(record.count > 0 for record in records)
        text = (
            f"{off} of {held} bands with borrowers have a mean probability outside the interval of "
            "what happened; one in ten does so by chance alone."
        )
        return Block(
            id=self.name,
            title="Calibration and rating bands",
            text=(text,),
            figures=(
                ("Calibration slope", measures(result)["credit.calibration-slope"]),
                ("Mean probability", expected_rate(result)),
                ("Default rate", observed_rate(result)),
            ),
            tables=(
                Table(
                    "Rating bands",
                    (
                        "Band",
                        "Probability up to, %",
                        "Borrowers",
                        "Expected, %",
                        "Defaulted, %",
                        "90 % from",
                        "to",
                        "Agrees",
                    ),
                    tuple(
                        _row(record, edge)
                        for record, edge in zip(records, [*edges, 1.0], strict=True)
                    ),
                    note="Intervals by Jeffreys' prior. Band 1 is the safest.",
                ),
            ),
            charts=_chart(records),
        )


def _agrees(record: BandRecord) -> str:
    ci = record.observed.ci
    if record.expected is None or ci is None:
        return "–"
    return "yes" if ci[0] <= record.expected <= ci[1] else "no"


def _row(record: BandRecord, edge: float) -> tuple[str | float | int | None, ...]:
    def percent(share: float | None) -> float | None:
        return None if share is None else round(share * 100, 3)

    low, high = record.observed.ci or (None, None)
    return (
        record.band,
        percent(edge),
        record.count,
        percent(record.expected),
        percent(record.observed.value),
        percent(low),
        percent(high),
        _agrees(record),
    )


def _chart(records: list[BandRecord]) -> tuple[Chart, ...]:
    """Expected and observed default rates of each band that holds anyone."""
    held = [record for record in records if record.count]
    if not held:
        return ()
    rows = [
        {
            "band": record.band,
            "expected": round(float(record.expected or 0.0), 6),
            "observed": round(float(record.observed.value or 0.0), 6),
            "low": round(record.observed.ci[0], 6) if record.observed.ci else None,
            "high": round(record.observed.ci[1], 6) if record.observed.ci else None,
            "count": record.count,
        }
        for record in held
    ]

    def of(field: str) -> dict[str, object]:
        return {
            "field": field,
            "type": "quantitative",
            "title": "default rate",
            "axis": {"format": ".0%"},
        }

    band = {
        "field": "band",
        "type": "ordinal",
        "title": "band",
        "sort": None,
        "axis": {"labelAngle": 0},
    }
    tooltip = [
        {"field": "band", "type": "ordinal", "title": "Band"},
        {"field": "count", "type": "quantitative", "title": "Borrowers", "format": ",.0f"},
        {"field": "expected", "type": "quantitative", "title": "Expected", "format": ".2%"},
        {"field": "observed", "type": "quantitative", "title": "Defaulted", "format": ".2%"},
    ]
    worst = held[-1]
    return (
        Chart(
            title="Expected (orange tick) and observed (blue point, 90 % interval) by band",
            alt=(
                f"{len(held)} bands; in band {worst.band}, the riskiest, "
                f"{worst.expected or 0:.0%} were expected and {worst.observed.value or 0:.0%} "
                "defaulted."
            ),
            spec={
                "$schema": SCHEMA,
                "width": "container",
                "height": 280,
                "autosize": {"type": "fit", "contains": "padding"},
                "data": {"values": rows},
                "layer": [
                    {
                        "mark": {"type": "rule", "color": BLUE, "strokeWidth": 2},
                        "encoding": {"x": band, "y": of("low"), "y2": {"field": "high"}},
                    },
                    {
                        "mark": {"type": "point", "filled": True, "size": 70, "color": BLUE},
                        "encoding": {"x": band, "y": of("observed"), "tooltip": tooltip},
                    },
                    {
                        "mark": {"type": "tick", "color": ORANGE, "thickness": 3, "size": 26},
                        "encoding": {"x": band, "y": of("expected"), "tooltip": tooltip},
                    },
                ],
            },
        ),
    )
