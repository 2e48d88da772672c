import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from finstrat.risk.reverse import reverse_stress

SQUARE = np.tile([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]], (10, 1)) * 0.01


def test_two_uncorrelated_factors_by_hand():
    # Variances 4k and k, b = (1, 2): Σb = (4k, 2k), b'Σb = 8k, so x = −loss (1/2, 1/4).
    found = reverse_stress(np.array([1.0, 2.0]), SQUARE, loss=0.2)
    assert_allclose(found.moves, [-0.1, -0.05])
    k = 21 * 0.01**2 * 40 / 39
    assert found.distance.value == pytest.approx(0.2 / (8 * k) ** 0.5)


def test_no_shorter_move_costs_as_much():
    random = np.random.default_rng(5)
    returns = random.normal(0, 0.01, (400, 3)) @ random.normal(0, 1, (3, 3))
    b = np.array([0.8, -0.3, 0.4])
    found = reverse_stress(b, returns, loss=0.1)
    assert b @ found.moves == pytest.approx(-0.1)
    inverse = np.linalg.inv(21 * np.cov(returns, rowvar=False))
    assert found.distance.value**2 == pytest.approx(found.moves @ inverse @ found.moves)
    searched = minimize(
        lambda x: x @ inverse @ x,
        -0.1 * b / (b @ b),
        jac=lambda x: 2 * inverse @ x,
        constraints={"type": "eq", "fun": lambda x: b @ x + 0.1},
        tol=1e-14,
    )
    assert_allclose(searched.x, found.moves, atol=1e-6)


def test_more_names_than_sessions_still_have_a_move():
    returns = np.random.default_rng(2).normal(0, 0.02, (40, 90))
    weights = np.full(90, 1 / 90)
    found = reverse_stress(weights, returns, loss=0.05)
    assert weights @ found.moves == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("exposure", "returns", "reason"),
    [
        ([0.0, 0.0], SQUARE, "nothing is held"),
        ([0.5, 0.5], SQUARE[:1], "1 sessions have all the returns; 30 are needed"),
        ([0.5, 0.5], np.full((40, 2), np.nan), "0 sessions"),
        ([0.5, 0.5], np.full((40, 2), 0.01), "never moved"),
        ([0.1, 0.0], SQUARE, "a move of -200% would be needed"),
    ],
)
def test_what_can_not_be_had_is_null_and_says_why(exposure, returns, reason):
    found = reverse_stress(np.array(exposure), returns, loss=0.2)
    assert reason in found.distance.reason_if_null
    assert np.isnan(found.moves).all()
