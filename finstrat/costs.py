"""What trading costs, as plain rates that the simulator charges and an optimizer can penalise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CostRates:
    """Costs per unit of traded value, `[T, N]`, as fractions (5 basis points = 0.0005).

    `fees` are paid in cash on the traded value; `slippage` moves the fill price against the
    trade. Row t applies to a fill in session t.
    """

    fees: NDArray[np.float64]
    slippage: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("fees", "slippage"):
            rates = getattr(self, name)
            if not (np.isfinite(rates) & (rates >= 0) & (rates < 1)).all():
                raise DataError(f"cost rates: {name} must be finite, ≥ 0 and < 1 (1 = 100 %)")

    @property
    def total(self) -> NDArray[np.float64]:
        """Fees plus slippage, `[T, N]`: the linear cost of one unit of turnover."""
        return self.fees + self.slippage
