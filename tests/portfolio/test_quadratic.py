"""The quadratic solver against its optimality conditions and against Clarabel."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.covariance import ledoit_wolf, oas

from finstrat.errors import PluginError
from finstrat.portfolio.budgeting import risk_budgeted
from finstrat.portfolio.covariance import covariance
from finstrat.portfolio.quadratic import Quadratic, _by_clarabel, solve, solve_many


def market(m, *, seed=0, sessions=300):
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.01, (sessions, 3)) @ rng.normal(0.7, 0.5, (3, m))
    return factors + rng.normal(0, 0.01, (sessions, m)) * rng.uniform(0.5, 2, m)


def quadratic(m, *, seed=0, reward=0.0, low=0.0, high=1.0, budget=1.0, short=None):
    returns = market(m, seed=seed)
    rewards = reward * np.random.default_rng(seed).normal(0, 1e-4, m)
    bounds = np.full(m, low), np.full(m, high)
    return Quadratic(covariance(returns), rewards, *bounds, budget, short)


def test_two_assets_by_hand():
    # w = (σ₂² − ρσ₁σ₂) / (σ₁² + σ₂² − 2ρσ₁σ₂) with variances 1 and 4, covariance ½.
    problem = Quadratic(
        np.array([[1.0, 0.5], [0.5, 4.0]]), np.zeros(2), np.zeros(2), np.ones(2), 1.0
    )
    assert_allclose(solve(problem).weights, [3.5 / 4, 0.5 / 4])


def test_weights_at_their_bounds_are_exactly_there():
    problem = quadratic(30, high=0.06)
    found = solve(problem)
    assert (found.weights[found.bound == -1] == 0).all()
    assert (found.weights[found.bound == 1] == 0.06).all()
    assert abs(found.weights.sum() - 1) < 1e-12


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 25),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.1, 1.0, 30.0]),
    st.sampled_from([(0.0, 0.02), (0.0, 0.5), (-0.1, 0.1), (-1.0, 2.0)]),
    st.integers(1, 99),
)
def test_the_minimum_keeps_its_limits_and_no_solver_finds_less(m, seed, reward, bounds, part):
    low, high = bounds
    budget = m * (low + part / 100 * (high - low))
    problem = quadratic(m, seed=seed, reward=reward, low=low, high=high, budget=budget)
    weights = solve(problem).weights
    assert (weights >= low).all()
    assert (weights <= high).all()
    assert abs(weights.sum() - budget) <= 1e-9 * max(1, abs(budget))
    other = _by_clarabel(problem).weights
    scale = max(abs(problem.objective(other)), 1e-9)
    assert problem.objective(weights) - problem.objective(other) <= 1e-8 * scale


@settings(max_examples=50, deadline=None)
@given(
    st.integers(2, 20), st.integers(0, 1000), hnp.arrays(np.int8, 20, elements=st.integers(-1, 1))
)
def test_the_answer_does_not_depend_on_the_first_guess(m, seed, guess):
    problem = quadratic(m, seed=seed, reward=0.2, high=0.6)
    assert_allclose(solve(problem, start=guess[:m]).weights, solve(problem).weights, atol=1e-9)


def test_a_calendar_is_solved_as_each_date_alone_though_assets_come_and_go():
    names = [tuple("abcdefgh"[:6]), tuple("bcdefgh"), tuple("hgabd")]
    problems = [quadratic(len(each), seed=k, high=0.5) for k, each in enumerate(names)]
    together = solve_many(problems, names=names)
    for weights, problem in zip(together, problems, strict=True):
        assert_allclose(weights, solve(problem).weights, atol=1e-13)


def test_limited_shorts_are_limited():
    free = solve(quadratic(12, low=-1.0, seed=3)).weights
    short = np.maximum(-free, 0).sum()
    assert short > 0.1
    held = solve(quadratic(12, low=-1.0, seed=3, short=short / 2)).weights
    assert np.maximum(-held, 0).sum() == pytest.approx(short / 2, abs=1e-7)
    loose = solve(quadratic(12, low=-1.0, seed=3, short=short * 2)).weights
    assert_allclose(loose, free, atol=1e-6)


def test_bounds_that_leave_nothing_are_refused():
    with pytest.raises(PluginError, match=r"sum to 1: the bounds allow 0 to 0\.5"):
        solve(quadratic(5, high=0.1))


def test_bounds_that_leave_one_portfolio_give_it():
    assert_allclose(solve(quadratic(5, high=0.2)).weights, 0.2)


@pytest.mark.parametrize(("estimator", "reference"), [("ledoit-wolf", ledoit_wolf), ("oas", oas)])
def test_shrinkage_is_scikit_learns(estimator, reference):
    returns = market(40, sessions=60)
    assert_allclose(covariance(returns, estimator=estimator), reference(returns)[0], rtol=1e-10)


def test_sample_and_weighted_covariances():
    returns = market(4)
    assert_allclose(covariance(returns, estimator="sample"), np.cov(returns.T))
    even = covariance(returns, estimator="ewma", half_life=1e9)
    assert_allclose(even, np.cov(returns.T), rtol=1e-6)
    # Weights ½ and 1 of two rows: mean (a + 2b) / 3, the unbiased weighted variance ½ (a − b)².
    two = np.array([[1.0], [4.0]])
    assert_allclose(covariance(two, estimator="ewma", half_life=1.0), [[4.5]])


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10_000), st.booleans())
def test_risk_contributions_are_the_budgets(m, seed, warm):
    sigma = covariance(market(m, seed=seed))
    rng = np.random.default_rng(seed)
    budget = rng.uniform(0.2, 3, m)
    budget /= budget.sum()
    start = rng.uniform(0, 1, m) if warm else None
    weights = risk_budgeted(sigma, budget, start=start)
    share = weights * (sigma @ weights)
    assert_allclose(share / share.sum(), budget, rtol=1e-9)
    assert weights.sum() == pytest.approx(1)


def test_equal_budgets_of_two_assets_are_inverse_volatility():
    weights = risk_budgeted(np.array([[1.0, 0.6], [0.6, 4.0]]), np.array([0.5, 0.5]))
    assert_allclose(weights, [2 / 3, 1 / 3])
