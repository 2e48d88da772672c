"""Measures of return and risk, each a `Figure` that names its convention."""

from finstrat.risk.activity import (
    annual_turnover,
    average_exposure,
    average_net_exposure,
    break_even_capital,
    break_even_cost,
    concentration,
    cost_drag,
    effective_names,
)
from finstrat.risk.benchmark import Exposure, benchmark_exposure, down_capture, up_capture
from finstrat.risk.conventions import CONVENTIONS, Convention, known, observed, unknown
from finstrat.risk.drawdown import calmar, drawdowns, longest_drawdown, max_drawdown
from finstrat.risk.figure import Figure
from finstrat.risk.liquidity import (
    days_to_exit,
    median_days_to_exit,
    name_days_to_exit,
    usually_traded,
)
from finstrat.risk.performance import (
    cagr,
    hit_rate,
    omega,
    payoff,
    sharpe,
    sharpe_ratio,
    sortino,
    time_weighted_return,
    total_return,
    track_record,
    volatility,
)
from finstrat.risk.tail import (
    excess_kurtosis,
    expected_shortfall,
    skewness,
    tail_ratio,
    value_at_risk,
)

__all__ = [
    "CONVENTIONS",
    "Convention",
    "Exposure",
    "Figure",
    "annual_turnover",
    "average_exposure",
    "average_net_exposure",
    "benchmark_exposure",
    "break_even_capital",
    "break_even_cost",
    "cagr",
    "calmar",
    "concentration",
    "cost_drag",
    "days_to_exit",
    "down_capture",
    "drawdowns",
    "effective_names",
    "excess_kurtosis",
    "expected_shortfall",
    "hit_rate",
    "known",
    "longest_drawdown",
    "max_drawdown",
    "median_days_to_exit",
    "name_days_to_exit",
    "observed",
    "omega",
    "payoff",
    "sharpe",
    "sharpe_ratio",
    "skewness",
    "sortino",
    "tail_ratio",
    "time_weighted_return",
    "total_return",
    "track_record",
    "unknown",
    "up_capture",
    "usually_traded",
    "value_at_risk",
    "volatility",
]
