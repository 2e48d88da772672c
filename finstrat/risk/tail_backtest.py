"""How forecasts of tail losses fared against what then happened.

A breach is a loss beyond the forecast VaR. Tests are asymptotic, so too few expected breaches give
a null with the reason. Nothing here knows how a forecast was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from finstrat.risk.conventions import Floats, known, unknown

if TYPE_CHECKING:
    from finstrat.risk.figure import Figure
    from finstrat.risk.tail_forecast import Forecast

FEWEST_BREACHES = 5.0
"""Expected breaches below which a χ² of their number is no approximation."""

BASEL_SESSIONS = 250
Light = Literal["green", "yellow", "red"]


@dataclass(frozen=True)
class Record:
    """How one model's forecasts fared.

    Attributes:
        model: its name. level: of the VaR.
        breach_rate: share of sessions with a loss beyond the VaR; 1 − level is right.
        kupiec: p-value that the rate is right (Kupiec, 1995, proportion of failures).
        independence: p-value that a breach doesn't follow a breach (Christoffersen, 1998).
        coverage: p-value of both together (Christoffersen, 1998, conditional coverage).
        shortfall: p-value that losses beyond the VaR are no larger than the ES says
            (Acerbi and Székely, 2014, test 2).
        light: Basel's traffic light over the last 250 sessions, at 99 % only.
    """

    model: str
    level: float
    breach_rate: Figure
    kupiec: Figure
    independence: Figure
    coverage: Figure
    shortfall: Figure
    light: Light | None


def record(forecast: Forecast, returns: Floats) -> Record:
    """How `forecast` fared: row t of it against row t + 1 of `returns` `[T]`."""
    var, es, next_return = forecast.var[:-1], forecast.es[:-1], returns[1:]
    judged = ~(np.isnan(var) | np.isnan(es) | np.isnan(next_return))
    var, es, next_return = var[judged], es[judged], next_return[judged]
    breach = -next_return > var
    n, tail = len(breach), 1.0 - forecast.level
    if n * tail < FEWEST_BREACHES:
        expected = f"{n} forecasts let one expect {n * tail:.1f} breaches"
        reason = f"{expected}; {FEWEST_BREACHES:.0f} are needed"
        none = {
            key: unknown(convention, n=n, reason=reason) for key, convention in _CONVENTIONS.items()
        }
        return Record(forecast.model, forecast.level, **none, light=None)
    return Record(
        model=forecast.model,
        level=forecast.level,
        breach_rate=known("tail.breach-rate", float(breach.mean()), n=n),
        **_coverage(breach, tail),
        shortfall=known("tail.shortfall-p", _shortfall_p(breach, es, next_return, tail), n=n),
        light=_traffic_light(breach, forecast.level),
    )


_CONVENTIONS = {
    "breach_rate": "tail.breach-rate",
    "kupiec": "tail.kupiec-p",
    "independence": "tail.independence-p",
    "coverage": "tail.coverage-p",
    "shortfall": "tail.shortfall-p",
}


def _coverage(breach: np.ndarray, tail: float) -> dict[str, Figure]:
    """Kupiec's and Christoffersen's tests, each a likelihood ratio."""
    n, x = len(breach), int(breach.sum())
    rate = x / n
    failures = 2.0 * (_log_likelihood(x, n - x, rate) - _log_likelihood(x, n - x, tail))
    before, after = breach[:-1], breach[1:]
    from_calm = (int((~before & after).sum()), int((~before & ~after).sum()))
    from_breach = (int((before & after).sum()), int((before & ~after).sum()))
    pooled = (from_calm[0] + from_breach[0]) / (n - 1)
    kupiec = known("tail.kupiec-p", float(stats.chi2.sf(failures, 1)), n=n, method=_RATIO)
    if sum(from_breach) == 0:
        reason = "no breach was followed by a session"
        return {
            "kupiec": kupiec,
            "independence": unknown("tail.independence-p", n=n, reason=reason),
            "coverage": unknown("tail.coverage-p", n=n, reason=reason),
        }
    chained = sum(
        _log_likelihood(hits, misses, hits / (hits + misses))
        for hits, misses in (from_calm, from_breach)
        if hits + misses
    )
    chain = 2.0 * (chained - _log_likelihood(*_sums(from_calm, from_breach), pooled))
    return {
        "kupiec": kupiec,
        "independence": known(
            "tail.independence-p", float(stats.chi2.sf(chain, 1)), n=n, method=_RATIO
        ),
        "coverage": known(
            "tail.coverage-p", float(stats.chi2.sf(failures + chain, 2)), n=n, method=_RATIO
        ),
    }


_RATIO = "likelihood ratio, χ²"


def _sums(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def _log_likelihood(hits: int, misses: int, p: float) -> float:
    """Of so many hits and misses at probability p, where 0 · log 0 is 0."""
    return (hits * np.log(p) if hits else 0.0) + (misses * np.log1p(-p) if misses else 0.0)


def _shortfall_p(breach: np.ndarray, es: Floats, returns: Floats, tail: float) -> float:
    """One-sided p-value of Z₂ = mean(r·1{breach} / (tail · ES)) + 1 against Z₂ < 0.

    By the normal law of a mean: the statistic's own law depends on the model's, which isn't known
    here.
    """
    terms = np.where(breach, returns / (tail * es), 0.0) + 1.0
    deviation = terms.std(ddof=1)
    if deviation == 0.0:
        return 1.0
    return float(stats.norm.cdf(terms.mean() / (deviation / np.sqrt(len(terms)))))


def _traffic_light(breach: np.ndarray, level: float) -> Light | None:
    """Basel Committee (1996): of the last 250 sessions, up to 4 breaches are green, 9 yellow."""
    if level != 0.99 or len(breach) < BASEL_SESSIONS:
        return None
    count = int(breach[-BASEL_SESSIONS:].sum())
    return "green" if count <= 4 else "yellow" if count <= 9 else "red"
