"""How long it would take to sell what is held, at a share of what usually trades.

It looks at one close at a time: what a session's own volume let through is the simulator's to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import Floats, known, unknown

if TYPE_CHECKING:
    from finstrat.risk.figure import Figure

PARTICIPATION = 0.1
"""Of a session's traded value that a seller may be; more moves the price."""

MOST_OF_IT = 0.95
"""Of the holdings' value whose exit is waited for: one name that never trades isn't the whole."""

WINDOW = 21
"""Sessions whose median is what usually trades."""


def usually_traded(traded_value: Floats) -> Floats:
    """The median over the last `WINDOW` sessions of `[T, N]`; NaN until there are as many.

    Row t knows sessions up to t only. An unknown session counts as none traded.
    """
    found = np.full(traded_value.shape, np.nan)
    if len(traded_value) >= WINDOW:
        windows = np.lib.stride_tricks.sliding_window_view(
            np.nan_to_num(traded_value), WINDOW, axis=0
        )
        found[WINDOW - 1 :] = np.median(windows, axis=-1)
    return found


def name_days_to_exit(holdings: Floats, equity: Floats, usual: Floats) -> Floats:
    """Sessions to sell each position, `[T, N]`: its value over `PARTICIPATION` of what trades.

    `holdings` are weights `[T, N]`, `equity` `[T]` and `usual` `[T, N]` in currency. 0 for what
    isn't held, infinite for what doesn't trade, NaN where what trades isn't known.
    """
    value = np.abs(np.nan_to_num(holdings)) * equity[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        days = value / (PARTICIPATION * usual)
    return np.where(value > 0, days, 0.0)


def days_to_exit(holdings: Floats, equity: Floats, usual: Floats) -> Floats:
    """Sessions until 95 % of the holdings' value is sold, all names at once, `[T]`.

    0 with nothing held; infinite where more than 5 % is in names that don't trade; NaN where so
    much is in names of which that isn't known.
    """
    value = np.abs(np.nan_to_num(holdings)) * equity[:, None]
    days = name_days_to_exit(holdings, equity, usual)
    found = np.zeros(len(value))
    for t in np.flatnonzero(value.sum(axis=1) > 0):
        held = value[t] > 0
        found[t] = _until(value[t, held], days[t, held])
    return found


def _until(value: Floats, days: Floats) -> float:
    """The day on which `MOST_OF_IT` of `value` is out, each name sold evenly over its `days`."""
    wanted = MOST_OF_IT * value.sum()
    if value[~np.isnan(days)].sum() < wanted:
        return float("nan")
    if value[np.isfinite(days)].sum() < wanted:
        return float("inf")
    order = np.argsort(np.where(np.isnan(days), np.inf, days))
    value, days = value[order], days[order]
    value, days = value[np.isfinite(days)], days[np.isfinite(days)]
    rate = value / days
    later = np.append(np.cumsum(rate[::-1])[::-1][1:], 0.0)  # of the names that take longer
    out = np.cumsum(value) + days * later
    last = int(np.searchsorted(out, wanted * (1 - 1e-12)))
    before, sold = (0.0, 0.0) if last == 0 else (float(days[last - 1]), float(out[last - 1]))
    return float(before + max(0.0, wanted - sold) / rate[last:].sum())


def median_days_to_exit(days: Floats, *, reason: str) -> Figure:
    """The median of `days_to_exit` over the sessions that hold something; `reason` if unknown."""
    held = days[days > 0]
    if not len(held):
        return unknown("liquidity.days-to-exit", n=0, reason=reason)
    middle = float(np.median(held))
    if not np.isfinite(middle):
        told = "in most sessions more than 5 % of what was held didn't trade"
        return unknown("liquidity.days-to-exit", n=len(held), reason=told)
    return known("liquidity.days-to-exit", middle, n=len(held))
