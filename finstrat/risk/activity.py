"""How much was held, how widely, how often it changed hands, and what that cost.

Functions of what an account records at each close, `[T]` or `[T, N]`; nothing here knows the
returns' distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import Floats, known, observed, unknown

if TYPE_CHECKING:
    from finstrat.risk.figure import Figure

NOTHING = 1e-9
"""Σ|w| below this is an account in cash."""


def annual_turnover(turnover: Floats, *, periods_per_year: float) -> Figure:
    """Traded value over net asset value, a year; buys and sells both count.

    `turnover` `[T]` is a fraction of the value before the trades.
    """
    t = observed(turnover)
    if not len(t):
        return unknown("turnover.annual", n=0, reason="no turnover is known")
    return known("turnover.annual", float(t.mean()) * periods_per_year, n=len(t))


def cost_drag(gross: Floats, net: Floats, *, periods_per_year: float) -> Figure:
    """Return given up to costs in a year, as a fraction: mean gross less mean net."""
    both = observed(np.asarray(gross) - np.asarray(net))
    if not len(both):
        return unknown("cost-drag.annual", n=0, reason="no return is known")
    return known("cost-drag.annual", float(both.mean()) * periods_per_year, n=len(both))


def average_exposure(exposure: Floats) -> Figure:
    """The mean of Σ|w| at the close, a fraction of net asset value."""
    return _mean("exposure.average", exposure)


def average_net_exposure(net_exposure: Floats) -> Figure:
    """The mean of Σw at the close, a fraction of net asset value."""
    return _mean("exposure.net-average", net_exposure)


def effective_names(holdings: Floats) -> Figure:
    """How many equal positions would be as concentrated, on average over invested sessions.

    `holdings` `[T, N]`; the inverse Herfindahl index of |w| / Σ|w|, so cash doesn't count.
    """
    size = np.abs(np.nan_to_num(holdings))
    gross = size.sum(axis=1)
    held = gross > NOTHING
    if not held.any():
        return unknown("names.effective", n=0, reason="nothing was ever held")
    share = size[held] / gross[held, None]
    return known("names.effective", float((1.0 / (share**2).sum(axis=1)).mean()), n=int(held.sum()))


def _mean(convention_id: str, values: Floats) -> Figure:
    v = observed(values)
    if not len(v):
        return unknown(convention_id, n=0, reason="no exposure is known")
    return known(convention_id, float(v.mean()), n=len(v))
