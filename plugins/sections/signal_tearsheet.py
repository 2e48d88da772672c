"""What each signal said about returns, before any account traded on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.components import Section
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, INK, ORANGE, SCHEMA, line_chart
from finstrat.validate.verdict import recorded_figures

if TYPE_CHECKING:
    from finstrat.report.assess import Labelled
    from finstrat.risk.figure import Figure
    from finstrat.store import RunResult

Record = dict[str, Any]

DRAWN = 2
"""Outputs that get charts of their own; the tables hold all."""

TOGETHER = 5
"""Lines of the chart of all."""

MEANING = {
    "asset": "Rank IC: Spearman's correlation of a signal with returns over the assets of a "
    "session, averaged over sessions.",
    "market": "A signal about the market as a whole is held against the mean return of the "
    "members, by rank, over time; its fifths are of sessions, drawn with hindsight.",
}
STEADINESS = {
    "asset": (
        "Steadiness, coverage, and IC that can't be earned",
        ("IC, same session", "IC, at this close", "Turnover", "Coverage", "Autocorrelation"),
    ),
    "market": (
        "Steadiness of signals about the market, and correlation that can't be earned",
        ("Same session", "Known sessions", "Autocorrelation"),
    ),
}
"""Tables of what a record calls its figures, and short names for them in the record's order."""

NO_PROOF = "No account, cost or number of trials enters: a good tearsheet is no proof."


class SignalTearsheetSection(Section):
    """IC by horizon, fifths, steadiness and coverage of each signal output."""

    name = "signal-tearsheet"
    version = "2"
    order = 17

    def build(self, result: RunResult) -> Block:
        """Figures and charts of each output, as the run recorded them."""
        title = "Signal tearsheet"
        if not result.signals:
            text = "The run has no signal, or was stored before runs kept a tearsheet."
            return Block(id=self.name, title=title, text=(text,))
        records, repeated = _told_apart(result.signals)
        scopes = {record["scope"] for record in records.values()}
        drawn = list(records)[:DRAWN]
        return Block(
            id=self.name,
            title=title,
            text=(
                *(MEANING[scope] for scope in MEANING if scope in scopes),
                NO_PROOF,
                *repeated,
                *dict.fromkeys(filter(None, map(_not_split, records.values()))),
            ),
            figures=tuple(
                pair
                for key, record in records.items()
                for pair in _figures(key if len(records) > 1 else "", record)
            ),
            charts=(
                *(chart for key in drawn for chart in _charts(key, records[key])),
                *_cumulative(records),
            ),
            tables=(
                _decay(records),
                _fifths(records),
                *(_steadiness(records, scope) for scope in MEANING if scope in scopes),
            ),
        )


def _told_apart(records: dict[str, Record]) -> tuple[dict[str, Record], tuple[str, ...]]:
    """The outputs that differ in what was measured, and a line on each that repeats another.

    All is measured by rank, so a monotone transform of an output has its record to the last digit.
    Outputs of which nothing is known are kept, each with its reasons.
    """
    kept: dict[str, Record] = {}
    lines = []
    for key, record in records.items():
        same = next((other for other, its in kept.items() if its == record), None)
        if same is None or not record["months"]:
            kept[key] = record
        else:
            lines.append(
                f"{key} ranks as {same} does at every session, so its figures are the same; "
                f"{same} alone is shown."
            )
    return kept, tuple(lines)


def _of(pairs: list[Any]) -> Labelled:
    """Recorded pairs of a word and a figure."""
    return recorded_figures({"figures": pairs})


def _figures(key: str, record: Record) -> Labelled:
    before = f"{key}: " if key else ""
    split = [[f"IC, 1 session: {label[0].lower()}{label[1:]}", f] for label, f in record["split"]]
    if _not_split(record):
        split = []
    horizon, first = record["decay"][0]
    pairs = [
        [f"From the next fill, {horizon} session", first],
        ["Highest less lowest fifth", record["spread"]],
        *split,
    ]
    return tuple((f"{before}{label}", figure) for label, figure in _of(pairs))


def _not_split(record: Record) -> str:
    """Why the IC isn't split at the models' cutoff; empty where it is, or nothing was read."""
    for label, figure in _of(record["split"]):
        if figure.value is None and figure.n == 0:
            day = record["cutoff"]
            at = f", {day}: {label[0].lower()}{label[1:]}, " if day else ": "
            return f"The IC isn't split at the models' cutoff{at}{figure.reason_if_null}."
    return ""


def _cells(figure: Figure, *, scale: float, decimals: int) -> tuple[float | None, ...]:
    """Value and bounds for a table or a chart; None where unknown."""
    numbers = (figure.value, *(figure.ci or (None, None)))
    return tuple(None if x is None else round(x * scale, decimals) for x in numbers)


def _wide(figures: Labelled, *, scale: float, decimals: int) -> tuple[float | None, ...]:
    """Each value and half of its interval, for one row of a table; None where unknown."""
    row: list[float | None] = []
    for _, figure in figures:
        value, low, high = _cells(figure, scale=scale, decimals=decimals)
        half = None if low is None or high is None else round((high - low) / 2, decimals)
        row += [value, half]
    return tuple(row)


def _decay(records: dict[str, Record]) -> Table:
    horizons = [horizon for horizon, _ in next(iter(records.values()))["decay"]]
    return Table(
        "Rank IC from the next fill, by sessions held",
        ("Signal", *(name for each in horizons for name in (str(each), "±"))),
        tuple(
            (key, *_wide(_of(record["decay"]), scale=1.0, decimals=3))
            for key, record in records.items()
        ),
        note="±: half of a 90 % HAC interval with at least as many lags as returns overlap.",
    )


def _fifths(records: dict[str, Record]) -> Table:
    names = [label for label, _ in next(iter(records.values()))["fifths"]]
    return Table(
        "Mean return over one session from the next fill, by fifth of the signal, basis points",
        ("Signal", *(name for each in names for name in (each, "±"))),
        tuple(
            (key, *_wide(_of(record["fifths"]), scale=1e4, decimals=1))
            for key, record in records.items()
        ),
        note="Fifth 1 has the lowest values; ±: half of a 90 % interval. A dash: not known.",
    )


def _steadiness(records: dict[str, Record], scope: str) -> Table:
    """How each output of a scope goes on and covers, and what nobody could trade on."""
    of_scope = {
        key: _of(each["figures"]) for key, each in records.items() if each["scope"] == scope
    }
    title, names = STEADINESS[scope]
    return Table(
        title,
        ("Signal", *names),
        tuple(
            (key, *(_cells(figure, scale=1.0, decimals=4)[0] for _, figure in figures))
            for key, figures in of_scope.items()
        ),
    )


def _charts(key: str, record: Record) -> tuple[Chart, ...]:
    decay = [
        (str(horizon), *_cells(figure, scale=1.0, decimals=5))
        for horizon, figure in _of(record["decay"])
    ]
    fifths = [
        (label.rpartition(" ")[2], *_cells(figure, scale=1e4, decimals=3))
        for label, figure in _of(record["fifths"])
    ]
    return (
        *_bars(
            decay,
            title=f"{key}: rank IC by sessions held from the next fill",
            x="sessions held",
            axis="rank IC",
            colour=BLUE,
        ),
        *_bars(
            fifths,
            title=f"{key}: mean return after each fifth, one session",
            x="fifth of the signal, lowest first",
            axis="basis points",
            colour=ORANGE,
        ),
    )


def _bars(
    rows: list[tuple[Any, ...]], *, title: str, x: str, axis: str, colour: str
) -> tuple[Chart, ...]:
    """Bars with their intervals as rules; nothing where no bar is known."""
    values = [
        {"at": at, "mean": mean, "low": low, "high": high}
        for at, mean, low, high in rows
        if mean is not None
    ]
    if not values:
        return ()
    tooltip = [
        {"field": "at", "type": "ordinal", "title": x},
        *(
            {"field": name, "type": "quantitative", "title": name.capitalize()}
            for name in ("mean", "low", "high")
        ),
    ]
    return (
        Chart(
            title=title,
            alt=f"Bars of {axis}: "
            + "; ".join(f"{row['at']}, {row['mean']:.3g}" for row in values)
            + ".",
            spec={
                "$schema": SCHEMA,
                "width": "container",
                "height": 180,
                "autosize": {"type": "fit", "contains": "padding"},
                "data": {"values": values},
                "encoding": {
                    "x": {
                        "field": "at",
                        "type": "ordinal",
                        "sort": [row["at"] for row in values],
                        "title": x,
                        "axis": {"labelAngle": 0},
                    }
                },
                "layer": [
                    {
                        # An interval must be seen on its bar in both schemes.
                        "mark": {"type": "bar", "color": colour, "opacity": 0.5},
                        "encoding": {
                            "y": {"field": "mean", "type": "quantitative", "title": axis},
                            "tooltip": tooltip,
                        },
                    },
                    {
                        "transform": [{"filter": "isValid(datum.low)"}],
                        "mark": {"type": "rule", "strokeWidth": 1.5, "color": INK},
                        "encoding": {
                            "y": {"field": "low", "type": "quantitative", "title": axis},
                            "y2": {"field": "high"},
                        },
                    },
                ],
            },
        ),
    )


def _cumulative(records: dict[str, Record]) -> tuple[Chart, ...]:
    """The sum of the IC up to each month, of the first few outputs that have one."""
    # A name may hold a dot, which Vega reads as nesting.
    lines = {
        key.replace(".", " "): pd.Series(
            np.cumsum([month[1] for month in record["months"]]),
            index=pd.DatetimeIndex([f"{month[0]}-01" for month in record["months"]]),
        )
        for key, record in records.items()
        if len(record["months"]) > 1
    }
    shown = dict(list(lines.items())[:TOGETHER])
    if not shown:
        return ()
    frame = pd.DataFrame(shown).sort_index()
    ends = "; ".join(f"{key} ends at {line.iloc[-1]:.2f}" for key, line in shown.items())
    return (
        line_chart(
            frame,
            title="Cumulative IC over one session, by month",
            alt=f"Lines over time, the sum of the sessions' rank IC: {ends}.",
            axis="sum of the IC",
            number=".2f",
        ),
    )
