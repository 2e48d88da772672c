"""When prices move and when the texts are known: what an audit found, and no verdict rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat.components import Section
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, GREY, ORANGE, SCHEMA
from finstrat.validate.verdict import recorded_figures

if TYPE_CHECKING:
    from finstrat.report.assess import Labelled
    from finstrat.store import RunResult

Record = dict[str, Any]


class TimingSection(Section):
    """Signals known earlier or later, and prices around the texts, as diagnostics."""

    name = "timing"
    version = "1"
    order = 15

    def build(self, result: RunResult) -> Block:
        """What the run would earn at lags of its signals, and prices around the strongest texts."""
        lags, events = (result.checks.get(name) for name in ("lags", "event-study"))
        records = [each for each in (lags, events) if isinstance(each, dict)]
        if not records:
            told = "The diagnostics were not run; finstrat audit makes them."
            return Block(id=self.name, title="Timing", text=(told,), status="not run")
        figures: Labelled = tuple(
            pair
            for each in records
            for pair in recorded_figures(each)
            if ", lag " not in pair[0] or pair[0].endswith("lag +0")
        )
        parts = [_of_lags(lags)] if isinstance(lags, dict) else []
        if isinstance(events, dict):
            parts += [_of_study(each) for each in events.get("studies", ())]
        return Block(
            id=self.name,
            title="Timing",
            text=(*(str(each["evidence"]) for each in records), "No verdict rests on this."),
            figures=figures,
            charts=tuple(chart for charts, _ in parts for chart in charts),
            tables=tuple(table for _, tables in parts for table in tables),
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
    axis = "basis points a session"
    return Chart(
        title="Mean return before costs, by lag of the signals",
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
                    "mark": {"type": "rule", "strokeWidth": 1.5, "color": GREY},
                    "encoding": {
                        "y": {"field": "low", "type": "quantitative", "title": axis},
                        "y2": {"field": "high"},
                    },
                },
            ],
        },
    )


KINDS = {"good": ("strongly positive", BLUE), "bad": ("strongly negative", ORANGE)}


def _of_study(study: Record) -> tuple[tuple[Chart, ...], tuple[Table, ...]]:
    """The paths of one scorer's events, drawn and listed; nothing where there were too few."""
    paths = study.get("paths") or {}
    if not paths:
        return (), ()
    scorer, against = str(study["scorer"]), AGAINST[study["about"]]
    paths = {key: paths[key] for key in KINDS if key in paths}
    charts = tuple(_path_chart(scorer, key, path, against) for key, path in paths.items())
    tables = tuple(_path_table(scorer, key, path, against) for key, path in paths.items())
    return charts, tables


_COLUMNS = {
    "mean": "Mean",
    "low": "Low",
    "high": "High",
    "placebo_low": "Random, low",
    "placebo_high": "Random, high",
    "beta_adjusted": "By beta",
}


def _path_table(scorer: str, key: str, path: Record, against: str) -> Table:
    """The cumulative mean by session, with its interval and that of random dates."""
    fields = [field for field in _COLUMNS if field in path]
    rows = zip(
        path["offsets"],
        *([round(value * 1e4, 1) for value in path[field]] for field in fields),
        strict=True,
    )
    return Table(
        f"Around {KINDS[key][0]} texts by {scorer}, basis points",
        ("Session", *(_COLUMNS[field] for field in fields)),
        tuple(rows),
        note=f"Cumulative mean return of {against}, from ten sessions before the one at whose "
        "close a text first counts (0). Intervals hold 90 %; random dates are of the same assets; "
        "by beta is less beta times the benchmark.",
    )


AGAINST = {
    "assets": "an asset less the mean of all",
    "market": "the market less its own average",
}


def _path_chart(scorer: str, key: str, path: Record, against: str) -> Chart:
    """The cumulative mean with its band, over the band of random dates."""
    name, colour = KINDS[key]
    texts, random = f"around {name} texts", "at random dates"
    rows = []
    for i, offset in enumerate(path["offsets"]):
        at = {field: round(path[field][i] * 1e4, 2) for field in BANDS}
        rows += [
            {
                "session": offset,
                "what": random,
                "low": at["placebo_low"],
                "high": at["placebo_high"],
            },
            {
                "session": offset,
                "what": texts,
                "low": at["low"],
                "high": at["high"],
                "mean": at["mean"],
            },
        ]
    axis = "cumulative, basis points"
    session = {
        "field": "session",
        "type": "quantitative",
        "title": "sessions from the first at whose close the text counts",
        "scale": {"nice": False},
        "axis": {"tickMinStep": 1},
    }
    return Chart(
        title=f"Prices around {name} texts, by {scorer}",
        alt=(
            f"Line over sessions -10 to +10: {against}, {path['mean'][10] * 1e4:+.0f} basis points "
            f"by session 0 and {path['mean'][-1] * 1e4:+.0f} by session 10, around "
            f"{path['events']:,} events."
        ),
        spec={
            "$schema": SCHEMA,
            "width": "container",
            "height": 220,
            "autosize": {"type": "fit", "contains": "padding"},
            "data": {"values": rows},
            "encoding": {
                "x": session,
                "color": {
                    "field": "what",
                    "type": "nominal",
                    "title": None,
                    "scale": {"domain": [texts, random], "range": [colour, GREY]},
                    "legend": {"orient": "top"},
                },
            },
            "layer": [
                {
                    "mark": {"type": "area", "opacity": 0.25},
                    "encoding": {
                        "y": {"field": "low", "type": "quantitative", "title": axis},
                        "y2": {"field": "high"},
                    },
                },
                {
                    "transform": [{"filter": "isValid(datum.mean)"}],
                    "mark": {"type": "line", "strokeWidth": 2, "point": True},
                    "encoding": {
                        "y": {"field": "mean", "type": "quantitative", "title": axis},
                        "tooltip": [
                            {"field": "session", "type": "quantitative", "title": "Session"},
                            {"field": "mean", "type": "quantitative", "title": "Mean"},
                            {"field": "low", "type": "quantitative", "title": "Low"},
                            {"field": "high", "type": "quantitative", "title": "High"},
                        ],
                    },
                },
                {
                    "data": {"values": [{"session": 0}]},
                    "mark": {"type": "rule", "color": GREY, "strokeDash": [4, 4]},
                    "encoding": {
                        "x": {"field": "session", "type": "quantitative"},
                        "color": {"value": GREY},
                    },
                },
            ],
        },
    )


BANDS = ("mean", "low", "high", "placebo_low", "placebo_high")
