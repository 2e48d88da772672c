from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finstrat.portfolio.allocation import (
    Account,
    Limit,
    allocate,
    clash,
    expected_shortfall,
    safest,
)

EXACT = 1e-9


def account(expected, scenarios, *limits, current=None, turnover=None):
    m = len(expected)
    return Account(
        expected=np.array(expected, dtype=float),
        scenarios=np.array(scenarios, dtype=float),
        current=np.zeros(m) if current is None else np.array(current, dtype=float),
        cost=np.zeros(m),
        limits=limits,
        turnover=turnover,
    )


def test_expected_shortfall_is_the_mean_of_the_worst_twentieth():
    returns = np.linspace(-0.40, 0.0, 41)[:, None]
    # 5 % of 41 are 2.05: two whole scenarios and a twentieth of the third.
    expected = (0.40 + 0.39 + 0.05 * 0.38) / 2.05
    assert expected_shortfall(returns, np.array([1.0])) == pytest.approx(expected)


def test_one_asset_is_held_as_far_as_its_loss_can_be_borne():
    losses = np.zeros((100, 1))
    losses[:5] = -0.2
    assert allocate(account([0.1], losses), shortfall=0.05) == pytest.approx([0.25])
    assert allocate(account([0.1], losses), shortfall=np.inf) == pytest.approx([1.0])
    assert allocate(account([-0.1], losses), shortfall=0.05) == pytest.approx([0.0])


def test_the_better_of_two_alike_is_preferred_up_to_its_bound():
    losses = np.zeros((100, 2))
    losses[:5] = -0.2
    bounded = account([0.1, 0.05], losses, Limit("most", np.array([1.0, 0.0]), high=0.1))
    assert allocate(bounded, shortfall=0.05) == pytest.approx([0.1, 0.15])


def test_turnover_and_costs_keep_what_is_held():
    losses = np.zeros((100, 2))
    losses[:5] = -0.2
    held = account([0.1, 0.05], losses, current=[0.0, 0.25], turnover=0.1)
    assert allocate(held, shortfall=0.05) == pytest.approx([0.05, 0.2])
    dear = replace(account([0.1, 0.05], losses, current=[0.0, 0.25]), cost=np.full(2, 0.03))
    assert allocate(dear, shortfall=0.05) == pytest.approx([0.0, 0.25])


def test_the_safest_holds_what_it_must():
    losses = np.zeros((100, 2))
    losses[:5, 0], losses[:5, 1] = -0.2, -0.1
    must = account([0.1, 0.1], losses, Limit("least", np.ones(2), low=0.5))
    assert safest(must) == pytest.approx([0.0, 0.5])


def test_a_clash_names_what_can_not_be_spared_and_nothing_else():
    losses = np.zeros((100, 2))
    losses[:5] = -0.2
    first, both = np.array([1.0, 0.0]), np.ones(2)
    wanted = account(
        [0.1, 0.05],
        losses,
        Limit("least of the first", first, low=0.5),
        Limit("most in one", first, high=0.9),
        Limit("cash", both, high=0.95),
    )
    assert allocate(wanted, shortfall=0.05) is None
    assert clash(wanted, shortfall=0.05) == ["least of the first", "shortfall"]
    moved = replace(wanted, turnover=0.2)
    assert clash(moved, shortfall=1.0) == ["least of the first", "turnover"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.005, 0.3), st.floats(0.05, 1.0))
def test_every_constraint_holds_exactly_and_more_risk_earns_no_less(seed, shortfall, most):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(2, 9))
    scenarios = rng.standard_t(3, (200, m)) * 0.05 + 0.005
    group = rng.integers(0, 2, m).astype(float)
    problem = account(
        rng.normal(0.04, 0.03, m),
        scenarios,
        *(Limit("most", row, high=most) for row in np.eye(m)),
        Limit("cash", np.ones(m), high=0.97),
        Limit("group", group, high=0.4),
        current=np.full(m, 0.5 / m),
        turnover=1.2,
    )
    weights = allocate(problem, shortfall=shortfall)
    assert weights is not None
    assert (weights >= 0).all()
    assert weights.max() <= most + EXACT
    assert weights.sum() <= 0.97 + EXACT
    assert group @ weights <= 0.4 + EXACT
    assert np.abs(weights - problem.current).sum() <= 1.2 + EXACT
    assert expected_shortfall(scenarios, weights) <= shortfall + EXACT
    bolder = allocate(problem, shortfall=2 * shortfall)
    assert problem.expected @ bolder >= problem.expected @ weights - EXACT
