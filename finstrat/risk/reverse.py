"""Reverse stress: the likeliest joint move that loses so much, in closed form.

Exposures are linear, and a move is as likely as its Mahalanobis length is short; nothing here
knows whether what moves is a factor or a stock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import Floats, known, unknown
from finstrat.risk.covariance import common_history
from finstrat.risk.performance import FLAT

if TYPE_CHECKING:
    from finstrat.risk.figure import Figure

HORIZON = 21
"""Sessions over which a move is measured in standard deviations: a month."""


@dataclass(frozen=True, eq=False)
class ReverseStress:
    """The smallest move that costs so much.

    Attributes:
        moves: `[K]`, fractions; NaN where there is none.
        distance: its Mahalanobis length, by the covariance over `HORIZON` sessions.
    """

    moves: Floats
    distance: Figure


def reverse_stress(exposure: Floats, returns: Floats, *, loss: float) -> ReverseStress:
    """The x `[K]` of least x'Σ⁻¹x with −b'x = loss: x = −loss Σb / b'Σb, of length loss / √(b'Σb).

    `exposure` b `[K]` are betas or weights, `returns` `[W, K]` the daily returns of what they are
    exposed to; Σ is their sample covariance over the sessions in which all are known, times
    `HORIZON`, around no drift. Σ is never inverted, so it may be singular (then the move stays
    among those that Σ allows). Breuer, Jandačka, Rheinberger and Summer (2009), "How to find
    plausible, severe, and useful stress scenarios".
    """
    moves = np.full(len(exposure), np.nan)
    past = common_history(exposure, returns)
    n, reason = len(past.returns), past.reason_if_null
    if not reason:
        sway = HORIZON * past.covariance() @ past.exposure
        variance = float(past.exposure @ sway)
        if variance <= HORIZON * FLAT**2:
            reason = "what is held never moved"
        elif (found := -loss * sway / variance).min() < -1.0:
            reason = f"a move of {found.min():.0%} would be needed, and no price falls so far"
    if reason:
        return ReverseStress(moves, unknown("stress.reverse-distance", n=n, reason=reason))
    moves[:] = 0.0
    moves[past.held] = found
    method = f"{loss:.0%} of the account, over {HORIZON} sessions"
    distance = known("stress.reverse-distance", loss / variance**0.5, n=n, method=method)
    return ReverseStress(moves, distance)
