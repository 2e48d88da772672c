"""What could be lost: the worst stretches so far, and today's holdings under shocks.

Shocks move what was measured, a beta or correlations, and keep everything else; nothing here says
how likely one is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.attribution import variance_shares
from finstrat.risk.conventions import Floats, known, unknown
from finstrat.risk.covariance import common_history

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.risk.figure import Figure


MONTH = 21
"""Sessions of a factor's move."""


@dataclass(frozen=True)
class Stretch:
    """The worst run of sessions of one length: its rows, both included, and its return."""

    sessions: int
    first: int
    last: int
    value: float


def worst_stretch(returns: Floats, sessions: int) -> Stretch | None:
    """The lowest compounded return over so many sessions in a row; None where there are too few.

    `returns` `[T]`; an unknown return counts as none earned.
    """
    if len(returns) < sessions:
        return None
    growth = np.concatenate([[1.0], np.cumprod(1.0 + np.nan_to_num(returns))])
    # After an account is lost no stretch means anything; up to there it does.
    with np.errstate(divide="ignore", invalid="ignore"):
        values = growth[sessions:] / growth[:-sessions] - 1.0
    values[np.isnan(values)] = np.inf
    first = int(np.argmin(values))
    return Stretch(sessions, first, first + sessions - 1, float(values[first]))


def market_fall(beta: Figure, fall: float) -> Figure:
    """What a fall of the benchmark by the fraction `fall` costs; a loss is negative."""
    if beta.value is None:
        return unknown("stress.market-fall", n=beta.n, reason=beta.reason_if_null)
    ci = None
    if beta.ci:
        low, high = sorted(-fall * bound for bound in beta.ci)
        ci = (low, high)
    method = f"beta times {-fall:.0%}"
    return known("stress.market-fall", -fall * beta.value, n=beta.n, ci=ci, method=method)


def fall_that_costs(beta: Figure, loss: float) -> Figure:
    """Reverse stress: the fall of the benchmark, as a fraction, that costs the fraction `loss`."""
    name = "stress.reverse"
    if beta.value is None:
        return unknown(name, n=beta.n, reason=beta.reason_if_null)
    if beta.value * 1.0 <= loss:
        reason = f"even a fall of 100 % costs {max(beta.value, 0.0):.0%} at this beta"
        return unknown(name, n=beta.n, reason=reason)
    return known(name, loss / beta.value, n=beta.n, method=f"{loss:.0%} over beta")


def price_shock(weights: Floats, move: float) -> Figure:
    """What a `move` (a fraction) of every price costs today's weights `[N]`: move · Σw."""
    if not weights.any():
        return unknown("stress.price-shock", n=0, reason="nothing is held")
    value = move * float(weights.sum())
    return known("stress.price-shock", value, n=int(np.count_nonzero(weights)))


def name_shock(weights: Floats, names: Sequence[str], move: float) -> Figure:
    """What it costs if the largest of `weights` `[N]` moves against its holder: -move · max |w|."""
    if not weights.any():
        return unknown("stress.price-shock", n=0, reason="nothing is held")
    place = int(np.argmax(np.abs(weights)))
    value = -move * float(abs(weights[place]))
    return known("stress.price-shock", value, n=1, method=f"{names[place]} alone, by {move:.0%}")


def factor_shock(beta: Figure, factor: Floats) -> Figure:
    """Beta times the costliest compounded move of `factor` `[T]` over `MONTH` sessions in a row.

    A fall where beta is above zero, a rise where it is below; an unknown return counts as none.
    """
    name, known_returns = "stress.factor-shock", int((~np.isnan(factor)).sum())
    if beta.value is None:
        return unknown(name, n=beta.n, reason=beta.reason_if_null)
    if known_returns < MONTH:
        reason = f"{known_returns} returns of the factor are known; {MONTH} are needed"
        return unknown(name, n=known_returns, reason=reason)
    windows = np.lib.stride_tricks.sliding_window_view(1.0 + np.nan_to_num(factor), MONTH)
    moves = windows.prod(axis=1) - 1.0
    move = float(moves[np.argmin(beta.value * moves)])
    method = f"beta times {move:+.1%}"
    return known(name, beta.value * move, n=known_returns, method=method)


def volatility_when_all_moves_together(
    weights: Floats, returns: Floats, *, periods_per_year: float
) -> Figure:
    """The yearly volatility of fixed weights if every correlation were 1: |Σ w_i σ_i|.

    `weights` `[N]`, `returns` `[W, N]` as in `variance_shares`. Long and short positions then
    offset each other; a long-only book loses its diversification.
    """
    today = variance_shares(weights, returns, periods_per_year=periods_per_year).volatility
    if today.value is None:
        return unknown("stress.correlation-one", n=today.n, reason=today.reason_if_null)
    past = common_history(weights, returns)
    together = abs(float(past.exposure @ past.returns.std(axis=0, ddof=1)))
    return known("stress.correlation-one", together * periods_per_year**0.5, n=today.n)
