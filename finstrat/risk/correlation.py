"""Today's holdings if correlations broke down: their own volatilities, other correlations.

Every matrix here is a correlation matrix by construction (a sample's, or a mean of two that are),
so none has to be repaired. Nothing here says how likely one is.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import Floats, known, unknown
from finstrat.risk.covariance import common_history
from finstrat.risk.performance import FLAT

if TYPE_CHECKING:
    from collections.abc import Callable

    from finstrat.risk.figure import Figure

WORST = 63
"""Sessions of the stretch whose correlations stand in for today's: a quarter."""

HALFWAY = 0.5

LEVEL = 0.95


@dataclass(frozen=True)
class Breakdown:
    """The holdings' risk under one set of correlations.

    Attributes:
        name: what the correlations are.
        mean: of the pairs of names held; None where there is none.
        volatility: a year.
        shortfall: mean of the worst 5 % of one-session losses by a normal law around 0.
        last: the row of the history with which the worst stretch ends; None for the others.
    """

    name: str
    mean: float | None
    volatility: Figure
    shortfall: Figure
    last: int | None = None


def toward(correlation: Floats, target: Floats, share: float) -> Floats:
    """(1 − share) C + share T `[N, N]`: positive semi-definite where both are (Kupiec, 1998)."""
    moved: Floats = (1.0 - share) * correlation + share * target
    return moved


def correlations(returns: Floats) -> Floats:
    """The sample's correlations `[N, N]` of `[W, N]`; a name that never moved has none, so 0."""
    deviation = returns.std(axis=0)
    moving = deviation > FLAT
    scaled = (returns - returns.mean(axis=0)) / np.where(moving, deviation, 1.0) * moving
    found: Floats = scaled.T @ scaled / len(returns)
    np.fill_diagonal(found, 1.0)
    return found


def correlation_breakdown(
    weights: Floats, history: Floats, *, window: int, periods_per_year: float
) -> tuple[Breakdown, ...]:
    """The risk of `weights` `[N]` now, halfway to 1, halfway to 0, and as in the worst quarter.

    `history` `[T, N]` are simple returns; volatilities and today's correlations are of the last
    `window` rows, of those in which every name held is known. The worst quarter is the `WORST`
    such rows of the whole history in which these weights varied most. Correlations near 1 undo a
    long book's spread, those near 0 a hedge's (Kupiec, 1998, "Stress testing in a value at risk
    framework"; Loretan and English, 2000, on correlations measured in turmoil).
    """
    recent = common_history(weights, history[-window:])
    own, past, reason = recent.exposure, recent.returns, recent.reason_if_null
    n = len(past)
    if len(own) == 1:
        reason = "a single name is held, which correlates with nothing"
    elif not reason and (past.std(axis=0) <= FLAT).all():
        reason = "the holdings never moved"
    if reason:
        return tuple(_none(name, n, reason) for name in NAMES)
    all_past = history[:, recent.held]
    whole = np.flatnonzero(~np.isnan(all_past).any(axis=1))
    sized = own * past.std(axis=0, ddof=1)
    now = correlations(past)
    ones, apart = np.ones_like(now), np.eye(len(now))

    def risk_of(name: str, matrix: Floats, last: int | None = None) -> Breakdown:
        # Rounding alone can take the square of a perfect hedge below 0.
        variance = max(float(sized @ matrix @ sized), 0.0)
        deviation = variance**0.5
        z = NormalDist().inv_cdf(LEVEL)
        pairs = matrix[np.triu_indices(len(matrix), 1)]
        return Breakdown(
            name,
            float(pairs.mean()),
            known("stress.correlated-volatility", deviation * periods_per_year**0.5, n=n),
            known("stress.correlated-es-95", deviation * NormalDist().pdf(z) / (1 - LEVEL), n=n),
            last,
        )

    return (
        risk_of(NOW, now),
        risk_of(TO_ONE, toward(now, ones, HALFWAY)),
        risk_of(TO_ZERO, toward(now, apart, HALFWAY)),
        _worst(own, all_past[whole], whole, risk_of),
    )


def _worst(
    own: Floats, past: Floats, rows: np.ndarray, risk_of: Callable[[str, Floats, int], Breakdown]
) -> Breakdown:
    """The risk with the correlations of the stretch in which the holdings varied most."""
    if len(past) < WORST:
        reason = f"{len(past)} sessions have every holding's return; {WORST} are needed"
        return _none(AS_WORST, len(past), reason)
    stretches = np.lib.stride_tricks.sliding_window_view(past @ own, WORST)
    first = int(np.argmax(stretches.std(axis=1)))
    matrix = correlations(past[first : first + WORST])
    return risk_of(AS_WORST, matrix, int(rows[first + WORST - 1]))


def _none(name: str, n: int, reason: str) -> Breakdown:
    return Breakdown(
        name,
        None,
        unknown("stress.correlated-volatility", n=n, reason=reason),
        unknown("stress.correlated-es-95", n=n, reason=reason),
    )


NOW = "as now"
TO_ONE = "halfway to 1"
TO_ZERO = "halfway to 0"
AS_WORST = f"as in the worst {WORST} sessions"
NAMES = (NOW, TO_ONE, TO_ZERO, AS_WORST)
