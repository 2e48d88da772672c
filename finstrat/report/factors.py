"""A run's return explained by a file of factors, as a record for its `checks/`.

The file is anyone's: Fama and French's, an index less cash, a sector. Nothing is known here of how
the record is shown.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.data.frames import numbers, read_table, require_columns, require_dates
from finstrat.errors import DataError
from finstrat.report.assess import column, risk_free_of
from finstrat.risk.attribution import factor_attribution
from finstrat.risk.conventions import known, unknown
from finstrat.risk.reverse import reverse_stress
from finstrat.risk.stress import factor_shock

if TYPE_CHECKING:
    from pathlib import Path

    from finstrat.report.assess import Labelled
    from finstrat.risk.attribution import FactorAttribution
    from finstrat.store import RunResult

LOSS = 0.20
"""Of the account, that the reverse stress asks for."""

MOST = 0.5
"""A factor's daily return beyond this is a per cent, not a fraction."""

FREE = "rf"
"""The column of the riskless rate, which is taken off the return and is no factor."""


def factor_record(result: RunResult, path: Path) -> dict[str, Any]:
    """The regression of a run's net return on the factors in `path`, as JSON values.

    The file holds `date`, one column a factor with simple daily returns as fractions, and perhaps
    `rf`; without it the run's own riskless rate is taken off.

    Raises:
        DataError: the file can't be read, has no factor, a date twice, or returns in per cent.
    """
    factors = _factors(path)
    days = pd.DatetimeIndex(result.sessions.index)
    on_sessions = factors.reindex(days)
    free = (
        on_sessions.pop(FREE).to_numpy()
        if FREE in on_sessions
        else np.full(len(days), risk_free_of(result) / result.periods_per_year)
    )
    names = [str(name) for name in on_sessions.columns]
    found = factor_attribution(
        column(result, "net") - free,
        on_sessions.to_numpy(dtype=np.float64),
        names,
        periods_per_year=result.periods_per_year,
    )
    complete = int((~on_sessions.isna().any(axis=1)).sum())
    labelled = [
        ("Return a year no factor explains", found.alpha),
        ("Share of the variance explained", found.r_squared),
        *((f"Beta to {each.name}", each.beta) for each in found.loadings),
        *((f"Return a year from {each.name}", each.contribution) for each in found.loadings),
    ]
    return {
        "evidence": (
            f"Factors of {path.name}: {', '.join(names)}, known on {complete:,} of {len(days):,} "
            "sessions. The return above the riskless rate is the sum of its parts."
        ),
        "figures": [[label, figure.to_dict()] for label, figure in labelled],
        "stress": [
            [label, figure.to_dict()]
            for label, figure in _shocks(found, factors.loc[: days[-1], names])
        ],
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _shocks(found: FactorAttribution, factors: pd.DataFrame) -> Labelled:
    """Each factor's costliest month, and the likeliest move of all that costs `LOSS`, by betas."""
    past = factors.sort_index().to_numpy(dtype=np.float64)
    shocks = tuple(
        (f"Costliest month of {each.name} so far", factor_shock(each.beta, past[:, place]))
        for place, each in enumerate(found.loadings)
    )
    betas = np.array([each.beta.value or 0.0 for each in found.loadings])
    distance = f"Factors' joint move that costs {LOSS:.0%}, in standard deviations"
    if found.alpha.value is None:
        reason, n = found.alpha.reason_if_null, found.alpha.n
        return (*shocks, (distance, unknown("stress.reverse-distance", n=n, reason=reason)))
    reverse = reverse_stress(betas, past, loss=LOSS)
    n, reason = reverse.distance.n, reverse.distance.reason_if_null
    return (
        *shocks,
        (distance, reverse.distance),
        *(
            (
                f"{each.name} in that move",
                unknown("stress.reverse-move", n=n, reason=reason)
                if reason
                else known("stress.reverse-move", float(move), n=n),
            )
            for each, move in zip(found.loadings, reverse.moves, strict=True)
        ),
    )


def _factors(path: Path) -> pd.DataFrame:
    """One column a factor, and `rf` where there is one, by date."""
    where = str(path)
    table = read_table(path)
    table.columns = [
        str(name).lower() if str(name).lower() in {"date", FREE} else str(name)
        for name in table.columns
    ]
    require_columns(table, ("date",), where=where)
    dates = pd.DatetimeIndex(require_dates(table, "date", where=where))
    if dates.duplicated().any():
        row = int(dates.duplicated().argmax())
        raise DataError(f"{where}: row {row + 1}: {dates[row].date()} comes twice")
    names = [name for name in table.columns if name != "date"]
    if not set(names) - {FREE}:
        raise DataError(f"{where}: no factor beside date; expected columns like Mkt-RF, SMB, HML")
    columns = {name: numbers(table, name, where=where) for name in names}
    for name, values in columns.items():
        wild = values.abs() > MOST
        if wild.any():
            row = int(wild.to_numpy().argmax())
            raise DataError(
                f"{where}: row {row + 1}: {name} is {values.iloc[row]:g}; expected a fraction a "
                "day (French's files are in per cent: divide by 100)"
            )
    return pd.DataFrame({name: each.to_numpy() for name, each in columns.items()}, index=dates)
