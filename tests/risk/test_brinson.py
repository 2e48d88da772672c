import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finstrat.risk.brinson import CASH, brinson_fachler


def test_one_session_by_hand():
    # Benchmark: half in each group, returns 10 % and 2 %: 6 %. Own: 0.7 and 0.3, of which in the
    # first group only the better stock, 12 %.
    found = brinson_fachler(
        np.array([[0.7, 0.0, 0.3]]),
        np.array([[0.25, 0.25, 0.5]]),
        np.array([[0.12, 0.08, 0.02]]),
        ["drugs", "drugs", "oil"],
    )
    drugs, oil, cash = found.effects
    assert found.excess == pytest.approx(0.7 * 0.12 + 0.3 * 0.02 - 0.06)
    assert drugs.allocation == pytest.approx(0.2 * (0.10 - 0.06))
    assert drugs.selection == pytest.approx(0.7 * (0.12 - 0.10))
    assert oil.allocation == pytest.approx(-0.2 * (0.02 - 0.06))
    assert oil.selection == pytest.approx(0.0)
    assert (cash.group, cash.allocation) == (CASH, pytest.approx(0.0))


def test_cash_in_a_fall_is_allocation():
    found = brinson_fachler(np.array([[0.5]]), np.array([[1.0]]), np.array([[-0.1]]), ["all"])
    assert found.effects[1].allocation == pytest.approx(0.05)
    assert found.effects[1].weight == pytest.approx(0.5)


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_linked_effects_add_up_to_the_difference_of_compounded_returns(seed, sessions):
    random = np.random.default_rng(seed)
    returns = random.normal(0.0, 0.03, (sessions, 5))
    returns[random.random(returns.shape) < 0.1] = np.nan
    weights = random.dirichlet(np.ones(5), sessions) * random.uniform(0, 1, (sessions, 1))
    benchmark = np.full((sessions, 5), 0.2) * (random.random(5) < 0.7)
    found = brinson_fachler(weights, benchmark, returns, list("aabbc"))
    total = sum(each.allocation + each.selection for each in found.effects)
    grown = [np.prod(1 + (w * np.nan_to_num(returns)).sum(axis=1)) for w in (weights, benchmark)]
    assert found.excess == pytest.approx(grown[0] - grown[1], abs=1e-12)
    assert total == pytest.approx(found.excess, abs=1e-10)


def test_group_outside_the_benchmark_is_all_selection():
    found = brinson_fachler(
        np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]), np.array([[0.02, 0.07]]), ["in", "out"]
    )
    out = found.effects[1]
    assert out.allocation == pytest.approx(0.0)
    assert out.selection == pytest.approx(0.5 * (0.07 - 0.02))
