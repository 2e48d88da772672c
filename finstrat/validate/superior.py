"""Whether anything that was tried beats a benchmark, and which of it, counting all that was tried.

Hansen's test of superior predictive ability and Romano and Wolf's stepwise selection on the same
bootstrap. arch has both; it takes minutes for a thousand series of twenty years, mostly to resample
them one by one. Here arch draws the sessions and all the means come out of one matrix product; a
test holds the numbers against arch's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.performance import FLAT
from finstrat.validate.bootstrap import FEWEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 1_000

SIZE = 0.05
"""Probability of naming one series superior that isn't."""


@dataclass(frozen=True, eq=False)
class Superiority:
    """What was found among C series.

    Attributes:
        p_value: of a best so good or better, if none beats the benchmark.
        superior: `[C]`, which do, with at most `SIZE` probability of one too many.
        block_length: mean length of a resampled stretch, in sessions.
    """

    p_value: float
    superior: NDArray[np.bool_]
    block_length: int


def superiority(
    excess: NDArray[np.float64], *, seed: int, draws: int = DRAWS, block_length: int | None = None
) -> Superiority | None:
    """Hansen's consistent p-value of `excess` returns `[T, C]`, and the superior among them.

    Each series is divided by ω, the deviation of its resampled mean times √T. The statistic is
    max(0, max √T·d̄/ω); a series is recentred at its mean unless that lies below
    −ω√(2 ln ln T / T) (Hansen 2005, J. Business & Economic Statistics 23(4)). Those above the
    critical value are superior, and are looked for again among the rest until none is found
    (Romano and Wolf 2005, Econometrica 73(4)). Series that never move beat nothing. The mean block
    of the stationary bootstrap is the longest that Politis and White's rule asks for on the best
    and on the average series. None for fewer than `FEWEST` sessions, or where nothing moves.
    """
    sessions, count = excess.shape
    if sessions < FEWEST:
        return None
    from arch.bootstrap import StationaryBootstrap

    mean, spread = excess.mean(axis=0), excess.std(axis=0)
    moves = spread > FLAT
    if not moves.any():
        return None
    length = block_length or _block_length(excess[:, moves])
    weights = np.zeros((draws, sessions))
    bootstrap = StationaryBootstrap(length, np.arange(sessions), seed=seed)
    for row, ((drawn,), _) in enumerate(bootstrap.bootstrap(draws)):
        weights[row] = np.bincount(drawn, minlength=sessions)
    resampled = weights @ excess[:, moves] / sessions
    average = mean[moves]
    deviation = np.sqrt(sessions * np.square(resampled - average).mean(axis=0))
    scale = np.sqrt(sessions) / deviation
    own = average * scale
    poor = own < -math.sqrt(2.0 * math.log(math.log(sessions)))
    simulated = (resampled - np.where(poor, 0.0, average)) * scale
    left = np.ones(len(own), dtype=bool)
    p_value = float((np.maximum(simulated.max(axis=1), 0.0) >= max(float(own.max()), 0.0)).mean())
    superior = np.zeros(len(own), dtype=bool)
    while left.any():
        bar = np.quantile(np.maximum(simulated[:, left].max(axis=1), 0.0), 1.0 - SIZE)
        found = left & (own > bar)
        if not found.any():
            break
        superior |= found
        left &= ~found
    result = np.zeros(count, dtype=bool)
    result[moves] = superior
    return Superiority(p_value, result, length)


def _block_length(excess: NDArray[np.float64]) -> int:
    """The mean block that the best and the average series need, at most a quarter of the time."""
    from arch.bootstrap import optimal_block_length

    ratio = excess.mean(axis=0) / excess.std(axis=0)
    table = np.column_stack([excess[:, int(ratio.argmax())], excess.mean(axis=1)])
    varying = table[:, table.std(axis=0) > FLAT]
    lengths = optimal_block_length(varying)["stationary"].to_numpy()
    return math.ceil(float(np.clip(np.nanmax(lengths, initial=1.0), 1.0, len(excess) / 4)))
