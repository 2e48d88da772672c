"""Anyone's weights and the prices of what they hold, as a result that a report can be made of.

What the weights were decided on stays unknown, so the verdict on such a result is inconclusive.
Trades are at the close of the weights' own date: whoever decided at that close got a better price
than any order could. Costs are one rate of what is traded; a backtest has more of the truth.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.data import Clock, Span, Universe
from finstrat.data.align import panel_on_sessions
from finstrat.data.frames import (
    numbers,
    read_table,
    require_columns,
    require_dates,
    require_values,
    with_standard_names,
)
from finstrat.data.price_files import read_prices
from finstrat.data.prices import panel_from_table
from finstrat.errors import DataError
from finstrat.report.from_returns import result_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.report.from_returns import Terms
    from finstrat.store import RunResult

    Floats = NDArray[np.float64]


def weights_result(weights: Path, prices: Path, terms: Terms, *, cost_bps: float) -> RunResult:
    """The result of kind "returns" of holding `weights`, from the session after their first date.

    Weights are fractions of net asset value at the close of their date, after trading; what isn't
    named on a date that others are named on is 0, the rest is cash, which earns nothing. Between
    their dates they drift with prices. Prices may be of any shape that `files-prices` reads, and
    are adjusted where the file has adjusted closes.

    Raises:
        DataError: a file can't be read, a date isn't a session, a weight is missing or comes twice,
            an asset that is held has no price, or everything is lost.
    """
    table = _weights(weights)
    first = table.index[0].date()
    given = read_prices(prices)
    require_columns(given, ("date",), where=str(prices))
    last = pd.DatetimeIndex(require_dates(given, "date", where=str(prices))).max().date()
    clock = Clock.build(terms.calendar, Span(first, max(first, last)))
    if len(clock) < 2:
        raise DataError(
            f"{prices}: ends on {last}; expected a session after {first}, the first weights' date"
        )
    sessions = pd.DatetimeIndex(clock.sessions.astype("datetime64[ns]"), name="session")
    odd = table.index[~table.index.isin(sessions)]
    if len(odd):
        raise DataError(
            f"{weights}: {odd[0].date()} is no session of {terms.calendar} up to {last}, the last "
            f"price ({len(odd)} such dates); name the calendar by --calendar, or drop the rows"
        )
    universe = Universe(tuple(table.columns), terms.calendar, terms.currency)
    panel = panel_from_table(
        given, universe, span=Span(first, last), source="prices", where=str(prices)
    )
    absent = [name for name in table.columns if name not in panel.assets]
    if absent:
        raise DataError(
            f"{prices}: no price of {absent[0]}, which {weights} holds ({len(absent)} such assets)"
        )
    panel = panel_on_sessions(panel.select(list(table.columns)), clock)
    returns = panel.returns()
    targets = table.reindex(sessions).to_numpy(dtype=np.float64)
    book = _held(targets, returns, sessions, table.columns, where=str(prices))
    # What is traded at a close is paid in that session's return, the first trades in the next's.
    cost = book.traded * cost_bps / 1e4
    cost[1] += cost[0]
    net = book.gross - cost
    if (net[1:] <= -1.0).any():
        lost = sessions[1 + int((net[1:] <= -1.0).argmax())].date()
        raise DataError(f"{weights}: held on {prices}, everything is lost on {lost}")
    frame = pd.DataFrame({"net": net, "gross": book.gross, "benchmark": np.nan}, index=sessions)
    result = result_of(
        frame.iloc[1:],
        clock=clock,
        name=weights.name.partition(".")[0],
        terms=terms,
        findings=panel.findings,
        manifest={
            "inputs": {
                kind: hashlib.sha256(path.read_bytes()).hexdigest()
                for kind, path in (("returns", weights), ("prices", prices))
            },
            "counts": {"returns": len(sessions) - 1, "dates with weights": len(table)},
            "cost_bps": cost_bps,
        },
    )
    held = pd.DataFrame(book.held, index=sessions, columns=table.columns).iloc[1:]
    asset_returns = pd.DataFrame(returns, index=sessions, columns=table.columns).iloc[1:]
    return replace(result, targets=held, holdings=held, asset_returns=asset_returns)


@dataclass(frozen=True, eq=False)
class _Book:
    """Weights after each close `[T, N]`; each session's return, the first 0, and trades, `[T]`."""

    held: Floats
    gross: Floats
    traded: Floats


def _held(
    targets: Floats, returns: Floats, sessions: pd.DatetimeIndex, assets: pd.Index, *, where: str
) -> _Book:
    """What is held, earned and traded.

    w(t+1) before trading = w(t) (1 + r(t+1)) / (1 + Σ w(t) r(t+1)).
    """
    held, gross, traded = np.zeros_like(targets), np.zeros(len(targets)), np.zeros(len(targets))
    before = np.zeros(targets.shape[1])
    for t in range(len(targets)):
        if t:
            owned = held[t - 1] != 0
            unknown = owned & np.isnan(returns[t])
            if unknown.any():
                name = assets[int(unknown.argmax())]
                raise DataError(
                    f"{where}: {name} is held into {sessions[t].date()}, but its price there or "
                    "the session before is unknown; give it, or sell before"
                )
            moved = np.where(owned, returns[t], 0.0)
            gross[t] = held[t - 1] @ moved
            left = 1.0 + gross[t]
            before = held[t - 1] * (1.0 + moved) / left if left > 0 else np.zeros_like(before)
        fresh = not np.isnan(targets[t]).all()
        held[t] = np.nan_to_num(targets[t]) if fresh else before
        traded[t] = np.abs(held[t] - before).sum()
    return _Book(held, gross, traded)


def _weights(path: Path) -> pd.DataFrame:
    """Dates by assets, `[D, N]`, by rising date; from a long table or one column an asset."""
    where = str(path)
    table = read_table(path)
    given = with_standard_names(table, where=where)
    require_columns(given, ("date",), where=where)
    dates = pd.DatetimeIndex(require_dates(given, "date", where=where))
    if "asset" in given:
        require_columns(given, ("weight",), where=where)
        require_values(given, ("asset",), where=where)
        weights = numbers(given, "weight", where=where).to_numpy()
        assets = given["asset"].astype(str).to_numpy()
        long = pd.DataFrame({"date": dates, "asset": assets, "weight": weights})
    else:
        # Names of assets keep their case.
        names = dict(zip(given.columns, table.columns, strict=True))
        columns = {
            str(names[each]): numbers(given, each, where=where).to_numpy()
            for each in given.columns
            if each != "date"
        }
        long = pd.DataFrame({"date": dates, **columns})
        long = long.melt("date", var_name="asset", value_name="weight").dropna()
        long = long.reset_index(drop=True)
    if long.empty:
        raise DataError(f"{where}: no weight; expected date, asset, weight or a column an asset")
    unknown = long["weight"].isna()
    if unknown.any():
        raise DataError(f"{where}: row {int(unknown.argmax()) + 1}: no weight; 0 holds nothing")
    twice = long.duplicated(["date", "asset"])
    if twice.any():
        row = long[twice].iloc[0]
        raise DataError(f"{where}: {row['asset']} has two weights on {row['date'].date()}")
    return long.pivot_table(index="date", columns="asset", values="weight").sort_index()
