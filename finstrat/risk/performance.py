"""What was earned, and what was earned for the risk taken.

Functions of simple returns `[T]`, in the order of the sessions; NaN = unknown and left out. They
know nothing of prices, weights or how the returns came about. Where the data can't support a
number the figure is null and says why: never infinite, never NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import Floats, known, observed, unknown

if TYPE_CHECKING:
    import datetime as dt

    from finstrat.risk.figure import Figure

WHOLE_YEAR = 360
"""Days from first to last session that count as a year: holidays take up to five at its ends."""

DAYS_PER_YEAR = 365.25

FLAT = 1e-12
"""A standard deviation below this is rounding of a constant series, not risk."""


def total_return(returns: Floats) -> Figure:
    """Growth of the initial capital over the span, as a fraction."""
    r = observed(returns)
    if not len(r):
        return unknown("return.total", n=0, reason="no return is known")
    return known("return.total", float(np.prod(1.0 + r)) - 1.0, n=len(r))


def time_weighted_return(returns: Floats) -> Figure:
    """The sessions' returns compounded, as a fraction: what one unit left alone became.

    A session's return is of the capital at its start, so money that comes or goes between sessions
    doesn't count (Bacon, 2008). No run has such flows, and then it equals the total return.
    """
    r = observed(returns)
    if not len(r):
        return unknown("return.time-weighted", n=0, reason="no return is known")
    value = float(np.prod(1.0 + r)) - 1.0
    method = "no money came or went: equal to the total return"
    return known("return.time-weighted", value, n=len(r), method=method)


def cagr(returns: Floats, *, first: dt.date, last: dt.date) -> Figure:
    """Compound yearly growth between two dates, as a fraction; null under a year.

    `first` and `last` are the first and the last session. A few months are never stretched to a
    year: the result would say more about the exponent than about the strategy.
    """
    r = observed(returns)
    days = (last - first).days + 1
    if not len(r):
        return unknown("return.cagr", n=0, reason="no return is known")
    if days < WHOLE_YEAR:
        reason = f"the span has {days} days; growth under a year is not annualised"
        return unknown("return.cagr", n=len(r), reason=reason)
    growth = float(np.prod(1.0 + r))
    if growth < 0.0:
        return unknown("return.cagr", n=len(r), reason="the account ended below zero")
    years = days / DAYS_PER_YEAR
    return known("return.cagr", growth ** (1.0 / years) - 1.0, n=len(r))


def volatility(returns: Floats, *, periods_per_year: float) -> Figure:
    """Annualised standard deviation (n - 1), as a fraction."""
    r = observed(returns)
    if len(r) < 2:
        return unknown("volatility.annualised", n=len(r), reason=_TOO_FEW)
    deviation = float(r.std(ddof=1))
    value = deviation * periods_per_year**0.5 if deviation > FLAT else 0.0
    return known("volatility.annualised", value, n=len(r))


def sharpe_ratio(returns: Floats, *, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Annualised Sharpe ratio as a bare number; NaN where the returns never vary.

    `risk_free` is a yearly fraction, spread evenly over the periods (Sharpe 1994, eq. 3-6, with
    the arithmetic mean).
    """
    excess = returns - risk_free / periods_per_year
    if len(excess) < 2:
        return float("nan")
    deviation = float(excess.std(ddof=1))
    if deviation <= FLAT:
        return float("nan")
    return float(excess.mean() / deviation * np.sqrt(periods_per_year))


def sharpe(returns: Floats, *, periods_per_year: float, risk_free: float = 0.0) -> Figure:
    """Annualised Sharpe ratio; null with the reason where the returns never vary."""
    r = observed(returns)
    value = sharpe_ratio(r, periods_per_year=periods_per_year, risk_free=risk_free)
    if np.isnan(value):
        return unknown("sharpe.arithmetic", n=len(r), reason=_why_flat(r))
    return known("sharpe.arithmetic", value, n=len(r))


def sortino(returns: Floats, *, periods_per_year: float, risk_free: float = 0.0) -> Figure:
    """Annualised Sortino ratio, target = the risk-free rate (Sortino & van der Meer 1991)."""
    r = observed(returns)
    if len(r) < 2 or r.std(ddof=1) <= FLAT:
        return unknown("sortino.arithmetic", n=len(r), reason=_why_flat(r))
    excess = r - risk_free / periods_per_year
    downside = float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)))
    if downside <= FLAT:
        return unknown("sortino.arithmetic", n=len(r), reason="no session lost money")
    value = float(excess.mean()) / downside * periods_per_year**0.5
    return known("sortino.arithmetic", value, n=len(r))


def hit_rate(returns: Floats) -> Figure:
    """Share of gains among the sessions that gained or lost, as a fraction."""
    r = observed(returns)
    moved = r[r != 0.0]
    if not len(moved):
        return unknown("hit-rate.sessions", n=0, reason="no session gained or lost anything")
    return known("hit-rate.sessions", float((moved > 0).mean()), n=len(moved))


def omega(returns: Floats) -> Figure:
    """Sum of the gains over the sum of the losses, threshold zero (Keating and Shadwick, 2002)."""
    r = observed(returns)
    lost = float(-r[r < 0].sum())
    if lost <= 0.0:
        return unknown("omega.zero", n=len(r), reason="no session lost money")
    return known("omega.zero", float(r[r > 0].sum()) / lost, n=len(r))


def payoff(returns: Floats) -> Figure:
    """Mean gain over mean loss of the sessions that moved."""
    r = observed(returns)
    gains, losses = r[r > 0], -r[r < 0]
    if not len(gains) or not len(losses):
        return unknown("payoff.sessions", n=len(r), reason="it takes a gain and a loss")
    return known("payoff.sessions", float(gains.mean() / losses.mean()), n=len(r))


@dataclass(frozen=True)
class TrackRecord:
    """What a Sharpe ratio is worth, given how long it was earned.

    Attributes:
        probability: that the true ratio is above zero.
        sessions_needed: until that probability is 0.95 at the ratio seen.
    """

    probability: Figure
    sessions_needed: Figure


def track_record(
    returns: Floats, *, periods_per_year: float, risk_free: float = 0.0
) -> TrackRecord:
    """The probabilistic Sharpe ratio against zero, and the minimum track record length.

    With SR a session's ratio, γ₃ the skewness and γ₄ the kurtosis (Bailey and López de Prado, 2012,
    equations 9 and 11): PSR = Φ(SR √(n − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²)), and n* = 1 + (1 −
    γ₃ SR + (γ₄ − 1)/4 SR²) (Φ⁻¹(0.95) / SR)².
    """
    r = observed(returns) - risk_free / periods_per_year
    n = len(r)
    ids = ("sharpe.probabilistic", "sharpe.sessions-needed")
    ratio = sharpe_ratio(r, periods_per_year=1.0)
    if n < _MOMENTS_FROM or np.isnan(ratio):
        reason = (
            _why_flat(r) if np.isnan(ratio) else f"fewer than {_MOMENTS_FROM} returns are known"
        )
        return TrackRecord(*(unknown(name, n=n, reason=reason) for name in ids))
    z = (r - r.mean()) / r.std()
    spread = 1.0 - float((z**3).mean()) * ratio + (float((z**4).mean()) - 1.0) / 4.0 * ratio**2
    probability = known(ids[0], NormalDist().cdf(ratio * np.sqrt((n - 1) / spread)), n=n)
    if ratio <= 0.0:
        needed = unknown(ids[1], n=n, reason="the Sharpe ratio isn't above zero")
    else:
        needed = known(ids[1], 1.0 + spread * (NormalDist().inv_cdf(0.95) / ratio) ** 2, n=n)
    return TrackRecord(probability, needed)


_MOMENTS_FROM = 20
"""Returns below which a fourth moment is one observation's."""

_TOO_FEW = "fewer than two returns are known"


def _why_flat(returns: Floats) -> str:
    """Why a ratio to the risk can't be had."""
    if len(returns) < 2:
        return _TOO_FEW
    if not returns.any():
        return "every return is zero: nothing was ever held"
    return "the returns never vary"
