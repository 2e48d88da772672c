"""When two configurations may share a result: by a hash of everything that the result rests on.

Within one process the code of the components is the same, so their resolved options say it all.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from finstrat.signals import lead_sessions, signal_order
from finstrat.store import canonical_json

if TYPE_CHECKING:
    from finstrat.config import Plan


def _hash(*parts: Any) -> str:  # noqa: ANN401 - any JSON values
    return hashlib.sha256(canonical_json(list(parts))).hexdigest()


def market_key(plan: Plan) -> str:
    """What is loaded: sources, span, calendar, and how far back."""
    tables = ("span", "market", "universe", "prices", "documents", "facts")
    return _hash(*(plan.resolved[name] for name in tables), lead_sessions(plan))


def scores_key(plan: Plan) -> str:
    """What scores texts, and what holds the scores."""
    return _hash(plan.resolved["scorers"], plan.resolved.get("rules"))


def signal_keys(plan: Plan) -> dict[str, str]:
    """By signal: itself, the scorers, and every signal it needs, at any remove."""
    keys: dict[str, str] = {}
    given = (scores_key(plan), plan.config.execution.fill, plan.config.seed)
    for name in signal_order(plan.signals):
        needed = [need.partition(".")[0] for need in plan.signals[name].needs if "." in need]
        rests_on = [[other, keys[other]] for other in sorted(set(needed))]
        keys[name] = _hash(name, plan.resolved["signals"][name], rests_on, *given)
    return keys


def decision_key(plan: Plan) -> str:
    """What the strategy sees, and the strategy."""
    return _hash(signal_keys(plan), plan.resolved["strategy"], plan.optimizer is not None)


def desk_key(plan: Plan) -> str:
    """What turns a decision into targets; costs count where the optimizer looks at them."""
    execution = plan.config.execution
    asked = (plan.optimizer, *(each for each in plan.fallbacks if not isinstance(each, str)))
    uses_costs = any(each is not None and each.uses_costs for each in asked)
    told = [plan.resolved["costs"], execution.initial_cash] if uses_costs else None
    return _hash(plan.resolved["optimizer"], plan.resolved["limits"], execution.fill, told)


def account_key(plan: Plan) -> str:
    """What accounts must share to be kept together: the terms and the costs."""
    return _hash(plan.resolved["execution"], plan.resolved["costs"])
