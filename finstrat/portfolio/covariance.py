"""Covariances of returns, `[W, M]` → `[M, M]`, with the shrinkage that makes them invertible.

They estimate from the returns they are given and know nothing of dates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Estimator = Literal["ledoit-wolf", "oas", "sample", "ewma", "denoised", "single-factor"]


def covariance(
    returns: NDArray[np.float64], *, estimator: Estimator = "ledoit-wolf", half_life: float = 63.0
) -> NDArray[np.float64]:
    """The covariance of the columns of `returns`, about their means, per session.

    `half_life`, in sessions, is for `ewma` alone. Raises nothing: NaN in, NaN out.
    """
    if estimator == "ewma":
        weights = 0.5 ** (np.arange(len(returns))[::-1] / half_life)
        weights /= weights.sum()
        centred = (returns - weights @ returns) * np.sqrt(weights)[:, None]
        # Unbiased for weights that sum to 1.
        ewma: NDArray[np.float64] = centred.T @ centred / (1.0 - weights @ weights)
        return ewma
    if estimator == "denoised":
        return _denoised(returns)
    centred = returns - returns.mean(axis=0)
    n, m = centred.shape
    if estimator == "single-factor":
        return _single_factor(centred)
    products = centred.T @ centred
    if estimator == "sample":
        sample: NDArray[np.float64] = products / (n - 1)
        return sample
    raw = products / n
    shrinkage = _ledoit_wolf(centred, raw) if estimator == "ledoit-wolf" else _oas(raw, n)
    result: NDArray[np.float64] = (1.0 - shrinkage) * raw
    result.flat[:: m + 1] += shrinkage * np.trace(raw) / m
    return result


def _denoised(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eigenvalues of the correlation that noise alone could give made equal, by skfolio
    (Marčenko and Pastur 1967; López de Prado 2020, Machine Learning for Asset Managers, 2.5).
    """
    from skfolio.moments import DenoiseCovariance

    found: NDArray[np.float64] = np.asarray(DenoiseCovariance().fit(returns).covariance_)
    return found


def _single_factor(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """ββᵀ var(f) + diag(residual variances), f the average asset (Sharpe 1963, Management Science
    9(2)); residuals leave out n - 2 degrees of freedom.
    """
    n = len(centred)
    factor = centred.mean(axis=1)
    square = float(factor @ factor)
    beta = centred.T @ factor / square if square > 0 else np.zeros(centred.shape[1])
    residual = centred - np.outer(factor, beta)
    result: NDArray[np.float64] = np.outer(beta, beta) * square / (n - 1)
    result.flat[:: len(beta) + 1] += (residual**2).sum(axis=0) / (n - 2)
    return result


def _ledoit_wolf(centred: NDArray[np.float64], raw: NDArray[np.float64]) -> float:
    """The part of the average variance in the estimate (Ledoit and Wolf 2004, J. Multivariate
    Analysis 88, lemma 3.2 to 3.4).
    """
    n, m = centred.shape
    squares = np.vdot(raw, raw)
    distance = squares / m - (np.trace(raw) / m) ** 2
    # The mean of ‖xxᵀ − S‖² over the rows, without forming one xxᵀ.
    noise = ((np.einsum("ij,ij->i", centred, centred) ** 2).sum() / n - squares) / (n * m)
    return float(min(noise, distance) / distance) if distance > 0 else 0.0


def _oas(raw: NDArray[np.float64], n: int) -> float:
    """The oracle-approximating shrinkage (Chen et al. 2010, IEEE Trans. Signal Proc. 58, eq. 23),
    in scikit-learn's form of it.
    """
    m = len(raw)
    mean_square, mean = np.mean(raw**2), np.trace(raw) / m
    over = mean_square + mean**2
    under = (n + 1) * (mean_square - mean**2 / m)
    return 1.0 if under == 0 else float(min(over / under, 1.0))
