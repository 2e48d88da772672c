"""What an optimizer is told, cut at the decision time.

Everything in a `Problem` was known at `as_of`; its arrays are read-only views, so an optimizer
can neither look ahead nor change what the next one sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, field_validator, model_validator

from finstrat.components import Settings
from finstrat.errors import ConfigError, PluginError, UnsolvedError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-9
"""Solvers stop near a bound, not on it; weights beyond it by less than this are put back on it."""


class Group(Settings):
    """Assets whose weights together are bounded, like a sector."""

    assets: tuple[str, ...] = Field(min_length=1, description="asset ids")
    low: float = Field(-1e3, description="lowest Σw of the group")
    high: float = Field(1e3, description="highest Σw of the group")

    @model_validator(mode="after")
    def _ordered(self) -> Group:
        if self.low > self.high:
            raise ValueError(f"low = {self.low:g} exceeds high = {self.high:g}")
        return self


class Constraints(Settings):
    """Bounds on weights as fractions of net asset value; cash is what is left."""

    long_only: bool = Field(default=True, description="no weight below 0")
    gross: float = Field(1.0, gt=0, description="largest Σ|w|, the leverage")
    net: tuple[float, float] = Field((-1.0, 1.0), description="lowest and highest Σw")
    max_weight: float = Field(1.0, gt=0, description="largest |w| of one asset")
    by_name: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="lowest and highest weight by asset id"
    )
    groups: dict[str, Group] = Field(
        default_factory=dict, description="groups of assets (sectors) with bounds on their Σw"
    )
    turnover: float | None = Field(None, gt=0, description="largest Σ|Δw| of a rebalance")
    tracking: float | None = Field(
        None, gt=0, description="largest expected deviation from the benchmark's return, a year"
    )
    min_trade: float = Field(
        0.0, ge=0, lt=1, description="least |Δw| of a trade but one that closes a position"
    )
    cardinality: int | None = Field(None, ge=1, description="most assets held")

    @field_validator("net")
    @classmethod
    def _ordered(cls, net: tuple[float, float]) -> tuple[float, float]:
        if net[0] > net[1]:
            raise ValueError(f"the lower bound {net[0]} exceeds the upper bound {net[1]}")
        return net

    @model_validator(mode="after")
    def _possible(self) -> Constraints:
        """Refuse what no weights could ever keep, and name it."""
        clashes = [
            (f"net = {self.net} and gross = {self.gross:g}", self.net[0] > self.gross),
            (f"net = {self.net} and long_only", self.long_only and self.net[1] < 0),
        ]
        if self.cardinality is not None:
            names = f"net = {self.net}, cardinality = {self.cardinality}, max_weight"
            most = self.cardinality * self.max_weight
            clashes.append((f"{names} = {self.max_weight:g}", self.net[0] > most))
        for name, (low, high) in self.by_name.items():
            floor = 0.0 if self.long_only else -self.max_weight
            empty = low > high or low > self.max_weight or high < floor
            clashes.append((f"by_name.{name} = ({low:g}, {high:g}) and the other bounds", empty))
        for told, clash in clashes:
            if clash:
                raise ValueError(f"no weights keep these together: {told}")
        return self

    @cached_property
    def plain(self) -> bool:
        """Whether nothing is asked beyond long-only, gross, net and one bound for all names."""
        return self.given() <= {"long_only", "gross", "net", "max_weight"}

    @property
    def coupled(self) -> bool:
        """Whether what may be held depends on what is held already."""
        return self.turnover is not None or self.min_trade > 0

    @cached_property
    def known_to_all(self) -> Constraints:
        """The limits that every optimizer has to keep by itself."""
        return Constraints.model_construct(
            long_only=self.long_only, gross=self.gross, net=self.net, max_weight=self.max_weight
        )

    def given(self) -> set[str]:
        """The limits that bind anything."""
        usual = Constraints.model_construct()
        return {name for name, value in self if value != getattr(usual, name)}

    def bounds(self, assets: tuple[str, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest weight of each asset, `[M]` each."""
        low = np.full(len(assets), 0.0 if self.long_only else -self.max_weight)
        high = np.full(len(assets), self.max_weight)
        for i, name in enumerate(assets):
            if name in self.by_name:
                low[i] = max(low[i], self.by_name[name][0])
                high[i] = min(high[i], self.by_name[name][1])
        return low, high

    def told(self, name: str, *, budget: float | None = None) -> str:
        """A limit as the backtest file would say it."""
        if name == "budget":
            return f"Σw = {budget:g}"
        value: object = self
        for part in name.split("."):
            value = value[part] if isinstance(value, dict) else getattr(value, part)
        if isinstance(value, Group):
            return f"limits.{name} = ({value.low:g}, {value.high:g})"
        return f"limits.{name} = {str(value).lower() if isinstance(value, bool) else value}"

    def check_names(self, assets: tuple[str, ...]) -> None:
        """Nothing, where limits name only assets there are.

        Raises:
            ConfigError: they name another.
        """
        named = [(f"limits.by_name.{name}", name) for name in self.by_name]
        for group, of in self.groups.items():
            named += [(f"limits.groups.{group}.assets", name) for name in of.assets]
        for where, name in named:
            if name not in assets:
                raise ConfigError(f'{where}: no asset "{name}"{did_you_mean(name, assets)}')

    def check(
        self, weights: NDArray[np.float64], assets: tuple[str, ...], *, where: str
    ) -> NDArray[np.float64]:
        """`weights` `[M]`, with rounding at the bounds removed.

        Turnover, tracking and the least trade, which depend on more than weights, aren't looked at.

        Raises:
            UnsolvedError: a weight isn't finite, or a bound is broken by more than rounding.
            PluginError: there isn't one weight an asset.
        """
        if weights.shape != (len(assets),):
            raise PluginError(
                f"{where}: gave weights of shape {weights.shape}, not ({len(assets)},)"
            )
        if not np.isfinite(weights).all():
            bad = assets[int(np.argmin(np.isfinite(weights)))]
            raise UnsolvedError(f"{where}: the weight of {bad} is not a finite number")
        # An asset that can't be held now is held at nothing, whatever its own bounds say.
        low, high = self.bounds(assets)
        low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
        over = np.maximum(weights - high, low - weights)
        if over.size and over.max() > TOLERANCE:
            worst = int(np.argmax(over))
            raise UnsolvedError(
                f"{where}: the weight of {assets[worst]} is {weights[worst]:.6g}, outside "
                f"[{low[worst]:g}, {high[worst]:g}]"
            )
        result = np.clip(weights, low, high)
        gross = float(np.abs(result).sum())
        if gross > self.gross + TOLERANCE * max(1, len(assets)):
            raise UnsolvedError(f"{where}: gross exposure is {gross:.6g}, above {self.gross:g}")
        if gross > self.gross:
            result = result * (self.gross / gross)
        net = float(result.sum())
        if not self.net[0] - TOLERANCE <= net <= self.net[1] + TOLERANCE:
            raise UnsolvedError(f"{where}: net exposure {net:.6g} lies outside {self.net}")
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
        sessions_per_year: of the calendar.
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
    sessions_per_year: float = 252.0

    def keeps(self, weights: NDArray[np.float64]) -> bool:
        """Whether `weights` `[M]` keep every limit to `TOLERANCE`."""
        return not self.broken(weights)

    def broken(self, weights: NDArray[np.float64]) -> list[str]:
        """The limits that `weights` `[M]` break by more than `TOLERANCE`."""
        limits, near = self.constraints, TOLERANCE
        held = np.zeros(len(weights)) if self.current is None else self.current
        change = np.abs(weights - held)
        low, high = limits.bounds(self.assets)
        net = float(weights.sum())
        found = {
            "bounds": bool(((weights < low - near) | (weights > high + near)).any()),
            "gross": float(np.abs(weights).sum()) > limits.gross + near,
            "net": not limits.net[0] - near <= net <= limits.net[1] + near,
            "turnover": limits.turnover is not None and change.sum() > limits.turnover + near,
            "min_trade": bool(
                (
                    (change > near) & (change < limits.min_trade - near) & (np.abs(weights) > near)
                ).any()
            ),
            "cardinality": limits.cardinality is not None
            and int((np.abs(weights) > near).sum()) > limits.cardinality,
            "tracking": limits.tracking is not None
            and self.tracking_error(weights) > limits.tracking + near,
        }
        for name, group in limits.groups.items():
            total = float(weights[np.isin(self.assets, group.assets)].sum())
            found[f"groups.{name}"] = not group.low - near <= total <= group.high + near
        return [name for name, is_broken in found.items() if is_broken]

    def tracking_root(self) -> NDArray[np.float64]:
        """L `[M, M]` with ‖L(w − benchmark)‖ the deviation expected in a year.

        By the shrunk covariance (Ledoit and Wolf 2004) of the trailing returns.

        Raises:
            UnsolvedError: there is no benchmark whose weights are known, or no trailing return.
        """
        from finstrat.portfolio.covariance import covariance

        if self.benchmark is None or len(self.returns) < 2:
            raise UnsolvedError("tracking needs a benchmark with known weights, and past returns")
        values, vectors = np.linalg.eigh(covariance(self.returns) * self.sessions_per_year)
        root: NDArray[np.float64] = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
        return root

    def tracking_error(self, weights: NDArray[np.float64]) -> float:
        """How far `weights` `[M]` are expected to stray from the benchmark in a year."""
        root = self.tracking_root()
        assert self.benchmark is not None
        return float(np.linalg.norm(root @ (weights - self.benchmark)))
