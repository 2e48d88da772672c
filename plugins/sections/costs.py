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
from finstrat.simulate.inference import inference_drag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.store import RunResult


class CostsSection(Section):
    """Fees, slippage, borrow fees and inference, and at which of them nothing is left."""

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
        inference = column(result, "inference") if "inference" in result.sessions else None
        if inference is not None:
            paid["Inference"] = inference
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
                *(
                    ()
                    if inference is not None
                    else (
                        (
                            f"Inference, {currency}".rstrip(", "),
                            risk.unknown(
                                "costs.total", n=0, reason="not declared: no price in [inference]"
                            ),
                        ),
                    )
                ),
                ("Break-even trading cost", _break_even_cost(result)),
                ("Break-even capital", _break_even_capital(result, inference)),
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


def _break_even_cost(result: RunResult) -> risk.Figure:
    """The trading cost that leaves nothing of the edge over the twin."""
    return risk.break_even_cost(
        column(result, "gross"),
        column(result, "twin_gross"),
        column(result, "turnover"),
        column(result, "twin_turnover"),
        inference_drag(result.sessions, initial_cash=result.initial_cash),
    )


def _break_even_capital(result: RunResult, paid: NDArray[np.float64] | None) -> risk.Figure:
    """The capital at which inference costs what the edge over the twin earns."""
    return risk.break_even_capital(
        column(result, "net"),
        column(result, "twin"),
        inference_drag(result.sessions, initial_cash=result.initial_cash),
        paid,
    )


def _total(paid: pd.Series) -> risk.Figure:
    """The sum of one kind of cost."""
    values = risk.observed(paid.to_numpy())
    if not len(values):
        return risk.unknown("costs.total", n=0, reason="the run records no such cost")
    return risk.known("costs.total", float(values.sum()), n=len(values))
