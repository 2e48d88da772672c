"""A figure over two keys as a heat map whose colours say the sign first, and then how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.report.block import Chart
from finstrat.report.chart import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

LOSSES = ("#d98a52", "#ebb68f", "#f7e2d1")
GAINS = ("#dcebf6", "#a5cde9", "#66aadb")
INK = "#1a1e24"
"""`page.js` knows these colours by their values."""

WIDEST = 16
"""Columns from which numbers in the cells couldn't be read; pointing at a cell still tells."""


def heat_map(
    cells: Sequence[dict[str, Any]],
    *,
    x: str,
    y: str,
    figure: str,
    title: str,
    alt: str,
    also: Sequence[str] = (),
) -> Chart:
    """Cells with the texts `x` and `y` and the number `figure`, in the order in which they come.

    Gains and losses have three shades each, by thirds of the gains and of the losses; `also` are
    numbers shown where the reader points.
    """
    columns = list(dict.fromkeys(cell[x] for cell in cells))
    rows = list(dict.fromkeys(cell[y] for cell in cells))
    known = np.array([cell[figure] for cell in cells if cell[figure] is not None], dtype=np.float64)
    losses, gains = _thirds(known[known < 0]), _thirds(known[known > 0])
    # A threshold scale has one colour more than bounds.
    colours = [*(LOSSES if losses else LOSSES[-1:]), *(GAINS if gains else GAINS[:1])]
    # A key may hold dots, which Vega reads as nesting.
    data = [
        {"x": cell[x], "y": cell[y], **{name: cell[name] for name in (figure, *also)}}
        for cell in cells
    ]
    axis = {"domain": False, "ticks": False, "labelAngle": 0, "labelLimit": 160}
    mark: dict[str, Any] = {
        "mark": {"type": "rect", "cornerRadius": 2},
        "encoding": {
            "color": {
                "field": figure,
                "type": "quantitative",
                "scale": {"type": "threshold", "domain": [*losses, 0.0, *gains], "range": colours},
                "legend": None,
            },
            "tooltip": [
                {"field": "x", "type": "nominal", "title": x},
                {"field": "y", "type": "nominal", "title": y},
                *(
                    {"field": name, "type": "quantitative", "title": name, "format": ".2f"}
                    for name in (figure, *also)
                ),
            ],
        },
    }
    text = {
        "mark": {"type": "text", "color": INK, "fontSize": 11},
        "encoding": {"text": {"field": figure, "type": "quantitative", "format": ".2f"}},
    }
    return Chart(
        title=title,
        alt=alt,
        spec={
            "$schema": SCHEMA,
            "width": "container",
            "height": int(np.clip(len(rows) * 30 + 100, 160, 900)),
            "autosize": {"type": "fit", "contains": "padding"},
            "data": {"values": data},
            "encoding": {
                "x": {"field": "x", "type": "ordinal", "sort": columns, "title": x, "axis": axis},
                "y": {"field": "y", "type": "ordinal", "sort": rows, "title": y, "axis": axis},
            },
            "layer": [mark, *([text] if len(columns) <= WIDEST else [])],
        },
    )


def _thirds(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """Two bounds between the thirds of `values`, rounded; rising and on one side of 0."""
    if not values.size:
        return []
    return [float(each) for each in np.quantile(values, [1 / 3, 2 / 3])]
