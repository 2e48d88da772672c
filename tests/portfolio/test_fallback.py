"""An optimizer that finds nothing never stops a run: what stood in for it, when and why is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from finstrat_plugins.optimizers.equal import Equal
from finstrat_plugins.optimizers.mean_variance import MeanVariance
from finstrat_plugins.optimizers.min_variance import MinVariance

from finstrat.components import Optimizer
from finstrat.errors import PluginError, UnsolvedError
from finstrat.portfolio.fallback import Chain
from finstrat.portfolio.problem import Constraints, Problem

RETURNS = np.random.default_rng(1).normal(0, [0.01, 0.02, 0.04], (400, 3))


def problem(day="2020-01-02", **limits):
    return Problem(np.datetime64(day), ("A", "B", "C"), RETURNS, Constraints(**limits))


class Moody(Optimizer):
    """Finds nothing in February."""

    name = "moody"
    version = "1"

    def solve(self, problem):
        if str(problem.as_of).startswith("2020-02"):
            raise UnsolvedError("no luck")
        return np.array([1.0, 0.0, 0.0])


class Wrong(Optimizer):
    """Breaks its contract."""

    name = "wrong"
    version = "1"

    def solve(self, problem):
        return np.zeros(7)


class Careless(Optimizer):
    """Goes beyond what every optimizer has to keep."""

    name = "careless"
    version = "1"

    def solve(self, problem):
        return np.full(3, 0.5)


def test_other_dates_keep_the_optimizers_own_weights():
    days = [problem(day) for day in ("2020-01-02", "2020-02-03", "2020-03-02")]
    first, second, third = Chain(Moody(), (Equal(),)).answers(days)
    assert (first.used, second.used, third.used) == ("moody", "equal", "moody")
    assert second.reasons == ("moody: no luck",)
    np.testing.assert_allclose(second.weights, 1 / 3)
    assert first.reasons == ()


def test_chain_goes_on_to_the_next_and_ends_with_holding():
    february = problem("2020-02-03")
    (answer,) = Chain(Moody(), (Careless(),)).answers([february])
    assert answer.used == "hold"
    assert answer.weights is None
    assert [reason.partition(":")[0] for reason in answer.reasons] == ["moody", "careless"]
    assert "gross exposure is 1.5" in answer.reasons[1]


def test_cash_may_be_the_last_resort():
    (answer,) = Chain(Moody(), ("cash",)).answers([problem("2020-02-03")])
    assert answer.used == "cash"
    np.testing.assert_array_equal(answer.weights, 0.0)


def test_infeasible_limits_are_the_reason_that_is_kept():
    (answer,) = Chain(MinVariance(), ("cash",)).answers([problem(net=(0.95, 1), max_weight=0.3)])
    assert answer.used == "cash"
    assert "net exposure 0.9 lies outside (0.95, 1.0)" in answer.reasons[0]


def test_stand_in_that_wants_more_history_is_passed_over():
    short = MinVariance({"window": 500})
    (answer,) = Chain(Moody(), (short, Equal())).answers([problem("2020-02-03")])
    assert answer.used == "equal"
    assert "wants 500 trailing sessions" in answer.reasons[1]


def test_broken_contract_still_stops_the_run():
    with pytest.raises(PluginError, match="shape"):
        Chain(Wrong(), (Equal(),)).answers([problem()])


def test_stand_in_that_cannot_answer_is_passed_over():
    needs_alpha = MeanVariance({"window": 100})
    (answer,) = Chain(Moody(), (Wrong(), needs_alpha, Equal())).answers([problem("2020-02-03")])
    assert answer.used == "equal"
    assert "shape" in answer.reasons[1]
    assert "gives no alpha" in answer.reasons[2]


def test_answer_is_solved_once():
    chain = Chain(Moody(), (Equal(),))
    assert chain.answers([problem()])[0] is chain.answers([problem()])[0]


def test_limit_unknown_to_an_optimizer_moves_its_weights_to_the_nearest():
    given = problem(groups={"one": {"assets": ["A"], "high": 0.4}})
    (answer,) = Chain(Moody()).answers([given])
    np.testing.assert_allclose(answer.weights, [0.4, 0.0, 0.0], atol=1e-9)
    assert answer.reasons == ()


def test_one_day_before_different_next_rebalances_is_two_problems():
    alpha = np.array([0.5, 0.0, -0.5])
    optimizer = MeanVariance({"ic": 0.05})
    weekly, monthly = (
        replace(problem(), alpha=alpha, horizon=sessions, returns=RETURNS[-optimizer.window :])
        for sessions in (5, 21)
    )
    chain = Chain(optimizer)
    together = [chain.answers([each])[0].weights for each in (weekly, monthly)]
    for weights, each in zip(together, (weekly, monthly), strict=True):
        assert np.array_equal(weights, Chain(optimizer).answers([each])[0].weights)
    assert not np.allclose(*together)
