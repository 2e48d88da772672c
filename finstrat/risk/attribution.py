"""Where a return came from, by factors, and where its variance came from, by holdings.

Factors are given, like those of Fama and French; nothing here knows where a file of them lies, or
whether a factor can be traded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.benchmark import FEWEST, LEVEL
from finstrat.risk.conventions import Floats, known, unknown
from finstrat.risk.covariance import common_history
from finstrat.risk.performance import FLAT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.risk.figure import Figure


@dataclass(frozen=True)
class Loading:
    """One factor: how much of it was held, and what that earned a year."""

    name: str
    beta: Figure
    contribution: Figure


@dataclass(frozen=True)
class FactorAttribution:
    """A return as so much of each factor, and what is left.

    Attributes:
        loadings: in the order of the factors.
        alpha: a year, what no factor explains.
        r_squared: the share of the variance that the factors explain.
    """

    loadings: tuple[Loading, ...]
    alpha: Figure
    r_squared: Figure


def factor_attribution(
    returns: Floats, factors: Floats, names: Sequence[str], *, periods_per_year: float
) -> FactorAttribution:
    """The regression of excess returns `[T]` on K factors `[T, K]` and a constant.

    Sessions where all are known count. The mean excess return a year is exactly alpha plus the
    factors' contributions, each its beta times its own mean. Intervals are HAC with the Bartlett
    kernel and ⌊4 (n / 100)^(2/9)⌋ lags (Newey and West, 1987, 1994); Fama and French (1993) is the
    usual set.
    """
    rows = ~np.isnan(returns) & ~np.isnan(factors).any(axis=1)
    y, x = returns[rows], factors[rows]
    n = len(y)
    reason = ""
    if n < FEWEST + len(names):
        reason = f"{n} sessions have all of them; {FEWEST + len(names)} are needed"
    elif y.std() <= FLAT:
        reason = "the returns never vary"
    elif np.linalg.matrix_rank(np.column_stack([np.ones(n), x])) <= len(names):
        reason = "the factors are linear combinations of each other"
    if reason:
        none = [unknown(each, n=n, reason=reason) for each in ("factor.beta", "factor.return")]
        return FactorAttribution(
            loadings=tuple(Loading(name, *none) for name in names),
            alpha=unknown("factor.alpha", n=n, reason=reason),
            r_squared=unknown("factor.r-squared", n=n, reason=reason),
        )
    from statsmodels.regression.linear_model import OLS

    lags = int(4 * (n / 100) ** (2 / 9))
    design = np.column_stack([np.ones(n), x])
    fit = OLS(y, design).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    bounds = fit.conf_int(alpha=1 - LEVEL)
    method = f"OLS on {len(names)} factors, {LEVEL:.0%} HAC interval, {lags} lags"

    def figure(name: str, place: int, scale: float) -> Figure:
        low, high = sorted(float(bound) * scale for bound in bounds[place])
        return known(name, fit.params[place] * scale, n=n, ci=(low, high), method=method)

    return FactorAttribution(
        loadings=tuple(
            Loading(
                name,
                figure("factor.beta", place, 1.0),
                figure("factor.return", place, float(x[:, place - 1].mean()) * periods_per_year),
            )
            for place, name in enumerate(names, start=1)
        ),
        alpha=figure("factor.alpha", 0, periods_per_year),
        r_squared=known("factor.r-squared", float(fit.rsquared), n=n),
    )


@dataclass(frozen=True, eq=False)
class VarianceShares:
    """A portfolio's volatility and each holding's part in it.

    Attributes:
        volatility: a year, of the weights over the returns' sessions.
        shares: `[N]`, summing to 1; below 0 a holding offsets others. NaN without a volatility.
    """

    volatility: Figure
    shares: Floats


def variance_shares(weights: Floats, returns: Floats, *, periods_per_year: float) -> VarianceShares:
    """Euler's decomposition w_i (Σw)_i / w'Σw of the variance of fixed weights `[N]`.

    `returns` `[W, N]`; Σ is their sample covariance over the sessions in which every holding's
    return is known. Holdings of zero have no part. Litterman (1996), "Hot spots and hedges".
    """
    shares = np.full(len(weights), np.nan)
    past = common_history(weights, returns)
    n, reason = len(past.returns), past.reason_if_null
    variance = 0.0
    if not reason:
        parts = past.exposure * (past.covariance() @ past.exposure)
        variance = float(parts.sum())
        reason = "" if variance > FLAT**2 else "the holdings never moved together"
    if reason:
        return VarianceShares(unknown("volatility.of-holdings", n=n, reason=reason), shares)
    shares[:] = 0.0
    shares[past.held] = parts / variance
    volatility = (variance * periods_per_year) ** 0.5
    return VarianceShares(known("volatility.of-holdings", volatility, n=n), shares)
