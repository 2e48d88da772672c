import numpy as np
import pytest
from finstrat_plugins.optimizers.equal import Equal
from finstrat_plugins.optimizers.inverse_volatility import InverseVolatility, capped
from finstrat_plugins.optimizers.min_variance import MinVariance
from hypothesis import given
from hypothesis import strategies as st

from finstrat.errors import PluginError
from finstrat.portfolio.problem import Constraints, Problem


def problem(returns, **limits):
    names = tuple(f"A{i}" for i in range(returns.shape[1]))
    return Problem(np.datetime64("2020-01-02"), names, returns, Constraints(**limits))


RETURNS = np.random.default_rng(1).normal(0, [0.01, 0.02, 0.04], (400, 3))


def test_equal_leaves_in_cash_what_a_cap_forbids():
    np.testing.assert_allclose(Equal().solve(problem(RETURNS)), 1 / 3)
    np.testing.assert_allclose(Equal().solve(problem(RETURNS, max_weight=0.2)), 0.2)


def test_inverse_volatility_is_the_closed_form():
    inverse = 1 / RETURNS.std(axis=0, ddof=1)
    weights = InverseVolatility().solve(problem(RETURNS))
    np.testing.assert_allclose(weights, inverse / inverse.sum())


@given(st.lists(st.floats(0, 10), min_size=1, max_size=8), st.floats(0.1, 2), st.floats(0.05, 1))
def test_capped_weights_keep_total_and_cap(raw, total, cap):
    raw = np.array(raw)
    weights = capped(raw, total=total, cap=cap)
    assert (weights <= cap + 1e-12).all()
    expected = min(total, cap * (raw > 0).sum())
    assert weights.sum() == pytest.approx(expected, abs=1e-9)


def test_min_variance_meets_the_first_order_conditions():
    from skfolio.moments import LedoitWolf

    weights = MinVariance().solve(problem(RETURNS))
    sigma = LedoitWolf().fit(RETURNS).covariance_
    slope = sigma @ weights
    held = weights > 1e-6
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(slope[held], slope[held].mean(), rtol=1e-3)
    assert (slope[~held] >= slope[held].mean() * (1 - 1e-3)).all()


@pytest.mark.parametrize("optimizer", [Equal(), InverseVolatility(), MinVariance()])
def test_many_problems_are_solved_as_each_alone(optimizer):
    problems = [problem(RETURNS[:300]), problem(RETURNS[100:])]
    for together, alone in zip(optimizer.solve_many(problems), problems, strict=True):
        np.testing.assert_allclose(together, optimizer.solve(alone), atol=1e-12)


def test_weights_beyond_a_bound_are_refused_by_name():
    with pytest.raises(PluginError, match=r"the weight of B is 0\.9"):
        Constraints(max_weight=0.5).check(np.array([0.1, 0.9]), ("A", "B"), where="test")
    with pytest.raises(PluginError, match="gross exposure"):
        Constraints().check(np.array([0.6, 0.6]), ("A", "B"), where="test")
