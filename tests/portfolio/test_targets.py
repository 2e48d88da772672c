"""What an optimizer is asked again, and what it isn't."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from finstrat_plugins.optimizers.min_variance import MinVariance

from finstrat.costs import CostRates
from finstrat.portfolio.decision import CheckedDecision
from finstrat.portfolio.fallback import Chain
from finstrat.portfolio.problem import Constraints
from finstrat.portfolio.targets import target_weights
from finstrat.testing import synthetic_market

PANEL = synthetic_market().panel
DECISION = CheckedDecision(
    alpha=None,
    weights=None,
    eligible=PANEL.member,
    exposure=np.full(len(PANEL.times), 0.5),
    rebalance=np.arange(len(PANEL.times)) % 5 == 0,
)


class Counted(MinVariance):
    """Says how many problems it was asked."""

    asked = 0

    def solve_many(self, problems):
        self.asked += len(problems)
        return super().solve_many(problems)


def targets(decision, chain, first=30):
    fills = PANEL.adjusted("close")
    limits, free = Constraints(), CostRates(np.zeros(PANEL.shape), np.zeros(PANEL.shape))
    return target_weights(
        decision,
        PANEL,
        chain=chain,
        constraints=limits,
        costs=free,
        fills=fills,
        capital=1.0,
        first=first,
    )


def chain():
    return Chain(Counted(Counted.Config(window=20)))


CHANGES = {
    "eligible": {"eligible": PANEL.member & (np.arange(PANEL.shape[1]) > 0)},
    "rebalance": {"rebalance": np.arange(len(PANEL.times)) % 7 == 0},
    "alpha": {"alpha": np.where(np.arange(PANEL.shape[1]) > 1, 1.0, np.nan) + 0 * PANEL.returns()},
}


def test_another_exposure_asks_the_optimizer_nothing_and_scales_the_same_weights():
    one = chain()
    half = targets(DECISION, one).weights
    asked = one.optimizer.asked
    whole = targets(replace(DECISION, exposure=2 * DECISION.exposure), one).weights
    assert one.optimizer.asked == asked > 0
    assert np.array_equal(whole, 2 * half, equal_nan=True)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_else_differs_between_decisions_is_answered_as_if_asked_first(change):
    used, other = chain(), replace(DECISION, **change)
    targets(DECISION, used)
    found, fresh = targets(other, used).weights, targets(other, chain()).weights
    np.testing.assert_allclose(found, fresh, atol=1e-12)
