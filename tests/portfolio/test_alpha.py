import numpy as np
import pytest
from numpy.testing import assert_allclose

from finstrat.portfolio.alpha import (
    LEAST,
    expected,
    information_coefficients,
    residual_volatility,
    skill,
    z_scores,
)

NAN = np.nan


def test_expected_returns_are_grinolds():
    alpha = np.array([1.0, 2.0, 3.0])
    z = np.sqrt(1.5) * np.array([-1, 0, 1])
    assert_allclose(z_scores(alpha), z)
    assert_allclose(expected(alpha, np.array([0.1, 0.2, 0.3]), ic=0.05), 0.05 * z * [0.1, 0.2, 0.3])
    assert (z_scores(np.full(3, 0.1)) == 0).all()


def test_a_label_runs_from_fill_to_fill_and_is_known_with_the_last():
    alpha = np.tile([1.0, 2.0, 3.0], (7, 1))
    fills = np.full((7, 3), 10.0)
    # Decided in 0 and filled in 1; decided again in 3 and filled in 4.
    fills[4:] = [10, 11, 12]
    fills[[0, 2, 3]] = [99, 1, 50]
    coefficients, known = information_coefficients(alpha, fills, np.array([0, 3, 5]))
    assert_allclose(coefficients[0], 1.0)
    assert known.tolist() == [4, 6]
    # The last decision has no label, and neither has one whose next fill isn't there.
    assert information_coefficients(alpha, fills, np.array([0, 6]))[0].size == 0


def test_assets_without_a_score_or_a_label_are_left_out():
    alpha = np.tile([1.0, 2.0, 3.0, NAN, 0.0], (4, 1))
    fills = np.array([[10.0] * 5, [10.0] * 5, [12, 11, 10, 99, NAN], [1.0] * 5])
    coefficients, _ = information_coefficients(alpha, fills, np.array([0, 1, 2]))
    assert_allclose(coefficients, [-1.0, coefficients[1]])
    alpha[:, 2] = NAN
    assert information_coefficients(alpha, fills, np.array([0, 1]))[0].size == 0


def test_skill_is_the_mean_with_a_t_statistic_and_its_confidence():
    assert skill(np.full(LEAST - 1, 0.1)) is None
    values = np.random.default_rng(0).normal(0.05, 0.1, 400)
    shown = skill(values)
    assert shown.ic == values.mean()
    # Independent values: about the usual t.
    assert shown.t == pytest.approx(values.mean() / (values.std() / 20), rel=0.15)
    assert_allclose(shown.confidence, shown.t**2 / (1 + shown.t**2))
    # Values that come in runs of ten tell less than their number says.
    assert skill(np.repeat(values, 10)).t < 0.6 * values.mean() / (values.std() / np.sqrt(4000))


def test_what_the_average_asset_explains_is_no_residual():
    rng = np.random.default_rng(0)
    market = rng.normal(0, 0.01, 5000)
    own = rng.normal(0, [0.01, 0.02, 0.005] * 100, (5000, 300))
    beta = np.linspace(0.5, 1.5, 300)
    returns = market[:, None] * beta + own
    assert_allclose(residual_volatility(returns), [0.01, 0.02, 0.005] * 100, rtol=0.08)
