"""How much of each asset, and of cash, one account should hold: the most expected return for a
bearable expected shortfall, by linear programming (Rockafellar and Uryasev 2000, J. Risk 2(3)).

Cash is always among what can be held. Every constraint has a name, so that where none can all be
met the ones that clash are told. It knows weights and scenarios, not prices or people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from finstrat.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORST = 0.05
"""Share of the scenarios that expected shortfall is the mean of."""

EXACT = 1e-10
"""The solver's tolerance on every constraint."""


@dataclass(frozen=True, eq=False)
class Limit:
    """Named bounds on a sum: low ≤ Σ coefficientᵢ wᵢ ≤ high, over the M assets without cash."""

    name: str
    coefficients: NDArray[np.float64]
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, eq=False)
class Account:
    """What is to be decided on.

    Attributes:
        expected: `[M]` expected returns in excess of cash.
        scenarios: `[S, M]` simple returns over the horizon of the expected shortfall.
        current: `[M]` weights held now.
        cost: `[M]` of a unit of turnover, weighed against `expected`.
        limits: on the weights; no weight is below 0 and all together are at most 1.
        turnover: the most Σ|w − current|, or None.
    """

    expected: NDArray[np.float64]
    scenarios: NDArray[np.float64]
    current: NDArray[np.float64]
    cost: NDArray[np.float64]
    limits: tuple[Limit, ...]
    turnover: float | None = None


def expected_shortfall(scenarios: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The mean loss in the worst 5 % of the scenarios (a loss is positive).

    The scenario on the edge counts with the part of it that lies within the 5 %.
    """
    losses = np.sort(-(scenarios @ weights))[::-1]
    count = WORST * len(losses)
    whole = int(count)
    tail = losses[:whole].sum() + (count - whole) * (losses[whole] if count > whole else 0.0)
    return float(tail / count)


def allocate(account: Account, *, shortfall: float) -> NDArray[np.float64] | None:
    """Weights `[M]`: the most expected return less costs whose expected shortfall is at most
    `shortfall`; the rest of 1 is cash. None where no weights meet all constraints.

    Constraints hold to 1e-9.

    Raises:
        PluginError: the solver gave up.
    """
    return _solved(account, account.limits, shortfall=shortfall, turnover=account.turnover)


def safest(account: Account) -> NDArray[np.float64] | None:
    """The weights `[M]` of the least expected shortfall; None where no weights meet all limits."""
    return _solved(account, account.limits, shortfall=None, turnover=account.turnover)


def clash(account: Account, *, shortfall: float) -> list[str]:
    """The names of constraints that can't be met together, none of which could be spared.

    One is dropped after the other, and stays away where what is left still can't be met. The
    limits on turnover and on expected shortfall are called "turnover" and "shortfall".
    """
    needed = list(dict.fromkeys(each.name for each in account.limits))
    needed += ["turnover"] * (account.turnover is not None) + ["shortfall"]
    for name in list(needed):
        rest = [each for each in needed if each != name]
        kept = tuple(each for each in account.limits if each.name in rest)
        found = _solved(
            account,
            kept,
            shortfall=shortfall if "shortfall" in rest else np.inf,
            turnover=account.turnover if "turnover" in rest else None,
        )
        if found is None:
            needed = rest
    return needed


def _solved(
    account: Account,
    limits: Sequence[Limit],
    *,
    shortfall: float | None,
    turnover: float | None,
) -> NDArray[np.float64] | None:
    """The best weights, or None where there are none; without `shortfall`, those of the least.

    Variables: w `[M]`, bought `[M]`, sold `[M]`, the threshold a, the excesses u `[S]`;
    ES = a + Σu / (0.05 S) with u ≥ loss − a.
    """
    count, m = account.scenarios.shape
    size = 3 * m + 1 + count
    tail = np.zeros(size)
    tail[3 * m], tail[3 * m + 1 :] = 1.0, 1.0 / (WORST * count)
    rows, bounds = [], []
    for limit in limits:
        for sign, bound in ((1.0, limit.high), (-1.0, -limit.low)):
            if np.isfinite(bound):
                rows.append(sign * limit.coefficients)
                bounds.append(bound)
    plain = np.zeros((len(rows) + 1, size))
    plain[:-1, :m] = np.array(rows).reshape(len(rows), m)
    plain[-1, :m] = 1.0
    bounds.append(1.0)
    above = [sparse.csr_array(plain)]
    if turnover is not None:
        above.append(sparse.csr_array([[0.0] * m + [1.0] * (2 * m) + [0.0] * (1 + count)]))
        bounds.append(turnover)
    if shortfall is not None and np.isfinite(shortfall):
        above.append(sparse.csr_array(tail[None, :]))
        bounds.append(shortfall)
    # −Rw − a − u ≤ 0
    excess = sparse.hstack(
        [
            sparse.csr_array(-account.scenarios),
            sparse.csr_array((count, 2 * m)),
            sparse.csr_array(np.full((count, 1), -1.0)),
            -sparse.eye_array(count),
        ]
    )
    gain = np.concatenate([-account.expected, account.cost, account.cost, np.zeros(1 + count)])
    eye = sparse.eye_array(m)
    result = linprog(
        tail if shortfall is None else gain,
        A_ub=sparse.vstack([*above, excess], format="csr"),
        b_ub=np.concatenate([bounds, np.zeros(count)]),
        A_eq=sparse.hstack([eye, -eye, eye, sparse.csr_array((m, 1 + count))], format="csr"),
        b_eq=account.current,
        bounds=[(0.0, None)] * (3 * m) + [(None, None)] + [(0.0, None)] * count,
        method="highs-ds",
        options={"primal_feasibility_tolerance": EXACT, "dual_feasibility_tolerance": EXACT},
    )
    if result.status == 2:
        return None
    if result.status != 0:
        raise PluginError(f"allocation: the solver gave up: {result.message}")
    weights: NDArray[np.float64] = np.maximum(result.x[:m], 0.0)
    return weights
