"""What is refused before anything is traded: labels that don't match, weights and prices that no
account could trade on.

vectorbt takes all of these without a word: it matches columns by position, and accepts infinite
weights, repeated sessions and targets that need more cash than there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.errors import ConfigError, DataError, SimulationError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.data import Panel

TOLERANCE = 1e-9
"""Rounding forgiven per asset in Σ|w| and Σw."""


def checked_prices(panel: Panel, name: str) -> NDArray[np.float64]:
    """One adjusted price, checked: a faulty adjustment factor gives prices the panel never saw."""
    if name not in panel.fields:
        raise ConfigError(
            f'execution.fill: "next-{name}" needs {name} prices, and the price source has '
            f'{", ".join(panel.fields)} only; use fill = "next-close"'
        )
    prices = panel.adjusted(name)
    bad = ~(np.isnan(prices) | (np.isfinite(prices) & (prices > 0)))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"adjusted {name} of {panel.assets[column]} on {panel.times[row]} is "
            f"{prices[row, column]}; a price is positive and finite, or NaN for unknown: check "
            "adj_factor"
        )
    return prices


def checked_weights(
    targets: pd.DataFrame, panel: Panel, *, max_gross: float, max_net: float = 1.0
) -> NDArray[np.float64]:
    """`targets` as `[T, N]` in the panel's order of assets; a row of NaN holds.

    Raises:
        SimulationError: sessions or assets are not the panel's, a row is known in part, a weight
            is infinite, Σ|w| exceeds `max_gross`, or Σw exceeds `max_net`.
    """
    _check_assets(targets, panel)
    _check_sessions(targets, panel)
    weights = targets[list(panel.assets)].to_numpy(dtype=np.float64, na_value=np.nan)
    unset = np.isnan(weights)
    gross, net = np.abs(weights).sum(axis=1), weights.sum(axis=1)
    rounding = TOLERANCE * max(1, len(panel.assets))
    for rows, problem in (
        (unset.any(axis=1) & ~unset.all(axis=1), "some weights are NaN: only a whole row holds"),
        (np.isinf(weights).any(axis=1), "a weight is infinite"),
        (gross > max_gross + rounding, f"Σ|w| is above max_gross = {max_gross:g}"),
        (net > max_net + rounding, f"Σw is above {max_net:g}, which needs borrowed cash"),
    ):
        if rows.any():
            row = int(np.argmax(rows))
            worst = int(np.argmax(np.nan_to_num(np.abs(weights[row]), nan=np.inf)))
            raise SimulationError(
                f"targets: on {panel.times[row]} {problem} (Σ|w| = {gross[row]:.6g}, "
                f"Σw = {net[row]:.6g}; {panel.assets[worst]}: {weights[row, worst]:.6g})"
            )
    return weights


def _check_assets(targets: pd.DataFrame, panel: Panel) -> None:
    """Columns must name the panel's assets, each once, in any order."""
    if not targets.columns.is_unique:
        twice = targets.columns[targets.columns.duplicated()][0]
        raise SimulationError(f'targets: asset "{twice}" has two columns')
    known, given = set(panel.assets), set(targets.columns)
    unknown = [name for name in targets.columns if name not in known]
    if unknown:
        hint = did_you_mean(str(unknown[0]), panel.assets)
        raise SimulationError(f'targets: no prices for asset "{unknown[0]}"{hint}')
    missing = [name for name in panel.assets if name not in given]
    if missing:
        raise SimulationError(
            f'targets: no column for asset "{missing[0]}" ({len(missing)} missing); '
            "write 0 for an asset that isn't wanted"
        )


def _check_sessions(targets: pd.DataFrame, panel: Panel) -> None:
    """Rows must be the panel's sessions, each once, in order."""
    index = targets.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is not None:
        raise SimulationError(
            f"targets: rows are labelled by {index.dtype}, not by sessions; index by dates without "
            "a time zone, like panel.index"
        )
    if not (index.is_monotonic_increasing and index.is_unique):
        raise SimulationError("targets: the sessions repeat or go back in time; sort them")
    if not index.as_unit("ns").equals(panel.index):
        stray = index.as_unit("ns").symmetric_difference(panel.index)[0]
        raise SimulationError(
            f"targets: {len(index)} rows for the panel's {len(panel.times)} sessions, first "
            f"difference on {stray:%Y-%m-%d}; give one row a session, NaN where nothing was decided"
        )
