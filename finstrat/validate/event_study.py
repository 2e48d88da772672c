"""What prices do around events: mean abnormal returns, cumulated, beside those at random dates.

Pure functions over arrays. Which document is an event, and of which asset, is decided elsewhere.

Sources: MacKinlay (1997), "Event Studies in Economics and Finance", Journal of Economic Literature
35(1), for the market model and cumulative abnormal returns; events of one date are drawn together,
since their returns aren't independent (Kolari and Pynnönen, 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

AROUND = 10
"""Sessions before and after the event."""

OFFSETS = np.arange(-AROUND, AROUND + 1)

WINDOW, GAP, LEAST = 120, AROUND + 1, 60
"""Sessions that a beta is estimated on, how long before the event they end, and how few may do."""

DRAWS = 1_000
"""Bootstrap draws of dates."""

PLACEBOS = 200
"""Draws of random dates."""

LEVEL = 0.90


@dataclass(frozen=True, eq=False)
class Events:
    """Events at `sessions` `[E]` of the assets in `columns` `[E]`."""

    sessions: NDArray[np.int64]
    columns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sessions)


@dataclass(frozen=True, eq=False)
class Path:
    """Cumulative abnormal returns from `AROUND` sessions before the event on, `[2 AROUND + 1]`.

    Attributes:
        mean: over the events.
        low, high: 90 % interval, dates drawn anew.
        placebo_low, placebo_high: where 90 % of the same at random dates lie.
        before, after: what is gone by the close of the session of the event, and what follows.
        before_bounds, after_bounds: their 90 % intervals.
        n, dates: events, and sessions that they fall on.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    placebo_low: NDArray[np.float64]
    placebo_high: NDArray[np.float64]
    before: float
    after: float
    before_bounds: tuple[float, float]
    after_bounds: tuple[float, float]
    n: int
    dates: int


def market_adjusted(
    returns: NDArray[np.float64], market: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each return less the market's of the session, `[T, N]`; NaN where either is."""
    adjusted: NDArray[np.float64] = returns - market[:, None]
    return adjusted


def betas_before(returns: NDArray[np.float64], market: NDArray[np.float64]) -> NDArray[np.float64]:
    """The beta to use for an event of session t, `[T, N]`: of sessions that end `GAP` before it.

    By least squares on the `WINDOW` sessions up to there; NaN where fewer than `LEAST` of them are
    known or the market doesn't vary.
    """
    both = ~(np.isnan(returns) | np.isnan(market)[:, None])
    y = np.where(both, returns, 0.0)
    x = np.where(both, np.nan_to_num(market)[:, None], 0.0)
    n, sx, sy, sxx, sxy = (
        _trailing(each) for each in (both.astype(np.float64), x, y, x * x, x * y)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = sxx - sx * sx / n
        beta = (sxy - sx * sy / n) / spread
    beta[(n < LEAST) | ~(spread > 1e-14)] = np.nan
    shifted = np.full_like(beta, np.nan)
    shifted[GAP:] = beta[:-GAP]
    return shifted


def _trailing(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the trailing `WINDOW` rows."""
    total = np.cumsum(values, axis=0)
    total[WINDOW:] = total[WINDOW:] - total[:-WINDOW]
    return total


def abnormal_around(
    events: Events,
    returns: NDArray[np.float64],
    market: NDArray[np.float64],
    *,
    betas: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Abnormal returns around each event, `[E, 2 AROUND + 1]`; NaN where unknown or off the end.

    The return less the market's, or with `betas` `[T, N]` less beta times the market's.
    """
    rows = events.sessions[:, None] + OFFSETS
    inside = (rows >= 0) & (rows < len(returns))
    rows = np.clip(rows, 0, len(returns) - 1)
    share = 1.0 if betas is None else betas[events.sessions, events.columns][:, None]
    found = returns[rows, events.columns[:, None]] - share * market[rows]
    return np.where(inside, found, np.nan)


def event_path(
    events: Events,
    returns: NDArray[np.float64],
    market: NDArray[np.float64],
    *,
    betas: NDArray[np.float64] | None = None,
    first: int = 0,
    seed: int,
) -> Path:
    """The cumulative mean abnormal return around events, with bands; rows before `first` no event.

    Each offset's mean is over the events where it is known. For the interval, dates are drawn with
    replacement and all their events with them. For the placebos, each date is replaced by a random
    session from `first` on with `AROUND` sessions either side, for all its events at once, so that
    assets stay and so does what they have in common.
    """
    rng = np.random.default_rng(seed)
    abnormal = abnormal_around(events, returns, market, betas=betas)
    dates, group = np.unique(events.sessions, return_inverse=True)
    sums, counts = _by_date(abnormal, group, len(dates))
    weights = rng.multinomial(len(dates), np.full(len(dates), 1 / len(dates)), size=DRAWS)
    paths = np.cumsum(_mean(weights @ sums, weights @ counts), axis=1)
    mean = np.cumsum(_mean(sums.sum(axis=0), counts.sum(axis=0)))
    low, high = _band(paths)
    usual = []
    for _ in range(PLACEBOS):
        drawn = rng.integers(first + AROUND, len(returns) - AROUND, size=len(dates))
        other = Events(drawn[group], events.columns)
        random = abnormal_around(other, returns, market, betas=betas)
        known = ~np.isnan(random)
        usual.append(_mean(np.where(known, random, 0.0).sum(axis=0), known.sum(axis=0)))
    placebo_low, placebo_high = _band(np.cumsum(np.array(usual), axis=1))
    gone = paths[:, AROUND]
    left = paths[:, -1] - gone
    return Path(
        mean=mean,
        low=low,
        high=high,
        placebo_low=placebo_low,
        placebo_high=placebo_high,
        before=float(mean[AROUND]),
        after=float(mean[-1] - mean[AROUND]),
        before_bounds=_bounds(gone),
        after_bounds=_bounds(left),
        n=len(events),
        dates=len(dates),
    )


def _by_date(
    values: NDArray[np.float64], group: NDArray[np.int64], dates: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums and counts of what is known, `[dates, 2 AROUND + 1]`."""
    known = ~np.isnan(values)
    sums, counts = (np.zeros((dates, values.shape[1])) for _ in range(2))
    np.add.at(sums, group, np.where(known, values, 0.0))
    np.add.at(counts, group, known.astype(np.float64))
    return sums, counts


def _mean(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over counts, 0 where nothing is known."""
    mean: NDArray[np.float64] = sums / np.maximum(counts, 1.0)
    return mean


def _band(paths: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.quantile(paths, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def _bounds(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def strongest(
    scores: NDArray[np.float64], sessions: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[Events, Events]:
    """The events of the tenth of documents with the highest scores, and with the lowest.

    `scores`, `sessions` and `columns` `[D]` tell of documents; those of one asset that are first
    visible at one session are one event. A score that equals the median isn't strong, however many
    are tied there. An asset and session with documents of both kinds is none of either.
    """
    low, middle, high = np.quantile(scores, [0.1, 0.5, 0.9])
    good = (scores >= high) & (scores > middle)
    bad = (scores <= low) & (scores < middle)
    place = np.column_stack([sessions, columns])
    praised, blamed = (np.unique(place[each], axis=0) for each in (good, bad))
    both = {tuple(each) for each in praised.tolist()} & {tuple(each) for each in blamed.tolist()}
    events = []
    for found in (praised, blamed):
        kept = [each for each in found.tolist() if tuple(each) not in both]
        pairs = np.array(kept, dtype=np.int64).reshape(-1, 2)
        events.append(Events(pairs[:, 0], pairs[:, 1]))
    return events[0], events[1]
