"""What happened next: returns that a decision could have earned, and the only place they are made.

A label belongs to the row of the decision, and is known only when its last price is. It is for
judging and for fitting, never an input of the same row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.data.clock import Clock
    from finstrat.data.panel import Panel

Fill = Literal["next-open", "next-close"]


def forward_returns(panel: Panel, horizon: int, *, fill: Fill) -> NDArray[np.float64]:
    """Total return from the fill of decision t to the fill of decision t + `horizon`, `[T, N]`.

    Row t fills at the open or close of session t + 1. NaN where either price is unknown, and in the
    last `horizon` + 1 rows, whose label lies beyond the data.

    Raises:
        DataError: `horizon` below 1, or a fill at opens that the panel doesn't have.
    """
    if horizon < 1:
        raise DataError(f"horizon: expected 1 session or more, got {horizon}")
    price = panel.adjusted("open" if fill == "next-open" else "close")
    result = np.full(price.shape, np.nan)
    if len(price) > horizon + 1:
        result[: -horizon - 1] = price[horizon + 1 :] / price[1:-horizon] - 1.0
    return result


@dataclass(frozen=True, eq=False)
class Labels:
    """What is to be learnt from each row, and since when it could be.

    Attributes:
        values: `[T, N]`; NaN = unknown.
        known_from: `[T]`, rising: the first session whose decision may use row t's; T = none.
    """

    values: NDArray[np.float64]
    known_from: NDArray[np.int64]


def return_labels(panel: Panel, clock: Clock, horizon: int, *, fill: Fill) -> Labels:
    """Total returns from the fill of decision t to that of decision t + `horizon`.

    Known at that last fill, so a session may use it whose cutoff lies after it: t + 1 + `horizon`
    with fills at the open, as a rule, and the one after with fills at the close.

    Raises:
        DataError: as `forward_returns`.
    """
    moments = clock.open_at if fill == "next-open" else clock.close_at
    known_at = np.full(len(clock), np.datetime64("NaT"), dtype="datetime64[ns]")
    known_at[: -horizon - 1] = moments[horizon + 1 :]
    return Labels(forward_returns(panel, horizon, fill=fill), clock.first_session_to_know(known_at))


def later_values(values: NDArray[np.float64], horizon: int) -> Labels:
    """What a feature `[T, N]` turns out to be `horizon` sessions later.

    A feature of session t is known before cutoff t, so that session may use the label.

    Raises:
        DataError: `horizon` below 1.
    """
    if horizon < 1:
        raise DataError(f"horizon: expected 1 session or more, got {horizon}")
    later = np.full_like(values, np.nan)
    later[:-horizon] = values[horizon:]
    sessions = len(values)
    return Labels(later, np.minimum(np.arange(sessions) + horizon, sessions))
