"""A strategy's decision, checked and with its defaults written out.

Only shapes and meanings are checked here; bounds on weights belong to `Constraints`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.errors import ConfigError, PluginError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from finstrat.components import Decision
    from finstrat.data import Panel


@dataclass(frozen=True, eq=False)
class CheckedDecision:
    """A `Decision` in NumPy, every default in place; see there for the meanings."""

    alpha: NDArray[np.float64] | None
    weights: NDArray[np.float64] | None
    eligible: NDArray[np.bool_]
    exposure: NDArray[np.float64]
    rebalance: NDArray[np.bool_]


def checked(
    decision: Decision, panel: Panel, *, strategy: str, has_optimizer: bool
) -> CheckedDecision:
    """`decision` over the panel's sessions and assets; non-members are never eligible.

    Raises:
        ConfigError: weights together with an optimizer, or neither weights nor optimizer.
        PluginError: both alpha and weights, a wrong shape, or NaN where a number must stand in a
            rebalance row.
    """
    sessions = len(panel.times)
    where = f'strategy "{strategy}"'
    _check_kind(decision, has_optimizer=has_optimizer, where=where)
    rebalance = _array(decision.rebalance, "rebalance", (sessions,), where=where)
    exposure = _array(decision.exposure, "exposure", (sessions,), where=where)
    eligible = _array(decision.eligible, "eligible", panel.shape, where=where)
    alpha = _array(decision.alpha, "alpha", panel.shape, where=where)
    weights = _array(decision.weights, "weights", panel.shape, where=where)
    if rebalance is None:
        rebalance = np.ones(sessions, dtype=bool)
    if exposure is None:
        exposure = np.ones(sessions)
    for name, values in (("exposure", exposure), ("weights", weights)):
        if values is None:
            continue
        bad = rebalance & ~np.isfinite(values).reshape(sessions, -1).all(axis=1)
        if bad.any():
            session = panel.times[int(np.argmax(bad))]
            raise PluginError(
                f"{where}: {name} on {session} is not a finite number, and that session rebalances"
            )
    if weights is not None:
        weights = np.where(panel.member, weights, 0.0)
    return CheckedDecision(
        alpha=None if alpha is None else alpha.astype(np.float64),
        weights=None if weights is None else weights.astype(np.float64),
        eligible=panel.member if eligible is None else eligible.astype(bool) & panel.member,
        exposure=exposure.astype(np.float64),
        rebalance=rebalance.astype(bool),
    )


def _check_kind(decision: Decision, *, has_optimizer: bool, where: str) -> None:
    """Refuse a decision that leaves open, or says twice, how much to hold."""
    if decision.alpha is not None and decision.weights is not None:
        raise PluginError(f"{where}: gave both alpha and weights; give one of them")
    if decision.weights is not None and has_optimizer:
        raise ConfigError(
            f"optimizer: {where} decides the weights itself; remove the [optimizer] table"
        )
    if decision.weights is None and not has_optimizer:
        raise ConfigError(
            f"optimizer: {where} says what to hold, not how much; "
            'add an [optimizer] table, like use = "equal"'
        )


def _array(
    value: torch.Tensor | None, name: str, shape: tuple[int, ...], *, where: str
) -> NDArray[Any] | None:
    """One part of a decision in NumPy, of the expected shape."""
    if value is None:
        return None
    result: NDArray[Any] = value.detach().cpu().numpy()
    if result.shape != shape:
        raise PluginError(f"{where}: {name} has shape {result.shape}, expected {shape}")
    return result
