"""How much of a return is the benchmark's.

One regression of excess returns on the benchmark's, with standard errors that allow for
autocorrelation and changing variance. Returns are simple, `[T]`; a session counts where both are
known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import Floats, known, observed, unknown
from finstrat.risk.performance import FLAT

if TYPE_CHECKING:
    from finstrat.risk.figure import Figure

FEWEST = 30
"""Below this a HAC standard error says little (its lags alone take several observations)."""

LEVEL = 0.90
"""Confidence level of the intervals, the same as the bootstrap's."""


@dataclass(frozen=True)
class Exposure:
    """Beta, annual alpha and correlation to a benchmark."""

    beta: Figure
    alpha: Figure
    correlation: Figure


def benchmark_exposure(
    returns: Floats, benchmark: Floats, *, periods_per_year: float, risk_free: float = 0.0
) -> Exposure:
    """The regression of `returns` on `benchmark`, both less the yearly `risk_free` fraction.

    Standard errors are HAC with the Bartlett kernel and ⌊4 (n / 100)^(2/9)⌋ lags (Newey & West
    1987, 1994). Alpha is the intercept times `periods_per_year`.
    """
    both = ~np.isnan(returns) & ~np.isnan(benchmark)
    y, x = observed(returns[both]), observed(benchmark[both])
    n = len(y)
    reason = ""
    if n == 0:
        reason = "this run has no benchmark"
    elif n < FEWEST:
        reason = f"only {n} sessions have both returns; {FEWEST} are needed"
    elif x.std() <= FLAT:
        reason = "the benchmark never varies"
    elif y.std() <= FLAT:
        reason = "the returns never vary"
    if reason:
        return Exposure(
            beta=unknown("beta.ols", n=n, reason=reason),
            alpha=unknown("alpha.ols-hac", n=n, reason=reason),
            correlation=unknown("correlation.pearson", n=n, reason=reason),
        )
    # A second to import, which only a report should pay.
    from statsmodels.regression.linear_model import OLS

    daily_free = risk_free / periods_per_year
    lags = int(4 * (n / 100) ** (2 / 9))
    design = np.column_stack([np.ones(n), x - daily_free])
    fit = OLS(y - daily_free, design).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    bounds = fit.conf_int(alpha=1 - LEVEL)
    method = f"OLS, {LEVEL:.0%} HAC interval, {lags} lags"
    scale = periods_per_year
    return Exposure(
        beta=known("beta.ols", fit.params[1], n=n, ci=_pair(bounds[1]), method=method),
        alpha=known(
            "alpha.ols-hac",
            fit.params[0] * scale,
            n=n,
            ci=_pair(bounds[0] * scale),
            method=method,
        ),
        correlation=known("correlation.pearson", float(np.corrcoef(x, y)[0, 1]), n=n),
    )


def up_capture(returns: Floats, benchmark: Floats) -> Figure:
    """Mean return over the benchmark's in the sessions in which the benchmark gained."""
    return _capture(returns, benchmark, sign=1.0, convention_id="capture.up")


def down_capture(returns: Floats, benchmark: Floats) -> Figure:
    """Mean return over the benchmark's in the sessions in which the benchmark lost."""
    return _capture(returns, benchmark, sign=-1.0, convention_id="capture.down")


def _capture(returns: Floats, benchmark: Floats, *, sign: float, convention_id: str) -> Figure:
    chosen = ~np.isnan(returns) & (sign * benchmark > 0)
    n = int(chosen.sum())
    if n < FEWEST:
        reason = f"{n} such sessions are known; {FEWEST} are needed"
        return unknown(convention_id, n=n, reason=reason)
    return known(convention_id, returns[chosen].mean() / benchmark[chosen].mean(), n=n)


def _pair(bounds: Floats) -> tuple[float, float]:
    return float(bounds[0]), float(bounds[1])
