"""How much was held, how widely, and how often it changed hands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat import risk
from finstrat.components import Section
from finstrat.report.assess import column
from finstrat.report.block import Block, Table
from finstrat.report.chart import bar_chart, line_chart

if TYPE_CHECKING:
    from finstrat.store import RunResult

LARGEST = 15
"""How many average holdings the table lists."""
MOST = 50
"""How many dates the table of fallbacks lists."""


class ExposureSection(Section):
    """Gross and net exposure, concentration and turnover."""

    name = "exposure"
    version = "1"
    serves = ("backtest",)
    order = 50

    def build(self, result: RunResult) -> Block:
        """Exposure over time, turnover by month, and the largest average holdings."""
        gross, net = column(result, "exposure"), column(result, "net_exposure")
        turnover = column(result, "turnover")
        index = pd.DatetimeIndex(result.sessions.index)
        lines = pd.DataFrame({"Gross, Σ|w|": gross, "Net, Σw": net}, index=index)
        if np.allclose(gross, net, equal_nan=True):
            lines = lines[["Gross, Σ|w|"]].set_axis(["Exposure, Σw"], axis="columns")
        monthly = (
            pd.DataFrame({"Turnover": turnover}, index=index)
            .groupby(index.to_period("M").to_timestamp())
            .sum()
        )
        average = risk.average_exposure(gross)
        yearly = risk.annual_turnover(turnover, periods_per_year=result.periods_per_year)
        return Block(
            id=self.name,
            title="Exposure and turnover",
            figures=(
                ("Average exposure", average),
                ("Average net exposure", risk.average_net_exposure(net)),
                (
                    "Effective number of names",
                    risk.effective_names(result.holdings.to_numpy(float)),
                ),
                (
                    "Concentration, Herfindahl",
                    risk.concentration(result.holdings.to_numpy(float)),
                ),
                ("Turnover", yearly),
                (
                    "Sessions to exit",
                    risk.median_days_to_exit(
                        column(result, "days_to_exit"),
                        reason="the price source has no volumes, or nothing was held",
                    ),
                ),
                ("Fills", risk.known("orders.count", len(result.orders), n=len(result.orders))),
            ),
            charts=(
                line_chart(
                    lines,
                    title="Exposure at the close",
                    alt=f"Line over time; on average {average.value or 0:.0%} of value was held.",
                    axis="fraction of net asset value",
                    number=".0%",
                ),
                bar_chart(
                    monthly,
                    title="Turnover by month",
                    alt=f"Bars by month; {yearly.value or 0:.1f} times net asset value a year.",
                    axis="traded value / net asset value",
                    number=".0%",
                    unit="yearmonth",
                ),
            ),
            tables=(
                _largest(result.holdings, result.manifest.get("days_to_exit")),
                *_fallbacks(result.manifest.get("fallbacks")),
            ),
        )


def _fallbacks(recorded: Any) -> tuple[Table, ...]:  # noqa: ANN401 - whatever the manifest holds
    """The dates at which something stood in for the optimizer, or no table where none did."""
    if not recorded:
        return ()
    rows = tuple(
        (each["session"], each["used"], "; ".join(each["reasons"])) for each in recorded[:MOST]
    )
    note = f"The first {MOST} of {len(recorded)} dates." if len(recorded) > MOST else ""
    title = "Rebalances without the optimizer's weights"
    return (Table(title, ("Session", "Used instead", "Why"), rows, note=note),)


def _largest(holdings: pd.DataFrame, exits: dict[str, float | None] | None) -> Table:
    """The largest average positions, by absolute weight; equal ones by asset id.

    `exits` are the sessions that each would have taken to sell at the end.
    """
    mean = holdings.fillna(0.0).mean()
    order = sorted(mean.index, key=lambda asset: (-abs(mean[asset]), str(asset)))
    last = holdings.iloc[-1] if len(holdings) else mean
    rows = tuple(
        (
            str(asset),
            round(float(mean[asset]) * 100, 2),
            round(float(last[asset]) * 100, 2),
            *(() if exits is None else (_rounded(exits.get(str(asset))),)),
        )
        for asset in order[:LARGEST]
        if abs(mean[asset]) > 0
    )
    note = f"The {LARGEST} largest of {len(order)} assets." if len(order) > LARGEST else ""
    columns: tuple[str, ...] = ("Asset", "Average weight, %", "Weight at the end, %")
    if exits is not None:
        columns += ("Sessions to exit at the end",)
    return Table("Largest average holdings", columns, rows, note=note)


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 4)
