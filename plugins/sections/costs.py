"""What trading cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat import risk
from finstrat.components import Section
from finstrat.report.assess import column
from finstrat.report.block import Block, Table
from finstrat.report.chart import bar_chart

if TYPE_CHECKING:
    from finstrat.store import RunResult


class CostsSection(Section):
    """Fees, slippage and borrow fees, in currency and as a drag on the return."""

    name = "costs"
    version = "1"
    serves = ("backtest",)
    order = 60

    def build(self, result: RunResult) -> Block:
        """Costs in total, by year, and against gross returns."""
        index = pd.DatetimeIndex(result.sessions.index)
        paid = pd.DataFrame(
            {"Fees": column(result, "fees"), "Slippage": column(result, "slippage")}, index=index
        )
        if np.nansum(borrow := column(result, "borrow")) > 0:
            paid["Borrow fees"] = borrow
        yearly = paid.groupby(index.to_period("Y").to_timestamp()).sum()
        market = result.config.get("market", {})
        currency = str(market.get("currency", "")) if isinstance(market, dict) else ""
        total = float(np.nan_to_num(paid.to_numpy()).sum())
        table: tuple[tuple[str | float, ...], ...] = tuple(
            (str(year.year), *(round(float(spent), 2) for spent in row))
            for year, row in zip(pd.DatetimeIndex(yearly.index), yearly.to_numpy(), strict=True)
        )
        return Block(
            id=self.name,
            title="Costs",
            figures=(
                (
                    "Cost drag a year",
                    risk.cost_drag(
                        column(result, "gross"),
                        column(result, "net"),
                        periods_per_year=result.periods_per_year,
                    ),
                ),
                *(
                    (f"{name}, {currency}".rstrip(", "), _total(paid[name]))
                    for name in paid.columns
                ),
                ("Total return before costs", risk.total_return(column(result, "gross"))),
                ("Total return after costs", risk.total_return(column(result, "net"))),
            ),
            charts=(
                bar_chart(
                    yearly,
                    title="Costs by year",
                    alt=f"Stacked bars by year; {total:,.0f} {currency} in all.",
                    axis=currency or "currency",
                    number=",.0f",
                    unit="year",
                ),
            ),
            tables=(Table("Costs by year", ("Year", *paid.columns), table),),
        )


def _total(paid: pd.Series) -> risk.Figure:
    """The sum of one kind of cost."""
    values = risk.observed(paid.to_numpy())
    if not len(values):
        return risk.unknown("costs.total", n=0, reason="the run records no such cost")
    return risk.known("costs.total", float(values.sum()), n=len(values))
