"""The shape of the returns and of their worst part.

Functions of simple one-session returns `[T]`; NaN = unknown and left out. VaR and ES are
historical: they know what happened, not what could have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from finstrat.risk.conventions import Floats, known, observed, unknown
from finstrat.risk.performance import FLAT

if TYPE_CHECKING:
    from finstrat.risk.figure import Figure

TAIL = 0.95

FEWEST = 20
"""Below this the worst 5 % would be a part of one observation."""


def value_at_risk(returns: Floats) -> Figure:
    """The loss that at most 5 % of the sessions exceeded; positive = a loss.

    Empirical quantile without interpolation (Rockafellar & Uryasev 2002).
    """
    r = observed(returns)
    if len(r) < FEWEST:
        return unknown("var.historical-95", n=len(r), reason=_TOO_FEW)
    # Half a second to import, which only a report should pay.
    from skfolio import measures

    return known("var.historical-95", float(measures.value_at_risk(r, beta=TAIL)), n=len(r))


def expected_shortfall(returns: Floats) -> Figure:
    """The mean of the worst 5 % of the sessions' losses; positive = a loss.

    Averages the worst 5 % of probability mass, a part of an observation where T / 20 isn't
    whole (Rockafellar & Uryasev 2002), so it is never below the VaR.
    """
    r = observed(returns)
    if len(r) < FEWEST:
        return unknown("es.historical-95", n=len(r), reason=_TOO_FEW)
    from skfolio import measures

    return known("es.historical-95", float(measures.cvar(r, beta=TAIL)), n=len(r))


def skewness(returns: Floats) -> Figure:
    """Third standardised moment (population); null where the returns never vary."""
    r = observed(returns)
    if len(r) < 3 or r.std() <= FLAT:
        return unknown("skewness.population", n=len(r), reason=_FLAT)
    return known("skewness.population", float(stats.skew(r)), n=len(r))


def excess_kurtosis(returns: Floats) -> Figure:
    """Fourth standardised moment (population) less 3; null where the returns never vary."""
    r = observed(returns)
    if len(r) < 4 or r.std() <= FLAT:
        return unknown("kurtosis.excess", n=len(r), reason=_FLAT)
    return known("kurtosis.excess", float(stats.kurtosis(r)), n=len(r))


def tail_ratio(returns: Floats) -> Figure:
    """95th percentile over the size of the 5th, interpolated; above 1, gains reach further."""
    r = observed(returns)
    if len(r) < FEWEST:
        return unknown("tail.ratio-95", n=len(r), reason=_TOO_FEW)
    low, high = np.quantile(r, [1 - TAIL, TAIL])
    if low >= 0.0:
        return unknown("tail.ratio-95", n=len(r), reason="the 5th percentile is no loss")
    return known("tail.ratio-95", float(high / -low), n=len(r))


_TOO_FEW = f"fewer than {FEWEST} returns are known"
_FLAT = "too few returns are known, or they never vary"
