"""The risk figures of the strategy, beside those of its benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat import risk
from finstrat.components import Section
from finstrat.report.assess import column, risk_free_of
from finstrat.report.block import Block

if TYPE_CHECKING:
    from finstrat.store import RunResult


class RiskSection(Section):
    """Tails, shape, and how much of the return is the benchmark's."""

    name = "risk"
    version = "1"
    serves = ("backtest", "returns")
    order = 70

    def build(self, result: RunResult) -> Block:
        """Tail losses, moments, and the regression on the benchmark."""
        net, benchmark = column(result, "net"), column(result, "benchmark")
        years = result.periods_per_year
        exposure = risk.benchmark_exposure(
            net, benchmark, periods_per_year=years, risk_free=risk_free_of(result)
        )
        return Block(
            id=self.name,
            title="Risk",
            figures=(
                ("Volatility", risk.volatility(net, periods_per_year=years)),
                ("Volatility, benchmark", risk.volatility(benchmark, periods_per_year=years)),
                ("Value at risk, one session, 95 %", risk.value_at_risk(net)),
                ("Value at risk, benchmark", risk.value_at_risk(benchmark)),
                ("Expected shortfall, one session, 95 %", risk.expected_shortfall(net)),
                ("Expected shortfall, benchmark", risk.expected_shortfall(benchmark)),
                ("Skewness", risk.skewness(net)),
                ("Excess kurtosis", risk.excess_kurtosis(net)),
                ("Tail ratio", risk.tail_ratio(net)),
                ("Beta", exposure.beta),
                ("Alpha a year", exposure.alpha),
                ("Correlation with the benchmark", exposure.correlation),
                ("Up capture", risk.up_capture(net, benchmark)),
                ("Down capture", risk.down_capture(net, benchmark)),
            ),
        )
