"""Net returns by calendar month, as a heat map and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.components import Section
from finstrat.report.assess import column
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import SCHEMA
from finstrat.report.heat_map import GAINS, LOSSES, cell_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.store import RunResult

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STEPS = [-6, -2, 0, 2, 6]
"""Percent at which the colour changes; the colours are those of every heat map."""


class MonthlyReturnsSection(Section):
    """Every month of the span; the first and the last may be partial."""

    name = "monthly-returns"
    version = "1"
    serves = ("backtest", "returns")
    order = 40

    def build(self, result: RunResult) -> Block:
        """Compounded net returns by month and year, in percent."""
        net, days = column(result, "net"), pd.DatetimeIndex(result.sessions.index)
        months = _compounded(net, days.to_period("M"))
        years = _compounded(net, days.to_period("Y"))
        by_key = {(period.year, period.month): value for period, value in months.items()}
        table = tuple(
            (str(period.year), *(by_key.get((period.year, m)) for m in range(1, 13)), total)
            for period, total in years.items()
        )
        known = [value for value in months.values() if value is not None]
        alt = "Heat map of months by years"
        if known:
            alt += f"; best month {max(known):+.1f} %, worst {min(known):+.1f} %"
        return Block(
            id=self.name,
            title="Monthly returns",
            charts=(Chart("Net return by month, %", _heat_map(by_key), f"{alt}."),),
            tables=(Table("Net returns, %", ("Year", *MONTHS, "Year total"), table),),
        )


def _compounded(net: NDArray[np.float64], periods: pd.PeriodIndex) -> dict[pd.Period, float | None]:
    """Compounded return of each period in percent; None where no session's return is known."""
    found: dict[pd.Period, float | None] = {}
    for period in periods.unique():
        part = net[np.asarray(periods == period)]
        part = part[~np.isnan(part)]
        found[period] = round((float(np.prod(1.0 + part)) - 1.0) * 100, 2) if len(part) else None
    return found


def _heat_map(by_key: dict[tuple[int, int], float | None]) -> dict[str, Any]:
    """A Vega-Lite heat map of percent by year and month."""
    values = [
        {"year": year, "month": MONTHS[month - 1], "return": value}
        for (year, month), value in by_key.items()
    ]
    years = len({year for year, _ in by_key})
    x = {
        "field": "month",
        "type": "ordinal",
        "sort": list(MONTHS),
        "title": None,
        "axis": {"labelAngle": 0, "domain": False, "ticks": False},
    }
    y = {"field": "year", "type": "ordinal", "title": None, "axis": {"domain": False}}
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": int(np.clip(years * 26, 60, 900)),
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": values},
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 2},
                "encoding": {
                    "color": {
                        "field": "return",
                        "type": "quantitative",
                        "scale": {"type": "threshold", "domain": STEPS, "range": [*LOSSES, *GAINS]},
                        "legend": None,
                    },
                    "tooltip": [
                        {"field": "year", "type": "ordinal", "title": "Year"},
                        {"field": "month", "type": "ordinal", "title": "Month"},
                        {"field": "return", "type": "quantitative", "title": "Return, %"},
                    ],
                },
            },
            cell_numbers("return", columns=len(MONTHS), number=".1f"),
        ],
    }
