"""From scores to expected returns (Grinold 1994, J. Portfolio Management 20(4)).

A score says which asset is better, not by how much. How much follows from how well such scores
have foretold returns, the information coefficient, and from how far returns stray at all.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 12
"""Matured rebalances without which an information coefficient isn't believed."""


@dataclass(frozen=True)
class Skill:
    """How well scores have foretold returns: the mean information coefficient, and its t."""

    ic: float
    t: float
    n: int

    @property
    def confidence(self) -> float:
        """t² / (1 + t²), from 0 to 1."""
        return self.t**2 / (1.0 + self.t**2)


def z_scores(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """`alpha` `[M]` less its mean, over its standard deviation; 0 where nothing is told apart."""
    centred = alpha - alpha.mean()
    spread = float(alpha.std())
    if spread <= 1e-12 * max(1.0, float(np.abs(alpha).max())):
        return np.zeros_like(alpha)
    scores: NDArray[np.float64] = centred / spread
    return scores


def expected(
    alpha: NDArray[np.float64], volatility: NDArray[np.float64], *, ic: float
) -> NDArray[np.float64]:
    """Expected returns `[M]`, μᵢ = IC · σᵢ · zᵢ, over the horizon that `volatility` is of."""
    result: NDArray[np.float64] = ic * volatility * z_scores(alpha)
    return result


def residual_volatility(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The deviation `[M]`, per session, of what the average asset doesn't explain of `returns`."""
    market = returns.mean(axis=1)
    market = market - market.mean()
    centred = returns - returns.mean(axis=0)
    variance = float(market @ market)
    beta = centred.T @ market / variance if variance > 0 else np.zeros(returns.shape[1])
    residual: NDArray[np.float64] = (centred - np.outer(market, beta)).std(axis=0, ddof=1)
    return residual


def information_coefficients(
    alpha: NDArray[np.float64], fills: NDArray[np.float64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How each decision's scores were correlated with what followed, and when that was known.

    The label of the decision of one of `rows` is the return from its fill, in the session after
    it, to the fill of the next decision, and known with that last fill. `alpha` and the prices of
    the fills are `[T, N]`. Decisions with fewer than three scored assets that have a label, or the
    last of all, give none.
    """
    found, known = [], []
    for this, following in itertools.pairwise(rows.tolist()):
        if following + 1 >= len(fills):
            break
        label = fills[following + 1] / fills[this + 1] - 1.0
        both = ~np.isnan(alpha[this]) & ~np.isnan(label)
        if both.sum() >= 3:
            found.append(float(z_scores(alpha[this][both]) @ z_scores(label[both])) / both.sum())
            known.append(following + 1)
    return np.array(found), np.array(known, dtype=np.int64)


def skill(coefficients: NDArray[np.float64]) -> Skill | None:
    """The skill that a row of information coefficients shows; None where there are too few.

    The t-statistic allows for autocorrelation (Newey and West 1987).
    """
    if len(coefficients) < LEAST:
        return None
    return Skill(float(coefficients.mean()), _hac_t(coefficients), len(coefficients))


def _hac_t(values: NDArray[np.float64]) -> float:
    """The t-statistic of a mean with Bartlett weights over 4 (n / 100)^(2/9) lags."""
    n = len(values)
    centred = values - values.mean()
    variance = float(centred @ centred) / n
    lags = int(4 * (n / 100) ** (2 / 9))
    for lag in range(1, lags + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag]) / n
    if variance <= 0:
        return 0.0
    return float(values.mean() / np.sqrt(variance / n))
