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
    index = _herfindahl(holdings)
    if not len(index):
        return unknown("names.effective", n=0, reason="nothing was ever held")
    return known("names.effective", float((1.0 / index).mean()), n=len(index))


def concentration(holdings: Floats) -> Figure:
    """The Herfindahl index of |w| / Σ|w|, on average over invested sessions, of `[T, N]`."""
    index = _herfindahl(holdings)
    if not len(index):
        return unknown("concentration.herfindahl", n=0, reason="nothing was ever held")
    return known("concentration.herfindahl", float(index.mean()), n=len(index))


def _herfindahl(holdings: Floats) -> Floats:
    """Σ(|w| / Σ|w|)² of each session that holds anything."""
    size = np.abs(np.nan_to_num(holdings))
    gross = size.sum(axis=1)
    held = gross > NOTHING
    index: Floats = ((size[held] / gross[held, None]) ** 2).sum(axis=1)
    return index


def _mean(convention_id: str, values: Floats) -> Figure:
    v = observed(values)
    if not len(v):
        return unknown(convention_id, n=0, reason="no exposure is known")
    return known(convention_id, float(v.mean()), n=len(v))


def break_even_cost(
    gross: Floats, twin_gross: Floats, turnover: Floats, twin_turnover: Floats, drag: Floats
) -> Figure:
    """The trading cost in basis points of turnover that leaves nothing of the edge over the twin.

    Daily returns before costs and turnovers of strategy and twin, and what inference took, `[T]`
    each. Linear: edge before trading costs, over what the strategy trades more than its twin.
    Null without a twin, without an edge, or where the twin trades as much.
    """
    rows = np.column_stack([gross, twin_gross, turnover, twin_turnover, drag])
    rows = rows[~np.isnan(rows).any(axis=1)]
    n = len(rows)
    if not n:
        return unknown("cost.break-even", n=0, reason="the run used no text: no twin")
    own, other, traded, as_well, taken = rows.mean(axis=0).tolist()
    edge, more = own - other - taken, traded - as_well
    if edge <= 0:
        reason = "no edge over the twin, even before trading costs"
        return unknown("cost.break-even", n=n, reason=reason)
    if more <= NOTHING:
        reason = "the strategy trades no more than its twin, so no cost eats its edge"
        return unknown("cost.break-even", n=n, reason=reason)
    return known("cost.break-even", edge / more * 1e4, n=n)


def break_even_capital(net: Floats, twin: Floats, drag: Floats, paid: Floats | None) -> Figure:
    """The capital at which inference costs what the edge over the twin earns, in currency.

    Daily net returns and what inference took of them, `[T]`, and what was `paid` in currency, None
    where no price was declared. Mean paid, over the mean edge before inference: with less, reading
    costs more than it brings.
    """
    if paid is None:
        return unknown("capital.break-even", n=0, reason="not declared: no price in [inference]")
    rows = np.column_stack([net + drag - twin, paid])
    rows = rows[~np.isnan(rows).any(axis=1)]
    n = len(rows)
    if not n:
        return unknown("capital.break-even", n=0, reason="the run used no text: no twin")
    edge, cost = rows.mean(axis=0).tolist()
    if edge <= 0:
        reason = "no edge over the twin, even before inference"
        return unknown("capital.break-even", n=n, reason=reason)
    return known("capital.break-even", cost / edge, n=n)
