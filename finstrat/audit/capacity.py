"""How much money a run's strategy could carry before its own trading eats what it earns.

The run's targets and its twin's are traded with ever more capital. It judges nothing: what a trade
of that size would have done to prices is estimated, not seen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.costs import usual_move, usual_value
from finstrat.pipeline import neutral_twin
from finstrat.risk.conventions import known, unknown
from finstrat.simulate.capacity import CAPITALS, capacity
from finstrat.simulate.execution import Execution
from finstrat.validate.luck import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.audit.case import Case
    from finstrat.costs import CostRates
    from finstrat.data import Panel
    from finstrat.risk.figure import Figure

IMPACT = 1.0
"""Daily volatilities by which a session's whole volume moves a price, where a run assumes nothing:
about what Almgren et al. (2005) find for stocks."""

WINDOW = 21
"""Sessions behind what usually trades and moves."""

LABEL = "Capital at which nothing is left"


def at_more_capital(case: Case) -> Diagnosis:
    """What the run earns a year beyond its twin (net, without text) at every capital of `CAPITALS`.

    By the run's own terms where they depend on size, else with square-root impact on top. Inference
    is left out, since it doesn't grow with capital. Null where the prices have no volumes.
    """
    market = case.market
    if "volume" not in market.panel.fields:
        reason = "the price source has no volumes, so nobody knows how much could be traded"
        return Diagnosis(f"No capacity: {reason}.", ((LABEL, _nothing(reason)),))
    rates = case.plan.costs.rates(market.panel)
    terms = Execution.model_validate(
        {**case.plan.config.execution.model_dump(), "engine": "ledger"}
    )
    assumed = rates.impact is None and terms.participation is None
    if assumed:
        rates = with_impact(rates, market.panel)
    twin = neutral_twin(case.plan, case.inputs, case.features, case.decision, first=market.first)
    curves: list[pd.DataFrame] = []
    rows = market.first, len(market.clock)
    evaluated = market.panel.slice(*rows)
    for done, decision in enumerate((case.decision, twin)):
        case.progress("capacity", done, 2)
        if decision is None:
            continue
        weights = case.desk.targets(decision).weights[market.first :]
        targets = pd.DataFrame(weights, index=evaluated.index, columns=list(evaluated.assets))
        curves.append(
            capacity(
                targets,
                evaluated,
                rates=rates.rows(*rows),
                execution=terms,
                capitals=CAPITALS,
                periods_per_year=market.clock.periods_per_year,
                max_gross=case.plan.config.limits.gross,
            )
        )
    case.progress("capacity", 2, 2)
    own = curves[0]
    left = own["net"] - curves[1]["net"] if len(curves) > 1 else own["net"]
    curve: list[dict[str, Any]] = [
        {
            "capital": float(capital),
            "net": _known(own.loc[capital, "net"]),
            "excess": _known(left[capital]),
            "cost": _known(own.loc[capital, "cost"]),
            "orders_cut": int(own.loc[capital, "unfilled"]),
        }
        for capital in own.index
    ]
    figure = eaten_at([row["capital"] for row in curve], [row["excess"] for row in curve])
    over = "beyond its text-neutral twin, which trades as much money" if twin else "after costs"
    told = (
        f"With {CAPITALS[0]:,.0f} to {CAPITALS[-1]:,.0f} to invest the run earns "
        f"{_percent(curve[0]['excess'])} to {_percent(curve[-1]['excess'])} a year {over}; "
    )
    told += (
        f"nothing is left at {figure.value:,.0f}."
        if figure.value is not None
        else f"{figure.reason_if_null}."
    )
    if assumed:
        told += (
            " The run's own costs don't depend on size, so square-root impact was added: a trade "
            "of a usual session's whole value moves the price by one daily volatility."
        )
    detail = {"curve": curve, "against": "twin" if twin else "cash", "impact_assumed": assumed}
    return Diagnosis(told, ((LABEL, figure),), detail)


def with_impact(rates: CostRates, panel: Panel) -> CostRates:
    """`rates` and square-root impact of `IMPACT` daily volatilities; row t is known at its open.

    Where nothing is known yet of what usually trades, nothing is traded.
    """
    daily = usual_value(panel.field("close"), panel.field("volume"), window=WINDOW)
    return replace(
        rates,
        impact=IMPACT * usual_move(panel.returns(), window=WINDOW),
        daily_value=np.where(daily > 0, daily, np.nan),
    )


def eaten_at(capitals: Sequence[float], excess: Sequence[float | None]) -> Figure:
    """The capital at which `excess` a year falls to zero, straight between neighbours in its log.

    An account that has ended (None) has nothing left, and its capital is the answer.
    """
    n = len(capitals)
    if excess[0] is None or excess[0] <= 0:
        return _nothing(f"nothing is left even of {capitals[0]:,.0f}")
    for i in range(1, n):
        before, after = excess[i - 1], excess[i]
        assert before is not None
        if after is None:
            return known("capital.nothing-left", capitals[i], n=n)
        if after <= 0:
            share = before / (before - after)
            low, high = np.log(capitals[i - 1]), np.log(capitals[i])
            return known("capital.nothing-left", float(np.exp(low + share * (high - low))), n=n)
    return _nothing(f"something is left even of {capitals[-1]:,.0f}")


def _nothing(reason: str) -> Figure:
    return unknown("capital.nothing-left", n=0, reason=reason)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _percent(value: float | None) -> str:
    return "nothing (the account ended)" if value is None else f"{value:+.2%}"
