"""What happened next: returns that a decision could have earned, and the only place they are made.

A label belongs to the row of the decision, and is known only when its last price is. It is for
judging and for fitting, never an input of the same row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
