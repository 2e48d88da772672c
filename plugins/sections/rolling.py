"""How the figures of a year's window moved over time: steady, or one good stretch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.components import Section
from finstrat.report.assess import column, risk_free_of
from finstrat.report.block import Block, Table
from finstrat.report.chart import line_chart
from finstrat.risk.rolling import rolling_beta, rolling_return, rolling_sharpe, rolling_volatility

if TYPE_CHECKING:
    from finstrat.report.block import Chart
    from finstrat.report.chart import Format
    from finstrat.store import RunResult

WINDOW = 252
"""Sessions of a window: about a year."""

STEP = 5
"""Sessions from one point of a chart to the next: a week moves a year's figure little, and every
session's would take a fifth of the page's size."""

MEANING = (
    f"Each value rests on the {WINDOW} sessions that end there. Neighbouring windows share nearly "
    "all of them, so a long stretch is one observation rather than many."
)


class RollingSection(Section):
    """Return, volatility, Sharpe ratio and beta of the last year, at each close."""

    name = "rolling"
    version = "1"
    serves = ("backtest", "returns")
    order = 71

    def build(self, result: RunResult) -> Block:
        """Two charts, and the lowest, middle, highest and newest value of each figure."""
        title = "Rolling figures, one year"
        net, benchmark = column(result, "net"), column(result, "benchmark")
        if len(net) < WINDOW:
            text = f"A window takes {WINDOW} sessions; the run has {len(net)}, so there is none."
            return Block(id=self.name, title=title, text=(text,))
        years, rate = result.periods_per_year, risk_free_of(result)
        index = pd.DatetimeIndex(result.sessions.index)
        figures = pd.DataFrame(
            {
                "Return, %": 100 * rolling_return(net, WINDOW),
                "Volatility, % a year": 100
                * rolling_volatility(net, WINDOW, periods_per_year=years),
                "Sharpe ratio": rolling_sharpe(net, WINDOW, periods_per_year=years, risk_free=rate),
                "Beta": rolling_beta(net, benchmark, WINDOW),
            },
            index=index,
        )
        columns = ("Figure", "Lowest", "Ending", "Median", "Highest", "Ending", "Newest")
        rows = tuple(_row(str(name), figures[name]) for name in figures)
        note = "A dash: no window knows it, as beta without a benchmark."
        return Block(
            id=self.name,
            title=title,
            text=(MEANING,),
            tables=(Table("Over all windows", columns, rows, note=note),),
            charts=(
                *_chart(figures[["Sharpe ratio", "Beta"]], "ratio", ".2f"),
                *_chart(figures[["Volatility, % a year"]] / 100, "fraction a year", ".0%"),
            ),
        )


def _row(name: str, values: pd.Series) -> tuple[str | float | None, ...]:
    seen = values.dropna()
    if seen.empty:
        return (name, None, None, None, None, None, None)
    newest = values.iloc[-1]
    days = pd.DatetimeIndex(seen.index)
    lowest, highest = (days[place].date() for place in (int(seen.argmin()), int(seen.argmax())))
    return (
        name,
        round(float(seen.min()), 2),
        str(lowest),
        round(float(seen.median()), 2),
        round(float(seen.max()), 2),
        str(highest),
        None if np.isnan(newest) else round(float(newest), 2),
    )


def _chart(frame: pd.DataFrame, axis: str, number: Format) -> tuple[Chart, ...]:
    """The lines that are known anywhere, or no chart."""
    shown = frame.iloc[WINDOW - 1 :].dropna(axis="columns", how="all")
    # Back from the newest, which is the point that a reader looks for.
    shown = shown.iloc[(len(shown) - 1) % STEP :: STEP]
    if shown.empty or not len(shown.columns):
        return ()
    shown = shown.rename(columns=lambda name: name.partition(",")[0])
    names = " and ".join(shown.columns)
    return (
        line_chart(
            shown,
            title=f"{names} of the last {WINDOW} sessions",
            alt=f"Lines over time: {names.lower()} of the {WINDOW} sessions that end there.",
            axis=axis,
            number=number,
        ),
    )
