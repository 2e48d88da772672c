"""Merton's (1974) model: what a firm's assets are worth and how they move, solved from its equity.

Equity is a call on the assets, struck at the debt. Both equations are solved for all firms at once
and the residuals handed back. The normal tail beyond the distance is risk-neutral; nothing here
calls it a default probability, and nothing here knows which firms the model suits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

Floats = NDArray[np.float64]

_ITERATIONS = 100
_HALF_LOG_TAU = 0.5 * np.log(2.0 * np.pi)


@dataclass(frozen=True, eq=False)
class Merton:
    """Solutions, one a firm, all in the shape of the inputs; NaN where a firm has none.

    Attributes:
        asset_value: market value of the assets, in the equity's currency.
        asset_volatility: a year's standard deviation of the assets' log return.
        distance: to default, in standard deviations, with the assets growing at the riskless rate
            (Merton's d2).
        tail: Φ(−distance), risk-neutral. It says nothing of how many firms default.
        residual: the larger relative error of the two equations.
    """

    asset_value: Floats
    asset_volatility: Floats
    distance: Floats
    tail: Floats
    residual: Floats


def merton(
    *, equity: Floats, equity_volatility: Floats, debt: Floats, rate: Floats, horizon: Floats
) -> Merton:
    """The assets' value V and volatility σ of every firm, so that

        E = V Φ(d1) − D e^(−rT) Φ(d2)   and   σE E = σ V Φ(d1)

    `equity` and `debt` in one currency, `equity_volatility` and `rate` a year's, `horizon` in
    years; arrays that broadcast. A firm without positive equity, volatility, debt and horizon, or
    with a NaN, has NaN throughout.

    With e = E/(D e^(−rT)), q = σE √T and x = d2, the second equation gives s = σ√T =
    q e/(e + Φ(x)), and the first becomes one equation in x:

        s x + s²/2 + ln Φ(x + s) − ln(e + Φ(x)) = 0

    At any root its slope has the sign of 1/λ − λ − d1, λ = φ(d1)/Φ(d1), which is positive since a
    truncated normal has a positive variance: so there is one root, and Newton's method, kept in a
    bracket, finds it.
    """
    shaped = np.broadcast_arrays(equity, equity_volatility, debt, rate, horizon)
    shape = shaped[0].shape
    worth, swing, owed, riskless, years = (
        np.asarray(each, dtype=np.float64).ravel() for each in shaped
    )
    solvable = (worth > 0) & (swing > 0) & (owed > 0) & (years > 0) & np.isfinite(riskless)
    solvable &= np.isfinite(worth) & np.isfinite(swing) & np.isfinite(owed) & np.isfinite(years)
    strike = (owed[solvable]) * np.exp(-riskless[solvable] * years[solvable])
    e = worth[solvable] / strike
    q = swing[solvable] * np.sqrt(years[solvable])
    x = _root(e, q)
    s = q * e / (e + ndtr(x))
    v = np.exp(s * x + 0.5 * s * s)
    covered = v * ndtr(x + s)
    errors = np.maximum(np.abs((covered - ndtr(x)) / e - 1.0), np.abs(s * covered / (q * e) - 1.0))

    def placed(values: Floats) -> Floats:
        whole = np.full(len(worth), np.nan)
        whole[solvable] = values
        return whole.reshape(shape)

    return Merton(
        asset_value=placed(v * strike),
        asset_volatility=placed(s / np.sqrt(years[solvable])),
        distance=placed(x),
        tail=placed(ndtr(-x)),
        residual=placed(errors),
    )


def _root(e: Floats, q: Floats) -> Floats:
    """The x of every firm where the equation in `merton` holds."""
    # Between e < V/strike < 1 + e and q e/(1 + e) < s < q, x = ln(v)/s − s/2 lies in a bracket.
    least = q * e / (1.0 + e)
    high = np.log1p(e) / least - 0.5 * least
    low = np.minimum(np.log(e) / least, np.log(e) / q) - 0.5 * q
    x = high.copy()
    left = np.arange(len(x))
    for _ in range(_ITERATIONS):
        here, e_here, lo, hi = x[left], e[left], low[left], high[left]
        value, slope = _equation(here, e_here, q[left])
        below = value < 0
        lo, hi = np.where(below, here, lo), np.where(below, hi, here)
        low[left], high[left] = lo, hi
        with np.errstate(divide="ignore", invalid="ignore"):
            step = here - value / slope
        inside = (step > lo) & (step < hi)
        following = np.where(inside, step, 0.5 * (lo + hi))
        following = np.where(value == 0, here, following)
        x[left] = following
        left = left[np.abs(following - here) > 4e-16 * np.maximum(np.abs(here), 1.0)]
        if not len(left):
            break
    return x


def _equation(x: Floats, e: Floats, q: Floats) -> tuple[Floats, Floats]:
    """The left side of the equation in `merton`, and its slope."""
    below = ndtr(x)
    density = np.exp(-0.5 * x * x - _HALF_LOG_TAU)
    total = e + below
    s = q * e / total
    d1 = x + s
    log_n1 = log_ndtr(d1)
    mills = np.exp(-0.5 * d1 * d1 - _HALF_LOG_TAU - log_n1)
    value = s * x + 0.5 * s * s + log_n1 - np.log(total)
    slope = s + mills - density / total * (1.0 + s * (d1 + mills))
    return value, slope
