"""What a signal says about returns: how well, for how long, how steadily, and for how many assets.

Everything is a rank statistic over the assets of one session, averaged over sessions, so no
account, cost or weight enters. A good tearsheet is no proof: it knows nothing of trials or leaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS

from finstrat.data.labels import Fill, forward_returns
from finstrat.errors import DataError
from finstrat.risk.conventions import Floats, known, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from finstrat.data import Panel
    from finstrat.risk.figure import Figure

HORIZONS = (1, 2, 5, 10, 21)
"""Sessions from fill to fill."""

NAMES = 5
"""Assets with both a value and a return below which a session's ranks say nothing."""

SESSIONS = 30
"""Sessions below which a HAC standard error says little."""

Z90 = 1.6448536269514722
"""Of a two-sided 90 % interval."""


@dataclass(frozen=True)
class Tearsheet:
    """The figures of one signal output.

    Attributes:
        same_session: IC with the return of the session itself, which nobody could trade on.
        next_session: IC with the return from this close to the next: a fill at this very close.
        forward: IC by horizon, from the next fill on: what could have been earned.
        quantiles: mean forward return of each fifth of the assets over one session, lowest first.
        spread: the highest less the lowest fifth.
        turnover: of a long-short portfolio in proportion to the ranks, a session.
        coverage: share of the members that have a value.
        autocorrelation: rank correlation with the session before.
        correlations: rank correlation with other signals, by name.
    """

    same_session: Figure
    next_session: Figure
    forward: Mapping[int, Figure]
    quantiles: tuple[Figure, ...]
    spread: Figure
    turnover: Figure
    coverage: Figure
    autocorrelation: Figure
    correlations: Mapping[str, Figure]


def tearsheet(
    values: Floats,
    panel: Panel,
    *,
    fill: Fill,
    others: Mapping[str, Floats] | None = None,
    first: int = 0,
    groups: int = 5,
) -> Tearsheet:
    """The tearsheet of `values` `[T, N]` among the members of `panel`, from row `first` on.

    `others` are outputs of other signals, `[T, N]`. An interval is mean ± 1.645 HAC standard
    errors (Newey and West, 1987) with ⌊4 (n / 100)^(2/9)⌋ lags, and at least the horizon less one,
    since such returns overlap.

    Raises:
        DataError: `values` isn't `[T, N]`.
    """
    if values.shape != panel.shape:
        raise DataError(
            f"a tearsheet compares assets: expected values {panel.shape}, got {values.shape}"
        )
    values = np.where(panel.member, values, np.nan)
    close = panel.returns()
    ahead = np.full_like(close, np.nan)
    ahead[:-1] = close[1:]
    ranks = _ranks(values)
    forward = {horizon: forward_returns(panel, horizon, fill=fill) for horizon in HORIZONS}
    weights = _centred_ranks(values)
    gross = np.abs(weights).sum(axis=1, keepdims=True)
    weights = weights / np.where(gross > 0, gross, 1.0)
    held = (gross[:, 0] > 0)[1:] & (gross[:, 0] > 0)[:-1]
    traded = np.where(held, np.abs(np.diff(weights, axis=0)).sum(axis=1), np.nan)
    members = panel.member.sum(axis=1)
    share = np.where(members > 0, (~np.isnan(values)).sum(axis=1) / np.maximum(members, 1), np.nan)
    by_group = _group_means(ranks, forward[1], groups)

    def ic(returns: Floats, name: str, horizon: int = 1) -> Figure:
        return hac_mean(rank_correlations(values, returns)[first:], name, lags=horizon - 1)

    return Tearsheet(
        same_session=ic(close, "ic.same-session"),
        next_session=ic(ahead, "ic.next-session"),
        forward={horizon: ic(label, "ic.forward", horizon) for horizon, label in forward.items()},
        quantiles=tuple(
            hac_mean(by_group[first:, group], "signal.quantile-return") for group in range(groups)
        ),
        spread=hac_mean((by_group[:, -1] - by_group[:, 0])[first:], "signal.spread"),
        turnover=hac_mean(traded[first:], "signal.turnover"),
        coverage=hac_mean(share[first:], "signal.coverage"),
        autocorrelation=hac_mean(
            rank_correlations(values[1:], values[:-1])[first:], "signal.autocorrelation"
        ),
        correlations={
            name: hac_mean(rank_correlations(values, other)[first:], "signal.correlation")
            for name, other in (others or {}).items()
        },
    )


def t_statistic(figure: Figure) -> float | None:
    """Mean over HAC standard error, read back from the interval; None without one."""
    if figure.value is None or figure.ci is None or figure.ci[1] <= figure.ci[0]:
        return None
    return figure.value * 2 * Z90 / (figure.ci[1] - figure.ci[0])


def _ranks(values: Floats) -> Floats:
    """Ranks from 0 to 1 within each row; ties share their mean rank."""
    ranked = pd.DataFrame(values).rank(axis=1)
    top = ranked.max(axis=1) - 1
    result: Floats = ranked.sub(1).div(top.where(top > 0), axis=0).to_numpy()
    return result


def rank_correlations(a: Floats, b: Floats) -> Floats:
    """Spearman's correlation of each row over the assets known in both, `[T]`.

    NaN where fewer than `NAMES` are, or one of the two doesn't vary.
    """
    both = ~np.isnan(a) & ~np.isnan(b)
    x, y = (_centred_ranks(np.where(both, each, np.nan)) for each in (a, b))
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    enough = (both.sum(axis=1) >= NAMES) & (scale > 0)
    return np.where(enough, (x * y).sum(axis=1) / np.where(enough, scale, 1.0), np.nan)


def over_time(x: Floats, y: Floats) -> Floats:
    """A series whose mean is the rank correlation of `x` and `y` `[T]`; [] if there is none."""
    if len(x) < NAMES or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.zeros(0)
    a, b = (_centred_ranks(each[None, :])[0] for each in (x, y))
    result: Floats = a * b / np.sqrt((a * a).mean() * (b * b).mean())
    return result


def _centred_ranks(values: Floats) -> Floats:
    """Ranks within each row less their mean; 0 where unknown."""
    ranked = pd.DataFrame(values).rank(axis=1)
    return ranked.sub(ranked.mean(axis=1), axis=0).fillna(0.0).to_numpy()


def _group_means(ranks: Floats, returns: Floats, groups: int) -> Floats:
    """Mean return of each group of ranks at each session, `[T, groups]`."""
    group: NDArray[np.float64] = np.minimum(np.floor(ranks * groups), groups - 1)
    known_return = ~np.isnan(returns)
    means = np.full((len(ranks), groups), np.nan)
    for number in range(groups):
        inside = (group == number) & known_return
        count = inside.sum(axis=1)
        total = np.where(inside, returns, 0.0).sum(axis=1)
        means[:, number] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def hac_mean(series: Floats, convention_id: str, *, lags: int = 0) -> Figure:
    """The mean of a series over sessions, with a HAC interval."""
    seen = series[~np.isnan(series)]
    n = len(seen)
    if n == 0:
        return unknown(convention_id, n=0, reason="no session has enough known values")
    if n < SESSIONS or np.ptp(seen) == 0.0:
        return known(convention_id, float(seen.mean()), n=n)
    used = max(int(4 * (n / 100) ** (2 / 9)), lags)
    fit = OLS(seen, np.ones(n)).fit(cov_type="HAC", cov_kwds={"maxlags": used})
    mean, error = float(fit.params[0]), float(fit.bse[0])
    interval = (mean - Z90 * error, mean + Z90 * error)
    method = f"mean over sessions, 90 % HAC interval, {used} lags"
    return known(convention_id, mean, n=n, ci=interval, method=method)
