"""One-step forecasts of value at risk and expected shortfall, and nothing of how they fared.

Each is made at the close of session t for session t + 1, from the weights held at t and the asset
returns up to t: what today's book would have done in the past. Losses are positive fractions; NaN
means that there is no forecast. Row t uses nothing known after the close of t.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from finstrat.risk.conventions import Floats

WINDOW = 500
"""Past sessions that a forecast rests on: two years, so that 1 % is five of them."""

DECAY = 0.94
"""Weight that a session keeps a session later (RiskMetrics, 1996, for daily returns)."""

REFIT = 63
"""Sessions between two fits of the GARCH model; in between it is filtered with new returns."""

THRESHOLD = 0.90
"""Quantile of losses above which a tail is a generalised Pareto one (McNeil and Frey, 2000)."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)


@dataclass(frozen=True, eq=False)
class Forecast:
    """VaR and ES of one model at one level, `[T]` each; see the module for signs and times."""

    model: str
    level: float
    var: Floats
    es: Floats


def past_of_todays_book(holdings: Floats, returns: Floats, *, window: int = WINDOW) -> Floats:
    """What the weights held at t would have returned in each of the sessions up to t, `[T, W]`.

    `holdings` and `returns` are `[T, N]`; cash returns nothing. A row is NaN where fewer than
    `window` sessions have passed, or an asset held has an unknown return among them.
    """
    rows, assets = returns.shape
    result = np.full((rows, window), np.nan)
    if rows < window or assets == 0:
        return result
    held = np.nan_to_num(holdings)
    for t in range(window - 1, rows):
        on = np.flatnonzero(held[t])
        result[t] = returns[t - window + 1 : t + 1, on] @ held[t, on] if len(on) else 0.0
    return result


def forecasts(past: Floats, *, level: float) -> tuple[Forecast, ...]:
    """The forecast of every model in `MODELS`, from `past_of_todays_book`."""
    known = ~np.isnan(past).any(axis=1) & (np.ptp(past, axis=1) > 0)
    made = []
    for name, model in MODELS.items():
        var, es = np.full(len(past), np.nan), np.full(len(past), np.nan)
        if known.any():
            var[known], es[known] = model(past[known], level)
        made.append(Forecast(name, level, var, es))
    return tuple(made)


def historical(past: Floats, level: float) -> tuple[Floats, Floats]:
    """The empirical quantile without interpolation, and the mean of the worst 1 − level.

    Source: Rockafellar and Uryasev (2002), Proposition 8.
    """
    losses = np.sort(-past, axis=1)
    count = losses.shape[1]
    place = int(np.ceil(level * count - 1e-9)) - 1
    var = losses[:, place]
    beyond = losses[:, place + 1 :].sum(axis=1) / count
    es = ((place + 1) / count - level) * var + beyond
    return var, es / (1.0 - level)


def normal(past: Floats, level: float) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the window, and a normal law."""
    return _normal(past.mean(axis=1), past.std(axis=1, ddof=1), level)


def ewma(past: Floats, level: float) -> tuple[Floats, Floats]:
    """A normal law around 0 whose variance fades by `DECAY` a session (RiskMetrics, 1996)."""
    weights = DECAY ** np.arange(past.shape[1])[::-1]
    sigma = np.sqrt((past**2) @ (weights / weights.sum()))
    return _normal(np.zeros(len(past)), sigma, level)


def cornish_fisher(past: Floats, level: float) -> tuple[Floats, Floats]:
    """The normal quantile corrected for skewness and kurtosis; NaN where that is no quantile.

    A corrected quantile that falls where it should rise means nothing (Maillard, 2012, gives the
    domain for every z; here it must rise within five standard deviations, beyond which no window
    reaches). ES is the mean of the VaR over the tail, by Gauss and Legendre.
    """
    mean, sigma = past.mean(axis=1), past.std(axis=1, ddof=1)
    skew = stats.skew(past, axis=1)
    excess = stats.kurtosis(past, axis=1)
    z = np.linspace(-5.0, 5.0, 101)[:, None]
    slope = 1 + z * skew / 3 + (z**2 - 1) * excess / 8 - (6 * z**2 - 5) * skew**2 / 36
    valid = (slope > 0).all(axis=0)

    def loss(tail: float) -> Floats:
        z = stats.norm.ppf(tail)
        corrected = (
            z
            + (z**2 - 1) * skew / 6
            + (z**3 - 3 * z) * excess / 24
            - (2 * z**3 - 5 * z) * skew**2 / 36
        )
        result: Floats = np.where(valid, -(mean + sigma * corrected), np.nan)
        return result

    tail = 1.0 - level
    nodes = (_NODES + 1.0) / 2.0 * tail
    es = sum(w / 2.0 * loss(node) for node, w in zip(nodes, _WEIGHTS, strict=True))
    return loss(tail), np.asarray(es, dtype=np.float64)


def extreme_value(past: Floats, level: float) -> tuple[Floats, Floats]:
    """A generalised Pareto law for the losses beyond the window's 90 % quantile.

    Fitted by probability-weighted moments (Hosking and Wallis, 1987), which has no start values
    and no iterations; VaR and ES as in McNeil and Frey (2000), section 2.3. NaN where ξ ≥ 1.
    """
    losses = np.sort(-past, axis=1)
    count = losses.shape[1]
    first = int(np.ceil(THRESHOLD * count))
    threshold = losses[:, first - 1]
    excess = losses[:, first:] - threshold[:, None]
    n = excess.shape[1]
    places = (np.arange(1, n + 1) - 0.35) / n
    b0, b1 = excess.mean(axis=1), (excess * (1.0 - places)).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        xi = 2.0 - b0 / (b0 - 2.0 * b1)
        beta = 2.0 * b0 * b1 / (b0 - 2.0 * b1)
        ratio = count / n * (1.0 - level)
        grown = np.where(np.abs(xi) < 1e-9, -np.log(ratio), (ratio**-xi - 1.0) / xi)
        var = threshold + beta * grown
        es = var / (1.0 - xi) + (beta - xi * threshold) / (1.0 - xi)
    usable = np.isfinite(var) & (xi < 1.0)
    return np.where(usable, var, np.nan), np.where(usable, es, np.nan)


def filtered_historical(past: Floats, level: float) -> tuple[Floats, Floats]:
    """The window's shocks, each over its own GARCH(1, 1) volatility, times tomorrow's volatility.

    Source: Barone-Adesi, Giannopoulos and Vosper (1999). The parameters are quasi maximum
    likelihood, fitted anew every `REFIT` rows on that row's window.
    """
    mean = past.mean(axis=1, keepdims=True)
    shocks = past - mean
    sigma = garch_volatility(shocks, *_garch_parameters(shocks))
    tomorrow = shocks / sigma[:, :-1] * sigma[:, -1:]
    return historical(mean + tomorrow, level)


def garch_volatility(shocks: Floats, omega: Floats, alpha: Floats, beta: Floats) -> Floats:
    """The volatility of each session of the rows `[R, W]` and of the one after them, `[R, W + 1]`.

    σ²(k + 1) = ω + α shock(k)² + β σ²(k) (Bollerslev, 1986), from the row's own variance.
    """
    rows, window = shocks.shape
    variance = np.empty((rows, window + 1))
    variance[:, 0] = shocks.var(axis=1)
    for k in range(window):
        variance[:, k + 1] = omega + alpha * shocks[:, k] ** 2 + beta * variance[:, k]
    return np.sqrt(variance)


def _garch_parameters(shocks: Floats) -> tuple[Floats, Floats, Floats]:
    """ω, α and β in force at each row; those of the last fit where a fit doesn't converge."""
    from arch import arch_model

    found = np.empty((len(shocks), 3))
    for start in range(0, len(shocks), REFIT):
        own = shocks[start]
        # arch wants numbers of order 1; a variance scales with the square.
        scale = 1.0 / own.std()
        current = found[start - 1] if start else np.array([0.05 * own.var(), 0.05, 0.90])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = arch_model(own * scale, mean="Zero", rescale=False).fit(disp="off")
        if fit.convergence_flag == 0:
            omega, alpha, beta = fit.params.to_numpy()
            current = np.array([omega / scale**2, alpha, beta])
        found[start : start + REFIT] = current
    return found[:, 0], found[:, 1], found[:, 2]


def _normal(mean: Floats, sigma: Floats, level: float) -> tuple[Floats, Floats]:
    z = stats.norm.ppf(level)
    return sigma * z - mean, sigma * stats.norm.pdf(z) / (1.0 - level) - mean


MODELS: dict[str, Callable[[Floats, float], tuple[Floats, Floats]]] = {
    "historical": historical,
    "normal": normal,
    "Cornish-Fisher": cornish_fisher,
    "EWMA": ewma,
    "filtered historical (GARCH)": filtered_historical,
    "extreme value (GPD)": extreme_value,
}
"""Every model, by the name a report shows."""
