"""How long what an account held would have taken to sell, session by session and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.liquidity import days_to_exit, name_days_to_exit, usually_traded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.data import Panel
    from finstrat.simulate.account import Simulation


@dataclass(frozen=True, eq=False)
class ExitDays:
    """Sessions to exit: of all that was held, `[T]`, and of each name at the end; None = never."""

    whole: NDArray[np.float64]
    at_the_end: dict[str, float | None]


def exit_days(panel: Panel, simulation: Simulation, *, first: int) -> ExitDays | None:
    """The sessions to exit of an account that began at row `first` of `panel`.

    None where the prices have no volumes. Row t knows what traded up to t.
    """
    if "volume" not in panel.fields:
        return None
    usual = usually_traded(panel.field("close") * panel.field("volume"))[first:]
    holdings = simulation.holdings.to_numpy(dtype=np.float64)
    equity = simulation.sessions["equity"].to_numpy(dtype=np.float64)
    names = name_days_to_exit(holdings, equity, usual)[-1]
    return ExitDays(
        whole=days_to_exit(holdings, equity, usual),
        at_the_end={
            asset: float(days) if np.isfinite(days) else None
            for asset, days, held in zip(panel.assets, names, holdings[-1], strict=True)
            if held != 0
        },
    )
