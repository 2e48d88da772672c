"""Bet that two assets which have moved together, and came apart, come together again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from finstrat_strategies.latch import changed
from pydantic import Field

from finstrat.components import Decision, Inputs, Strategy

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Pairs(Strategy):
    """Long the loser and short the winner of each pair whose prices have come apart.

    At the first session of every `months`-th calendar month, the `pairs` pairs of members are
    chosen whose prices, both 1 at the start of the last `formation` sessions, had the smallest sum
    of squared differences. From there on both prices start at 1 again: a pair opens when the
    difference exceeds `enter` standard deviations of the formation's differences, closes when it
    has come back to 0, and is closed with the next choice at the latest. A pair that loses a price
    or a member is closed for the rest of the period, and so is one that reaches `stop` deviations.
    Each open pair has gross / pairs, half on each side. Gatev, Goetzmann and Rouwenhorst (2006,
    Review of Financial Studies 19(3)).
    """

    name = "pairs"
    version = "1"

    class Config(Strategy.Config):
        """How pairs are chosen, and when they are traded."""

        pairs: int = Field(5, ge=1, description="pairs watched at a time")
        formation: int = Field(252, ge=20, description="sessions over which pairs are chosen")
        months: int = Field(6, ge=1, le=12, description="calendar months between two choices")
        enter: float = Field(2.0, gt=0, description="deviations at which a pair opens")
        stop: float | None = Field(None, gt=0, description="deviations at which it is given up")
        gross: float = Field(1.0, gt=0, description="Σ|w| with every pair open")

    config: Config

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions that the first choice rests on, and a period before it."""
        return self.config.formation + 23 * self.config.months

    def decide(self, inputs: Inputs) -> Decision:
        """The weight of every open pair; it trades when one opens or closes."""
        assets = inputs.panel.assets
        # In order of ids, so that sums round the same and ties break by id.
        by_id = np.array(sorted(range(len(assets)), key=assets.__getitem__), dtype=np.int64)
        close = np.where(inputs.panel.member, inputs.panel.adjusted("close"), np.nan)[:, by_id]
        months = inputs.clock.sessions.astype("datetime64[M]").astype(np.int64)
        chosen = inputs.clock.starts_of("monthly") & (months % self.config.months == 0)
        starts = np.flatnonzero(chosen)
        starts = starts[starts >= self.config.formation]
        weights = np.zeros(close.shape)
        stops = np.append(starts[1:], len(close))[: len(starts)]
        for start, stop in zip(starts, stops, strict=True):
            # The close before the first return is where both prices are 1.
            past = close[start - self.config.formation : start + 1]
            weights[start:stop, by_id] = self._traded(past, close[start:stop])
        held = torch.from_numpy(weights).to(inputs.device)
        return Decision(weights=held, rebalance=changed(held, first=inputs.first))

    def _traded(self, past: NDArray[np.float64], close: NDArray[np.float64]) -> NDArray[np.float64]:
        """The weights over one period `[P, N]`, from its closes and those before it."""
        formed = past / past[0]
        left, right = closest(formed, self.config.pairs)
        deviation = (formed[:, left] - formed[:, right]).std(axis=0, ddof=1)
        price = close / close[0]
        apart = (price[:, left] - price[:, right]) / np.where(deviation > 0, deviation, np.nan)
        side = self._sides(apart)
        weights = np.zeros(close.shape)
        each = self.config.gross / self.config.pairs / 2
        for pair, (i, j) in enumerate(zip(left, right, strict=True)):
            weights[:, i] += each * side[:, pair]
            weights[:, j] -= each * side[:, pair]
        return weights

    def _sides(self, apart: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 where the first of a pair is held long, −1 where it is short, `[P, pairs]`."""
        stop = np.inf if self.config.stop is None else self.config.stop
        result = np.zeros(apart.shape)
        side, usable = np.zeros(apart.shape[1]), np.ones(apart.shape[1], dtype=bool)
        for t, distance in enumerate(apart):
            usable &= np.isfinite(distance) & ~(np.abs(distance) >= stop)
            # Long what has fallen behind: the difference is negative while the side is 1.
            together = side * distance >= 0
            side = np.where(usable & ~together, side, 0.0)
            opens = usable & (side == 0) & (np.abs(distance) > self.config.enter)
            side = np.where(opens, -np.sign(distance), side)
            result[t] = side
        return result


def closest(prices: NDArray[np.float64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The columns of the `count` pairs of `prices` with the least Σ(difference)², closest first.

    Columns with an unknown price are in no pair; of two pairs equally close the earlier columns
    come first.
    """
    whole = np.flatnonzero(np.isfinite(prices).all(axis=0))
    known = prices[:, whole]
    square = (known**2).sum(axis=0)
    distance = square[:, None] + square[None, :] - 2.0 * known.T @ known
    i, j = np.triu_indices(len(whole), k=1)
    order = np.argsort(distance[i, j], kind="stable")[:count]
    return whole[i[order]], whole[j[order]]
