"""How much money a strategy can carry: the same targets traded with ever more capital.

Only costs that grow with size change anything: impact, and the volume an order may take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.errors import ConfigError
from finstrat.simulate.account import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.costs import CostRates
    from finstrat.data import Panel
    from finstrat.simulate.execution import Execution

CAPITALS = (1e5, 1e6, 1e7, 1e8, 1e9)
"""What is tried where nothing else is asked for, in the run's currency."""


def capacity(
    targets: pd.DataFrame,
    panel: Panel,
    *,
    rates: CostRates,
    execution: Execution,
    capitals: Sequence[float],
    periods_per_year: float,
    max_gross: float = 1.0,
) -> pd.DataFrame:
    """One row a capital, rising: what an account that starts with it earns in a year.

    Columns: `net` and `gross` compound yearly returns, `volatility` and `sharpe` of the net
    returns (risk-free rate 0), `cost` (gross − net), `turnover` a year, and `unfilled`, orders
    that a session's volume cut. NaN where the account has ended or can't be measured.

    Raises:
        ConfigError: no cost or term depends on size, or a capital isn't above 0.
    """
    if rates.impact is None and execution.participation is None:
        raise ConfigError(
            "capacity: nothing here depends on size; set costs.impact or execution.participation"
        )
    if not len(capitals) or min(capitals) <= 0:
        raise ConfigError(f"capacity: capitals must be above 0, got {list(capitals)}")
    rows = {}
    for capital in sorted(capitals):
        result = simulate(
            targets,
            panel,
            rates=rates,
            execution=execution.model_copy(update={"initial_cash": float(capital)}),
            max_gross=max_gross,
        )
        net = result.sessions["net"].to_numpy()
        gross = result.sessions["gross"].to_numpy()
        years = len(net) / periods_per_year
        ended = result.bankrupt_at is not None
        volatility = float(net.std(ddof=1)) if len(net) > 1 else np.nan
        mean = float(net.mean())
        rows[capital] = {
            "net": np.nan if ended else float(np.prod(1 + net)) ** (1 / years) - 1,
            "gross": np.nan if ended else float(np.prod(1 + gross)) ** (1 / years) - 1,
            "volatility": volatility * np.sqrt(periods_per_year),
            "sharpe": mean / volatility * np.sqrt(periods_per_year) if volatility > 0 else np.nan,
            "turnover": float(result.sessions["turnover"].sum()) / years,
            "unfilled": result.carried_orders,
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("capital")
    table.insert(2, "cost", table["gross"] - table["net"])
    return table
