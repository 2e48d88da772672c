"""What was earned, beside the benchmark and the text-neutral twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat import risk
from finstrat.components import Section
from finstrat.report.assess import (
    column,
    growth_of,
    risk_free_of,
    sharpe_of,
    twin_comparison,
)
from finstrat.report.block import Block
from finstrat.report.chart import line_chart

if TYPE_CHECKING:
    from finstrat.store import RunResult

LINES = {"net": "Strategy, net", "benchmark": "Benchmark", "twin": "Text-neutral twin"}

WIDE = 3.0
"""Highest over lowest value above which equal steps should mean equal growth: a log axis."""


class PerformanceSection(Section):
    """Growth of one unit of capital, and the ratios that go with it."""

    name = "performance"
    version = "1"
    serves = ("backtest", "returns")
    order = 20

    def build(self, result: RunResult) -> Block:
        """Growth against benchmark and twin; Sharpe ratios compared with the twin's."""
        growth = pd.DataFrame(
            {label: _growth(column(result, name)) for name, label in LINES.items()},
            index=result.sessions.index,
        ).dropna(axis="columns", how="all")
        low, high = growth.min().min(), growth.max().max()
        log = bool(low > 0 and high / low > WIDE)
        net, years = column(result, "net"), result.periods_per_year
        rate = risk_free_of(result)
        record = risk.track_record(net, periods_per_year=years, risk_free=rate)
        twin = twin_comparison(result)
        last = ", ".join(f"{name} {growth[name].iloc[-1]:.2f}" for name in growth)
        return Block(
            id=self.name,
            title="Performance",
            figures=(
                ("Total return", risk.total_return(net)),
                ("Time-weighted return", risk.time_weighted_return(net)),
                ("Growth a year", growth_of(result)),
                ("Growth a year, benchmark", growth_of(result, "benchmark")),
                ("Volatility", risk.volatility(net, periods_per_year=years)),
                ("Sharpe ratio", sharpe_of(result)),
                ("Probability that it is above zero", record.probability),
                ("Sessions needed to say so", record.sessions_needed),
                ("Sharpe ratio, benchmark", sharpe_of(result, "benchmark")),
                ("Sharpe ratio, twin", twin.twin),
                ("Sharpe less twin's", twin.difference),
                ("Sortino ratio", risk.sortino(net, periods_per_year=years, risk_free=rate)),
                ("Sessions with a gain", risk.hit_rate(net)),
                ("Omega ratio", risk.omega(net)),
                ("Payoff ratio", risk.payoff(net)),
            ),
            charts=(
                line_chart(
                    growth,
                    title="Growth of 1" + (" (log scale)" if log else ""),
                    alt=f"Lines over time; one unit of capital ends at: {last}.",
                    axis="value of 1 invested",
                    number=".2f",
                    scale="log" if log else "linear",
                ),
            ),
        )


def _growth(returns: np.ndarray) -> np.ndarray:
    """Value of one unit at each close, `[T]`; NaN throughout where no return is known."""
    if np.isnan(returns).all():
        return returns
    return np.cumprod(1.0 + np.nan_to_num(returns))
