"""Anyone's daily returns, out of a file, as a result that a report can be made of.

It knows no strategy and no prices: what was held, what it cost and what was known when stay
unknown, and the verdict on such a result says so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.data import Clock, Finding, Span
from finstrat.data.frames import (
    numbers,
    read_table,
    require_columns,
    require_dates,
    with_standard_names,
)
from finstrat.errors import DataError
from finstrat.store import RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAMES = {"net": ("net", "return", "returns"), "gross": ("gross",), "benchmark": ("benchmark",)}
"""The columns that are read, and what each may be called."""


@dataclass(frozen=True)
class Terms:
    """What a file of returns doesn't say itself.

    Attributes:
        calendar: the exchange whose sessions the dates are.
        currency: of the account.
        risk_free: a yearly fraction.
    """

    calendar: str = "XNYS"
    currency: str = "USD"
    risk_free: float = 0.0


def returns_result(path: Path, terms: Terms) -> RunResult:
    """The result of kind "returns": `date` and `net`, and `gross` and `benchmark` where given.

    Returns are simple daily fractions. A session without a row is unknown, and counted.

    Raises:
        DataError: the file can't be read, a date isn't a session of the calendar or comes twice, a
            return is below −1 or no finite number, or most sessions have no return.
    """
    table = _table(path)
    days = pd.DatetimeIndex(table.index)
    span = Span(days[0].date(), days[-1].date())
    clock = Clock.build(terms.calendar, span)
    sessions = pd.DatetimeIndex(clock.sessions.astype("datetime64[ns]"), name="session")
    odd = days[~days.isin(sessions)]
    if len(odd):
        raise DataError(
            f"{path}: {odd[0].date()} is no session of {terms.calendar} ({len(odd)} such dates); "
            'name the calendar the returns follow, like --calendar XLON, or "24/7" for every day'
        )
    if 2 * len(days) < len(sessions):
        raise DataError(
            f"{path}: {len(days)} returns in {len(sessions)} sessions; expected one a session "
            "(weekly or monthly returns can't be reported on)"
        )
    frame = table.reindex(sessions)
    return result_of(
        frame,
        clock=clock,
        name=path.name.partition(".")[0],
        terms=terms,
        findings=_findings(frame["net"].to_numpy(), source=path.name),
        manifest={
            "inputs": {"returns": hashlib.sha256(path.read_bytes()).hexdigest()},
            "counts": {"returns": len(days)},
        },
    )


def result_of(
    frame: pd.DataFrame,
    *,
    clock: Clock,
    name: str,
    terms: Terms,
    findings: tuple[Finding, ...],
    manifest: dict[str, Any],
) -> RunResult:
    """A result of kind "returns" whose one holding is the account itself.

    `frame` has net, gross and benchmark by session.
    """
    sessions, net = frame.index, frame["net"].to_numpy()
    frame = frame.assign(twin=np.nan, equity=np.cumprod(1.0 + np.nan_to_num(net)))
    account = pd.DataFrame({"account": np.ones(len(frame))}, index=sessions)
    return RunResult(
        kind="returns",
        name=name,
        config={
            "market": {
                "calendar": terms.calendar,
                "currency": terms.currency,
                "risk_free": terms.risk_free,
            },
            "seed": 0,
        },
        sessions=frame,
        targets=account,
        holdings=account,
        asset_returns=pd.DataFrame({"account": net}, index=sessions),
        orders=pd.DataFrame({"session": [], "asset": [], "side": []}),
        periods_per_year=clock.periods_per_year,
        initial_cash=1.0,
        findings=findings,
        manifest=manifest,
    )


def _findings(net: NDArray[np.float64], *, source: str) -> tuple[Finding, ...]:
    """What is odd about the returns, counted."""
    missing, wild = int(np.isnan(net).sum()), int((np.abs(net) > _WILD).sum())
    found = []
    if missing:
        detail = "left out of every figure"
        found.append(Finding(source, "session without a return", missing, detail, "warning"))
    if wild:
        detail = "are these per cent? fractions are expected"
        found.append(Finding(source, f"return beyond {_WILD:.0%}", wild, detail, "warning"))
    return tuple(found)


_WILD = 0.5
"""The size of a day's return that is more often a per cent than a fraction."""


def _table(path: Path) -> pd.DataFrame:
    """The columns that count, by rising date."""
    where = str(path)
    given = with_standard_names(read_table(path), where=where)
    require_columns(given, ("date",), where=where)
    dates = pd.DatetimeIndex(require_dates(given, "date", where=where))
    found: dict[str, pd.Series] = {}
    for name, spellings in NAMES.items():
        present = [each for each in spellings if each in given]
        if len(present) > 1:
            raise DataError(f"{where}: columns {', '.join(present)} all mean {name}; keep one")
        if present:
            found[name] = numbers(given, present[0], where=where)
            lost = found[name] < -1.0
            if lost.any():
                row = int(lost.to_numpy().argmax())
                raise DataError(
                    f"{where}: row {row + 1}: {present[0]} is {found[name].iloc[row]:g}; expected "
                    "a fraction of at least -1 (per cent? divide by 100)"
                )
    if "net" not in found:
        have = ", ".join(given.columns)
        raise DataError(f"{where}: no column net (or return, returns); found: {have}")
    repeated = dates.duplicated()
    if repeated.any():
        row = int(repeated.argmax())
        raise DataError(f"{where}: row {row + 1}: {dates[row].date()} comes twice")
    columns = {name: found.get(name, pd.Series(np.nan, range(len(dates)))) for name in NAMES}
    return pd.DataFrame(
        {name: each.to_numpy() for name, each in columns.items()}, dates
    ).sort_index()
