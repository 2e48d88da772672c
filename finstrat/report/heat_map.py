"""A figure over two keys as a heat map whose colours say the sign first, and then how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finstrat.report.block import Chart
from finstrat.report.chart import INK, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

LOSSES = ("#d98a52", "#ebb68f", "#f7e2d1")
GAINS = ("#dcebf6", "#a5cde9", "#66aadb")
"""`page.js` knows these colours by their values."""

ROOM, LEAST_ROOM = 34, 30
"""Pixels of a cell that hold a number like −0.26 in the usual size, and in the least readable."""


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
    # A title above the labels takes nothing from the width of the cells.
    above = {"titleAngle": 0, "titleAlign": "right", "titleX": -6, "titleY": -8}
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
                "y": {
                    "field": "y",
                    "type": "ordinal",
                    "sort": rows,
                    "title": y,
                    "axis": {**axis, **above},
                },
            },
            "layer": [mark, cell_numbers(figure, columns=len(columns), number=".2f")],
        },
    )


def cell_numbers(figure: str, *, columns: int, number: Literal[".1f", ".2f"]) -> dict[str, Any]:
    """A layer of numbers in the cells, drawn where they have room; else pointing at one tells."""
    return {
        "mark": {
            "type": "text",
            "color": INK,
            "fontSize": {"expr": f"width < {ROOM * columns} ? 10 : 11"},
            "opacity": {"expr": f"width < {LEAST_ROOM * columns} ? 0 : 1"},
        },
        "encoding": {"text": {"field": figure, "type": "quantitative", "format": number}},
    }


def _thirds(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """Two bounds between the thirds of `values`, rounded; rising and on one side of 0."""
    if not values.size:
        return []
    return [float(each) for each in np.quantile(values, [1 / 3, 2 / 3])]
