"""What an optimizer is told, cut at the decision time.

Everything in a `Problem` was known at `as_of`; its arrays are read-only views, so an optimizer
can neither look ahead nor change what the next one sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, field_validator

from finstrat.components import Settings
from finstrat.errors import PluginError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-9
"""Solvers stop near a bound, not on it; weights beyond it by less than this are put back on it."""


class Constraints(Settings):
    """Bounds on weights as fractions of net asset value; cash is what is left."""

    long_only: bool = Field(default=True, description="no weight below 0")
    gross: float = Field(1.0, gt=0, description="largest Σ|w|")
    net: tuple[float, float] = Field((-1.0, 1.0), description="lowest and highest Σw")
    max_weight: float = Field(1.0, gt=0, description="largest |w| of one asset")

    @field_validator("net")
    @classmethod
    def _ordered(cls, net: tuple[float, float]) -> tuple[float, float]:
        if net[0] > net[1]:
            raise ValueError(f"the lower bound {net[0]} exceeds the upper bound {net[1]}")
        return net

    def check(
        self, weights: NDArray[np.float64], assets: tuple[str, ...], *, where: str
    ) -> NDArray[np.float64]:
        """`weights` `[M]`, with rounding at the bounds removed.

        Raises:
            PluginError: a weight is NaN or infinite, or a bound is broken by more than rounding.
        """
        if weights.shape != (len(assets),):
            raise PluginError(
                f"{where}: gave weights of shape {weights.shape}, not ({len(assets)},)"
            )
        if not np.isfinite(weights).all():
            bad = assets[int(np.argmin(np.isfinite(weights)))]
            raise PluginError(f"{where}: the weight of {bad} is not a finite number")
        low = 0.0 if self.long_only else -self.max_weight
        over = np.maximum(weights - self.max_weight, low - weights)
        if over.size and over.max() > TOLERANCE:
            worst = int(np.argmax(over))
            raise PluginError(
                f"{where}: the weight of {assets[worst]} is {weights[worst]:.6g}, outside "
                f"[{low:g}, {self.max_weight:g}]"
            )
        result = np.clip(weights, low, self.max_weight)
        gross = float(np.abs(result).sum())
        if gross > self.gross + TOLERANCE * max(1, len(assets)):
            raise PluginError(f"{where}: gross exposure is {gross:.6g}, above {self.gross:g}")
        if gross > self.gross:
            result = result * (self.gross / gross)
        net = float(result.sum())
        if not self.net[0] - TOLERANCE <= net <= self.net[1] + TOLERANCE:
            raise PluginError(f"{where}: net exposure {net:.6g} lies outside {self.net}")
        return result


@dataclass(frozen=True, eq=False)
class Problem:
    """One decision: M assets, W trailing sessions.

    Attributes:
        as_of: the session of the decision.
        assets: M ids.
        returns: `[W, M]` trailing simple returns, the last row being the as-of session's.
        constraints: bounds on the weights.
        alpha: `[M]` unitless expected ranking, or None.
        views: expected returns over `horizon` `[M]`, or None where nothing speaks for any.
        confidence: in the views, from 0 to 1.
        current: `[M]` weights held now (previous targets drifted to the as-of), or None.
        benchmark: `[M]` weights, or None.
        costs: `[M]` linear cost of a unit of turnover, or None.
        impact: `[M]` what multiplies |Δw|^1.5 in the cost, as a fraction of net asset value, or
            None; NaN = unknown.
        horizon: sessions until the next rebalance.
    """

    as_of: np.datetime64
    assets: tuple[str, ...]
    returns: NDArray[np.float64]
    constraints: Constraints
    alpha: NDArray[np.float64] | None = None
    views: NDArray[np.float64] | None = None
    confidence: float = 0.0
    current: NDArray[np.float64] | None = None
    benchmark: NDArray[np.float64] | None = None
    costs: NDArray[np.float64] | None = None
    impact: NDArray[np.float64] | None = None
    horizon: int = 1
