import numpy as np
import pytest
from numpy.testing import assert_allclose

from finstrat.risk.correlation import correlation_breakdown, correlations, toward

SQUARE = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def broken(weights, history, window=252):
    return correlation_breakdown(
        np.asarray(weights), history, window=window, periods_per_year=252.0
    )


def test_two_uncorrelated_names_by_hand():
    # Sample deviations 2k and k, correlation 0: variance k²(0.25·4 + 0.25·1), and with ρ = 1/2
    # another 2 · 0.5 · 0.25 · 2 k².
    history = np.tile(SQUARE * [0.02, 0.01], (20, 1))
    k = 0.01 * (80 / 79) ** 0.5
    now, one, zero, worst = broken([0.5, 0.5], history)
    assert now.volatility.value == pytest.approx(k * (1.25 * 252) ** 0.5)
    assert one.volatility.value == pytest.approx(k * (1.75 * 252) ** 0.5)
    assert one.mean == pytest.approx(0.5)
    assert zero.volatility.value == pytest.approx(now.volatility.value)
    # φ(1.645) / 0.05 = 2.0627
    assert now.shortfall.value == pytest.approx(k * 1.25**0.5 * 2.062713, rel=1e-6)
    assert worst.mean == pytest.approx(0.0, abs=0.03)


def test_worst_stretch_lends_its_correlations_and_not_its_volatility():
    calm = np.tile(SQUARE * 0.01, (65, 1))
    storm = np.tile([[0.05, 0.05], [-0.05, -0.05]], (40, 1))
    now, one, _, worst = broken([0.5, 0.5], np.vstack([calm[:40], storm, calm]))
    assert worst.mean == pytest.approx(1.0)
    assert 40 + 62 <= worst.last < 120
    assert worst.volatility.value == pytest.approx(now.volatility.value * 2**0.5, rel=1e-6)
    assert one.volatility.value < worst.volatility.value


def test_failing_hedge_costs_more_as_correlations_leave_one():
    market = np.random.default_rng(3).normal(0, 0.01, 300)
    now, one, zero, _ = broken([0.5, -0.5], np.column_stack([market, market * 1.1]))
    assert one.volatility.value <= now.volatility.value < zero.volatility.value


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_every_matrix_is_a_correlation_matrix(share):
    # Fewer sessions than names, and a name that never moved.
    returns = np.random.default_rng(1).normal(0, 0.01, (40, 60))
    returns[:, 7] = 0.0
    found = correlations(returns)
    for target in (np.ones((60, 60)), np.eye(60)):
        moved = toward(found, target, share)
        assert_allclose(np.diag(moved), 1.0)
        assert np.linalg.eigvalsh(moved).min() > -1e-10
        assert np.abs(moved).max() <= 1 + 1e-12


@pytest.mark.parametrize(
    ("weights", "history", "reason"),
    [
        ([0.0, 0.0], np.tile(SQUARE, (20, 1)), "nothing is held"),
        ([1.0, 0.0], np.tile(SQUARE, (20, 1)), "a single name is held"),
        ([0.5, 0.5], SQUARE[:1], "1 sessions have all the returns; 30 are needed"),
        ([0.5, 0.5], np.zeros((0, 2)), "0 sessions"),
        ([0.5, 0.5], np.zeros((80, 2)), "the holdings never moved"),
        ([0.5, 0.5], np.full((80, 2), np.nan), "0 sessions"),
    ],
)
def test_what_can_not_be_had_is_null_and_says_why(weights, history, reason):
    for each in broken(weights, history):
        assert reason in each.volatility.reason_if_null
        assert reason in each.shortfall.reason_if_null
        assert each.mean is None


def test_short_history_has_no_worst_quarter_but_the_rest():
    now, *_, worst = broken([0.5, 0.5], np.tile(SQUARE, (10, 1)))
    assert now.volatility.value is not None
    assert worst.volatility.reason_if_null == (
        "40 sessions have every holding's return; 63 are needed"
    )


def test_a_price_lost_altogether_is_a_move_like_any_other():
    history = np.tile(SQUARE * 0.01, (20, 1))
    history[-1, 0] = -1.0
    assert all(np.isfinite(each.volatility.value) for each in broken([0.5, 0.5], history))
