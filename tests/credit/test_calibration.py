import numpy as np
import pytest
from scipy.special import expit

from finstrat.credit.calibration import Calibration, calibrate
from finstrat.errors import DataError


def test_log_odds_are_found_again():
    rng = np.random.default_rng(0)
    scores = rng.normal(3.0, 2.0, 40_000)
    found = calibrate(scores, rng.random(40_000) < expit(0.7 * scores - 4.0))
    assert found.slope == pytest.approx(0.7, abs=0.03)
    assert found.constant == pytest.approx(-4.0, abs=0.12)


def test_mean_probability_is_the_default_rate():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=2_000)
    defaulted = rng.random(2_000) < expit(scores - 2.0)
    assert calibrate(scores, defaulted).probability(scores).mean() == pytest.approx(
        defaulted.mean(), abs=2e-3
    )


def test_scores_that_part_the_two_give_no_certainty():
    scores = np.array([0.0] * 10 + [1.0] * 10)
    chance = calibrate(scores, scores > 0.5).probability(np.array([0.0, 1.0]))
    # Platt's goals: 1/(10 + 2) and (10 + 1)/(10 + 2).
    assert chance.tolist() == pytest.approx([1 / 12, 11 / 12], abs=1e-4)


def test_unknown_scores_are_left_out_and_stay_unknown():
    scores = np.array([0.0, 1.0, np.nan, 0.2, 0.9])
    bad = np.array([False, True, True, True, False])
    assert calibrate(scores, bad) == calibrate(scores[[0, 1, 3, 4]], bad[[0, 1, 3, 4]])
    assert np.isnan(Calibration(1.0, 0.0).probability(np.array([np.nan]))).all()


def test_outcomes_of_one_sort_are_refused():
    with pytest.raises(DataError, match="got 0 defaults among 3"):
        calibrate(np.arange(3.0), np.zeros(3, dtype=bool))
