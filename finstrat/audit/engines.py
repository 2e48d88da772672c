"""Whether another engine keeps the same account of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.audit.case import SAME
from finstrat.errors import ConfigError, SimulationError
from finstrat.risk.conventions import known
from finstrat.validate.luck import Finding

if TYPE_CHECKING:
    from finstrat.audit.case import Case
    from finstrat.simulate.execution import Engine


def agrees_with_a_second_engine(case: Case) -> Finding:
    """Whether another engine, on the same targets and terms, keeps the same account."""
    own = case.plan.config.execution.engine
    other: Engine = "ledger" if own == "vectorbt" else "vectorbt"
    try:
        accounts = [
            case.desk.trade(case.decision, engine=each).simulation.sessions["equity"]
            for each in (own, other)
        ]
    except (ConfigError, SimulationError) as error:
        return Finding("not applicable", f"{other} can't keep this account: {error}")
    apart = float(np.max(np.abs(accounts[0] / accounts[1] - 1.0)))
    figures = (("Largest difference in value", known("engines.apart", apart, n=len(accounts[0]))),)
    told = f"{own} and {other} differ by at most {apart:.1e} of net asset value"
    if apart <= SAME:
        return Finding("pass", f"{told}.", figures)
    return Finding("fail", f"{told}, above {SAME:.0e}.", figures)
