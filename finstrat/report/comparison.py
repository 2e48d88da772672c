"""The page of several finished runs side by side.

Returns are compared over the sessions that all of them have; every other figure is the run's own,
over its own span. Nothing here says which run is better: picking the best of many is a trial of
each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.errors import DataError
from finstrat.report.block import Block, Table
from finstrat.report.chart import line_chart
from finstrat.report.document import Document, Opening
from finstrat.report.html import figure_text
from finstrat.risk.conventions import known, unknown
from finstrat.validate.bootstrap import bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.risk.figure import Figure
    from finstrat.store import RunResult

SCOPE = (
    "Figures of a run are over its own span; differences of returns are over the sessions that all "
    "runs have. The best of several is partly the luckiest: the audit of each counts the others."
)


@dataclass(frozen=True)
class Compared:
    """One run of a comparison.

    Attributes:
        name: its id.
        result: as stored.
        report: its `report.json`.
        config: its configuration as dotted keys.
    """

    name: str
    result: RunResult
    report: dict[str, Any]
    config: dict[str, str]


def comparison_page(runs: Sequence[Compared]) -> Document:
    """The document of two runs or more; differences are those from the first.

    Raises:
        DataError: a run has no daily returns (a credit report), or no session is common to all.
    """
    for each in runs:
        if "net" not in each.result.sessions:
            raise DataError(
                f"{each.name}: a result of kind {each.result.kind} has no daily returns"
            )
    net = pd.concat({each.name: each.result.sessions["net"] for each in runs}, axis=1, join="inner")
    if net.empty:
        raise DataError(f"{' and '.join(each.name for each in runs)} have no session in common")
    days = net.index
    first = runs[0].name
    outcomes = ", ".join(f"{each.name} {each.report['verdict']['outcome']}" for each in runs)
    return Document(
        kind="comparison",
        name=f"{len(runs)} runs side by side",
        kicker="Comparison of runs",
        standing="Research, not a decision: nothing here was approved or rejected.",
        span={
            "start": str(days[0].date()),
            "end": str(days[-1].date()),
            "sessions": len(days),
        },
        opening=Opening("inconclusive", "Side by side", (f"Verdicts: {outcomes}.", SCOPE)),
        blocks=(
            Block(
                id="growth",
                title="Growth over the common sessions",
                figures=tuple(
                    (f"Daily mean, {each.name} less {first}", _difference(net, each, runs[0]))
                    for each in runs[1:]
                ),
                charts=(
                    line_chart(
                        (1.0 + net.fillna(0.0)).cumprod(),
                        title="Growth of 1",
                        alt=f"Lines over time, one for each of {len(runs)} runs, net of costs.",
                        axis="value of 1 invested",
                        number=".2f",
                    ),
                ),
                tables=(_correlations(net),),
            ),
            Block(
                id="figures",
                title="Figures and checks",
                tables=(_headlines(runs), _checks(runs)),
            ),
            Block(id="configuration", title="What differs", tables=(_settings(runs),)),
        ),
    )


def _difference(net: pd.DataFrame, run: Compared, first: Compared) -> Figure:
    """Mean daily net return less the first run's, with its bootstrap interval."""
    pairs = net[[run.name, first.name]].dropna().to_numpy()
    gap = pairs[:, 0] - pairs[:, 1]
    if not len(gap):
        return unknown("difference.daily-mean", n=0, reason="no session has both returns")
    interval = bootstrap_interval(gap, np.mean, seed=0)
    return known(
        "difference.daily-mean",
        float(gap.mean()),
        n=len(gap),
        ci=interval.bounds if interval else None,
        method=interval.method if interval else "no interval: too few sessions, or none differs",
    )


def _correlations(net: pd.DataFrame) -> Table:
    """Pearson's correlations of the daily net returns."""
    with np.errstate(invalid="ignore", divide="ignore"):
        table = net.corr()
    rows = tuple(
        (str(name), *(None if np.isnan(x) else round(float(x), 3) for x in table.loc[name]))
        for name in table.index
    )
    return Table("Correlation of daily net returns", ("Run", *map(str, table.columns)), rows)


def _headlines(runs: Sequence[Compared]) -> Table:
    labels = list(dict.fromkeys(item["label"] for run in runs for item in run.report["headline"]))
    told = [
        {item["label"]: figure_text(item["figure"]) for item in run.report["headline"]}
        for run in runs
    ]
    rows = tuple((label, *(each.get(label, "–") for each in told)) for label in labels)
    return Table("Headline figures", ("Figure", *(run.name for run in runs)), rows)


def _checks(runs: Sequence[Compared]) -> Table:
    names = list(
        dict.fromkeys(check["name"] for run in runs for check in run.report["verdict"]["checks"])
    )
    told = [
        {check["name"]: check["status"] for check in run.report["verdict"]["checks"]}
        for run in runs
    ]
    rows = tuple((name, *(each.get(name, "–") for each in told)) for name in names)
    verdicts = ("verdict", *(run.report["verdict"]["outcome"] for run in runs))
    return Table("Checks", ("Check", *(run.name for run in runs)), (verdicts, *rows))


def _settings(runs: Sequence[Compared]) -> Table:
    """The keys whose values aren't the same in all runs."""
    rows = tuple((key, *values) for key, values in differing(runs).items())
    note = "" if rows else "Nothing: the same configuration throughout."
    return Table("Settings that differ", ("Key", *(run.name for run in runs)), rows, note=note)


def differing(runs: Sequence[Compared]) -> dict[str, list[str]]:
    """The configuration keys that differ, with each run's value as JSON; "–" where it has none."""
    keys = sorted(set().union(*(run.config for run in runs)))
    values = {key: [run.config.get(key, "–") for run in runs] for key in keys}
    return {key: each for key, each in values.items() if len(set(each)) > 1}
