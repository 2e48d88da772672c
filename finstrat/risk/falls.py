"""What a portfolio would have lost in falls of the stock market that have names.

The falls and their days are declared in one table, from the highest to the lowest close of the
S&P 500. A portfolio is bought on the first day and held; nothing is traded in between. It doesn't
say how likely another such fall is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Fall:
    """A fall, from the session of the last high to that of the low."""

    name: str
    start: np.datetime64
    end: np.datetime64


FALLS = tuple(
    Fall(name, np.datetime64(start), np.datetime64(end))
    for name, start, end in (
        ("Dot-com bust, 2000–2002", "2000-03-24", "2002-10-09"),
        ("Financial crisis, 2007–2009", "2007-10-09", "2009-03-09"),
        ("Euro debt and US downgrade, 2011", "2011-04-29", "2011-10-03"),
        ("China and oil, 2015–2016", "2015-05-21", "2016-02-11"),
        ("Rates and trade, 2018", "2018-09-20", "2018-12-24"),
        ("Pandemic, 2020", "2020-02-19", "2020-03-23"),
        ("Inflation and rates, 2022", "2022-01-03", "2022-10-12"),
    )
)

PROXY = (
    "An asset without a price on the first day of a fall moves as the average of all assets that "
    "have one; an asset whose prices end within it keeps its last."
)
"""The rule for what has no history."""


@dataclass(frozen=True)
class Replay:
    """What came of it.

    Attributes:
        fall: which.
        loss: from the first day to the last, of the whole account (a loss is positive).
        deepest: the deepest fall from the highest value on the way (≥ 0).
        proxied: the part of the account that was replaced by the average.
        reason_if_null: why the fall can't be replayed; empty where it can.
    """

    fall: Fall
    loss: float | None = None
    deepest: float | None = None
    proxied: float = 0.0
    reason_if_null: str = ""


def replay(
    fall: Fall,
    weights: NDArray[np.float64],
    close: NDArray[np.float64],
    times: NDArray[np.datetime64],
) -> Replay:
    """The fall as an account of `weights` `[N]` would have gone through it; the rest is cash.

    `close` `[T, N]` are adjusted prices, NaN = none; cash earns nothing.
    """
    if not len(times) or times[0] > fall.start:
        return Replay(fall, reason_if_null="prices begin after its first day")
    if times[-1] < fall.end:
        return Replay(fall, reason_if_null="it ended after the date of the data")
    inside = (times >= fall.start) & (times <= fall.end)
    prices = _filled(close[inside])
    known = ~np.isnan(prices[0])
    if not known.any():
        return Replay(fall, reason_if_null="no asset has a price on its first day")
    growth = prices / prices[0]
    growth[:, ~known] = growth[:, known].mean(axis=1, keepdims=True)
    value = 1.0 + (growth - 1.0) @ weights
    highest = np.maximum.accumulate(value)
    return Replay(
        fall,
        loss=float(1.0 - value[-1]),
        deepest=float((1.0 - value / highest).max()),
        proxied=float(np.abs(weights[~known]).sum()),
    )


def _filled(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every gap filled with the last known price of the fall; a column that begins NaN stays so."""
    result = prices.copy()
    for row in range(1, len(result)):
        gap = np.isnan(result[row])
        result[row, gap] = result[row - 1, gap]
    # A price that begins later says nothing about the first day.
    result[:, np.isnan(prices[0])] = np.nan
    return result
