"""Vega-Lite specifications for the few shapes a report needs.

Specs carry their data and colours that a colour-blind reader can tell apart; they are valid on
their own, and the page swaps their colours for those of the reader's scheme. Numbers are rounded
for the eye: the figures beside a chart are exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finstrat.report.block import Chart

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#8a8f98"
INK = "#1a1e24"
"""Out of Okabe & Ito (2008), and the colour of text; `page.js` knows them by these values."""

SERIES = (BLUE, ORANGE, GREEN, "#cc79a7", "#e69f00")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [4, 4])
"""A second mark of identity beside colour, for print and for readers who see none."""

MOST_POINTS = 2_600
"""Rows of one chart: ten years of sessions. Longer spans are thinned, which the eye can't see."""

ZOOM = [
    {
        "name": "shown",
        "select": {
            "type": "interval",
            "encodings": ["x"],
            # The wheel alone scrolls the page, and a finger on a chart does so too.
            "zoom": "wheel![event.shiftKey]",
            "translate": "[mousedown, window:mouseup] > window:mousemove!",
        },
        "bind": "scales",
    }
]
"""Parameters by which a reader looks closer at a stretch of time."""

ONE_ROW = 24
"""Letters of a legend beyond which it takes more rows than one: what a phone has room for."""

Format = Literal[".0%", ".1%", ".1f", ".2f", ",.0f", "$,.0f"]
Keep = Literal["last", "lowest"]


def line_chart(
    frame: pd.DataFrame,
    *,
    title: str,
    alt: str,
    axis: str,
    number: Format,
    scale: Literal["linear", "log"] = "linear",
    keep: Keep = "last",
) -> Chart:
    """Lines over time, one for each column of `frame` (index: sessions); NaN breaks a line.

    Columns without any number are left out. A span of more than `MOST_POINTS` sessions is
    thinned, keeping the last or the lowest row of each stretch.
    """
    shown = thinned(frame.dropna(axis="columns", how="all"), keep=keep)
    names = [str(name) for name in shown.columns]
    return Chart(
        title=title,
        alt=alt,
        spec={
            **_base(rows(shown), height=280),
            "params": ZOOM,
            "transform": [{"fold": names, "as": ["series", "value"]}],
            "mark": {"type": "line", "strokeWidth": 1.6, "interpolate": "linear", "clip": True},
            "encoding": {
                "x": {"field": "session", "type": "temporal", "title": None},
                "y": {
                    "field": "value",
                    "type": "quantitative",
                    "title": axis,
                    "axis": {"format": number},
                    "scale": {"type": scale, "nice": False, "zero": False},
                },
                "color": _identity(names, list(SERIES[: len(names)]), symbol="stroke"),
                "strokeDash": _identity(
                    names, [list(dash) for dash in DASHES[: len(names)]], symbol="stroke"
                ),
                "tooltip": [
                    {"field": "session", "type": "temporal", "title": "Session"},
                    {"field": "series", "type": "nominal", "title": "Series"},
                    {"field": "value", "type": "quantitative", "title": axis, "format": number},
                ],
            },
        },
    )


def area_chart(
    values: pd.Series, *, title: str, alt: str, axis: str, number: Format, keep: Keep = "last"
) -> Chart:
    """One filled line over time (index: sessions)."""
    shown = thinned(values.to_frame("value"), keep=keep)
    return Chart(
        title=title,
        alt=alt,
        spec={
            **_base(rows(shown), height=200),
            "params": ZOOM,
            "mark": {
                "type": "area",
                "clip": True,
                "line": {"color": ORANGE, "strokeWidth": 1.2},
                "color": ORANGE,
                "fillOpacity": 0.25,
            },
            "encoding": {
                "x": {"field": "session", "type": "temporal", "title": None},
                "y": {
                    "field": "value",
                    "type": "quantitative",
                    "title": axis,
                    "axis": {"format": number},
                },
                "tooltip": [
                    {"field": "session", "type": "temporal", "title": "Session"},
                    {"field": "value", "type": "quantitative", "title": axis, "format": number},
                ],
            },
        },
    )


def bar_chart(
    frame: pd.DataFrame,
    *,
    title: str,
    alt: str,
    axis: str,
    number: Format,
    unit: Literal["yearmonth", "year"],
) -> Chart:
    """Stacked bars, one for each month or year (index: its first day), one part for each column."""
    names = [str(name) for name in frame.columns]
    return Chart(
        title=title,
        alt=alt,
        spec={
            **_base(rows(frame), height=180),
            "transform": [{"fold": names, "as": ["series", "value"]}],
            "mark": {"type": "bar", "binSpacing": 1},
            "encoding": {
                "x": {"field": "session", "type": "temporal", "timeUnit": unit, "title": None},
                "y": {
                    "field": "value",
                    "type": "quantitative",
                    "title": axis,
                    "axis": {"format": number},
                },
                "color": _identity(names, list(SERIES[: len(names)]), symbol="square"),
                "tooltip": [
                    {"field": "session", "type": "temporal", "timeUnit": unit, "title": "Period"},
                    {"field": "series", "type": "nominal", "title": "Series"},
                    {"field": "value", "type": "quantitative", "title": axis, "format": number},
                ],
            },
        },
    )


def lying_bars(
    values: Mapping[str, Mapping[str, float | None]],
    *,
    title: str,
    alt: str,
    axis: str,
    number: Format,
    mark: float | None = None,
) -> Chart:
    """Bars from the left, a group for each key of `values`, in it one for each series.

    `mark` is drawn across all, where a bar should end. What is unknown has no bar.
    """
    names = list(dict.fromkeys(name for of in values.values() for name in of))
    data = [
        {"group": group, "series": name, "value": float(f"{value:.6g}")}
        for group, of in values.items()
        for name, value in of.items()
        if value is not None
    ]
    bars: dict[str, Any] = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": {
                "field": "value",
                "type": "quantitative",
                "title": axis,
                "axis": {"format": number, "grid": True},
            },
            "y": {
                "field": "group",
                "type": "ordinal",
                "sort": list(values),
                "title": None,
                "axis": {"labelLimit": 170, "grid": False},
            },
            "yOffset": {"field": "series", "sort": names},
            "color": _identity(names, list(SERIES[: len(names)]), symbol="square"),
            "tooltip": [
                {"field": "group", "type": "nominal", "title": "Of"},
                {"field": "series", "type": "nominal", "title": "Series"},
                {"field": "value", "type": "quantitative", "title": axis, "format": number},
            ],
        },
    }
    rule = {
        "mark": {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.5, "color": INK},
        "encoding": {"x": {"datum": mark}},
    }
    return Chart(
        title=title,
        alt=alt,
        spec={
            "$schema": SCHEMA,
            "width": "container",
            "height": 70 + len(values) * (12 + 12 * len(names)),
            "autosize": {"type": "fit", "contains": "padding"},
            "data": {"values": data},
            "layer": [bars] if mark is None else [bars, rule],
        },
    )


def thinned(frame: pd.DataFrame, *, keep: Keep, most: int = MOST_POINTS) -> pd.DataFrame:
    """At most `most` rows of `frame`: the last, or the lowest, of every stretch of equal length."""
    if len(frame) <= most:
        return frame
    # Counted back from the end, so that the last session is always shown.
    stretch = np.arange(len(frame))[::-1] // -(-len(frame) // most)
    groups = frame.groupby(stretch[0] - stretch)
    ends = groups.tail(1).index
    reduced = groups.last() if keep == "last" else groups.min()
    return reduced.set_axis(ends, axis="index")


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One object a session, numbers rounded to six significant digits; NaN is null."""
    names = [str(name) for name in frame.columns]
    days = frame.index.to_numpy().astype("datetime64[D]").astype(str)
    table = frame.to_numpy(dtype=np.float64).tolist()
    return [
        {"session": day, **{name: _rounded(x) for name, x in zip(names, line, strict=True)}}
        for day, line in zip(days.tolist(), table, strict=True)
    ]


def _rounded(number: float) -> float | None:
    return None if np.isnan(number) else float(f"{number:.6g}")


def _base(values: list[dict[str, Any]], *, height: int) -> dict[str, Any]:
    """What every spec shares; an ISO date alone would be read as UTC and shown a day early
    west of Greenwich, so its format is spelt out.
    """
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": values, "format": {"parse": {"session": "date:'%Y-%m-%d'"}}},
    }


def _identity(
    names: list[str], values: list[Any], *, symbol: Literal["stroke", "square"]
) -> dict[str, Any]:
    """The encoding that tells series apart; a legend only where there are two."""
    legend: dict[str, Any] | None = None
    if len(names) > 1:
        legend = {"title": None, "orient": "top", "symbolType": symbol}
        if sum(map(len, names)) > ONE_ROW:
            legend["columns"] = 2
    return {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": names, "range": values},
        "legend": legend,
    }
