"""What a run keeps of its signals: a few figures and the IC by month, never the signals themselves.

An asset-level output is judged by its tearsheet; one of the market by the same questions over time.
Plain data, so that a stored run's report needs neither signals nor prices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.data.labels import forward_returns
from finstrat.risk.conventions import known, unknown
from finstrat.validate.tearsheet import (
    HORIZONS,
    NAMES,
    hac_mean,
    over_time,
    rank_correlations,
    tearsheet,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from finstrat.data import Panel
    from finstrat.data.labels import Fill
    from finstrat.risk.conventions import Floats
    from finstrat.risk.figure import Figure

FIFTHS = 5


def latest_cutoff(cutoffs: Iterable[dt.date | None]) -> dt.date | None:
    """The last day that any of several models may have read; None where one doesn't say."""
    days = list(cutoffs)
    stated = [day for day in days if day is not None]
    return max(stated) if stated and len(stated) == len(days) else None


def signal_record(
    values: Floats,
    panel: Panel,
    *,
    fill: Fill,
    first: int,
    reads_text: bool = False,
    cutoff: dt.date | None = None,
) -> dict[str, Any]:
    """The figures of one output, `[T, N]` or `[T]` of the market, from row `first` on, as JSON.

    Keys: scope ("asset" or "market"), figures (labels and figures), decay (horizon and figure),
    fifths and spread, split (IC until and after `cutoff`, the last day that the models of the texts
    may have read; empty unless the output `reads_text`) and months (month, sum of the IC,
    sessions).
    """
    market = values.ndim == 1
    if market:
        found, series = _of_the_market(values, panel, fill=fill, first=first)
    else:
        found, series = _across_assets(values, panel, fill=fill, first=first)
    days = panel.times[first:].astype("datetime64[D]")
    split = _split(series, days, cutoff, "ic.over-time" if market else "ic.forward")
    return {
        "scope": "market" if market else "asset",
        **found,
        "cutoff": None if cutoff is None else str(cutoff),
        "split": split if reads_text else [],
        "months": _by_month(series, days),
    }


def _across_assets(
    values: Floats, panel: Panel, *, fill: Fill, first: int
) -> tuple[dict[str, Any], Floats]:
    """The tearsheet as plain data, and its IC by session over one session from the next fill."""
    sheet = tearsheet(values, panel, fill=fill, first=first)
    series = rank_correlations(
        np.where(panel.member, values, np.nan), forward_returns(panel, 1, fill=fill)
    )[first:]
    figures = (
        ("Rank IC, same session (not tradable)", sheet.same_session),
        ("Rank IC, next session, filled at this close", sheet.next_session),
        ("Turnover of its ranks a session", sheet.turnover),
        ("Coverage of the members", sheet.coverage),
        ("Autocorrelation of its ranks", sheet.autocorrelation),
    )
    return _plain(figures, sheet.forward, sheet.quantiles, sheet.spread), series


def _of_the_market(
    values: Floats, panel: Panel, *, fill: Fill, first: int
) -> tuple[dict[str, Any], Floats]:
    """The same over time: how the market's signal went with the mean return of the members."""
    said = values[first:]

    def of_members(returns: Floats) -> Floats:
        seen = panel.member & ~np.isnan(returns)
        count = seen.sum(axis=1)
        total = np.where(seen, returns, 0.0).sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)[first:]

    ahead = {each: of_members(forward_returns(panel, each, fill=fill)) for each in HORIZONS}
    same = of_members(panel.returns())
    figures = (
        ("Rank correlation, same session (not tradable)", _ic_over_time(said, same)),
        ("Known sessions", hac_mean((~np.isnan(said)).astype(np.float64), "signal.known")),
        ("Autocorrelation", _ic_over_time(said[1:], said[:-1], "signal.autocorrelation-over-time")),
    )
    fifths = _fifths_of_sessions(said, ahead[1])
    low, high = fifths[0].value, fifths[-1].value
    spread = (
        unknown("signal.session-spread", n=0, reason=fifths[0].reason_if_null)
        if low is None or high is None
        else known("signal.session-spread", high - low, n=fifths[0].n + fifths[-1].n)
    )
    decay = {each: _ic_over_time(said, later, lags=each - 1) for each, later in ahead.items()}
    return _plain(figures, decay, fifths, spread), _over_time(said, ahead[1])


def _over_time(x: Floats, y: Floats) -> Floats:
    """A series `[T]` whose mean is the rank correlation of two; NaN where one is unknown."""
    both = ~np.isnan(x) & ~np.isnan(y)
    series = np.full(len(x), np.nan)
    if len(found := over_time(x[both], y[both])):
        series[both] = found
    return series


def _ic_over_time(
    x: Floats, y: Floats, convention_id: str = "ic.over-time", *, lags: int = 0
) -> Figure:
    series = _over_time(x, y)
    if np.isnan(series).all():
        both = int((~np.isnan(x) & ~np.isnan(y)).sum())
        reason = (
            f"{both} sessions know both, {NAMES} are needed"
            if both < NAMES
            else "one of the two never varies"
        )
        return unknown(convention_id, n=both, reason=reason)
    return hac_mean(series, convention_id, lags=lags)


def _fifths_of_sessions(said: Floats, ahead: Floats) -> tuple[Figure, ...]:
    """Mean return after the sessions of each fifth of the signal's values, lowest first."""
    both = ~np.isnan(said) & ~np.isnan(ahead)
    name = "signal.session-quantile-return"
    if both.sum() < NAMES or np.ptp(said[both]) == 0:
        reason = "the signal has too few known values, or one alone"
        return (unknown(name, n=int(both.sum()), reason=reason),) * FIFTHS
    bounds = np.quantile(said[both], np.arange(1, FIFTHS) / FIFTHS)
    group = np.searchsorted(bounds, said, side="right")
    return tuple(hac_mean(ahead[both & (group == each)], name) for each in range(FIFTHS))


def _split(
    series: Floats, days: np.ndarray[Any, Any], cutoff: dt.date | None, convention_id: str
) -> list[Any]:
    """The IC until the models' cutoff and after it; null with the reason where unknown."""
    labels = ("Until the models' cutoff", "After it")
    if cutoff is None:
        reason = "a model doesn't say until when it read, or none was used"
        nothing = unknown(convention_id, n=0, reason=reason).to_dict()
        return [[label, nothing] for label in labels]
    before = days <= np.datetime64(cutoff, "D")
    parts = [series[before], series[~before]]
    return [
        [label, _with_reason(hac_mean(part, convention_id), len(part)).to_dict()]
        for label, part in zip(labels, parts, strict=True)
    ]


def _with_reason(figure: Figure, sessions: int) -> Figure:
    """A null of a part that has no session says so."""
    if sessions:
        return figure
    return unknown(figure.convention_id, n=0, reason="no session of the run lies there")


def _by_month(series: Floats, days: np.ndarray[Any, Any]) -> list[list[Any]]:
    """Month, sum of the IC and how many sessions had one; months without any are left out."""
    months = days.astype("datetime64[M]")
    seen = ~np.isnan(series)
    return [
        [str(month), round(float(series[here].sum()), 6), int(here.sum())]
        for month in np.unique(months[seen])
        if (here := seen & (months == month)).any()
    ]


def _plain(
    figures: tuple[tuple[str, Figure], ...],
    decay: Mapping[int, Figure],
    fifths: tuple[Figure, ...],
    spread: Figure,
) -> dict[str, Any]:
    return {
        "figures": [[label, figure.to_dict()] for label, figure in figures],
        "decay": [[horizon, figure.to_dict()] for horizon, figure in decay.items()],
        "fifths": [[f"Fifth {i}", each.to_dict()] for i, each in enumerate(fifths, start=1)],
        "spread": spread.to_dict(),
    }
