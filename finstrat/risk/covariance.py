"""The covariance of what an account is exposed to: which columns and sessions it rests on.

What is exposed may be holdings or betas to factors; nothing here knows which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.benchmark import FEWEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.risk.conventions import Floats


@dataclass(frozen=True, eq=False)
class CommonHistory:
    """The returns of all that is held, over the sessions in which each of them is known.

    Attributes:
        held: `[N]`, where the exposure isn't zero.
        exposure: `[M]`, of what is held.
        returns: `[n, M]`.
        reason_if_null: why no covariance can rest on that; empty where one can.
    """

    held: NDArray[np.bool_]
    exposure: Floats
    returns: Floats
    reason_if_null: str

    def covariance(self) -> Floats:
        """Their sample covariance `[M, M]`, a session."""
        found: Floats = np.atleast_2d(np.cov(self.returns, rowvar=False))
        return found


def common_history(exposure: Floats, returns: Floats) -> CommonHistory:
    """What of `returns` `[W, N]` a covariance rests on, for weights or betas `exposure` `[N]`."""
    held = exposure != 0.0
    past = returns[:, held]
    past = past[~np.isnan(past).any(axis=1)]
    reason = ""
    if not held.any():
        reason = "nothing is held"
    elif len(past) < FEWEST:
        reason = f"{len(past)} sessions have all the returns; {FEWEST} are needed"
    return CommonHistory(held, exposure[held], past, reason)
