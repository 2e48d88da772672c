"""Measures of stated numbers against labels, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from finstrat.models.evaluate_values import POINTS, compare_values, evaluate_values, measures
from finstrat.models.value_heads import figures

RNG = np.random.default_rng(5)
TRUTH = RNG.integers(-3, 4, 200) / 2  # with ties
SAID = 0.5 * TRUTH + RNG.normal(0, 0.6, 200)


def test_measures_by_hand():
    # Errors 0, -1, 2; the labels are 1, 1, 0 from their mean; ranks 1 2 3 against 1 3 2.
    found = measures(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]))
    assert found["rmse"] == pytest.approx(np.sqrt(5 / 3))
    assert found["mae"] == pytest.approx(1.0)
    assert found["bias"] == pytest.approx(1 / 3)
    assert found["explained"] == pytest.approx(1 - 5 / 2)
    assert found["spearman"] == pytest.approx(0.5)


def test_measures_are_those_of_a_heads_card_and_scikit_learns():
    found = measures(SAID, TRUTH)
    assert {name: found[name] for name in ("rmse", "mae", "spearman")} == pytest.approx(
        figures(SAID, TRUTH)
    )
    assert found["explained"] == pytest.approx(r2_score(TRUTH, SAID))


def test_intervals_hold_their_value_and_are_as_wide_as_theory_says():
    found = dict(evaluate_values(SAID, TRUTH).figures)
    assert all(each.ci[0] < each.value < each.ci[1] for each in found.values())
    bias = found["Mean error"]
    width = 2 * 1.645 * (SAID - TRUTH).std() / np.sqrt(200)
    assert bias.ci[1] - bias.ci[0] == pytest.approx(width, rel=0.15)


def test_what_does_not_vary_has_no_rank_correlation_and_says_why():
    found = dict(evaluate_values(np.full(30, 0.5), TRUTH[:30]).figures)
    assert found["Rank correlation"].value is None
    assert "every number stated" in found["Rank correlation"].reason_if_null
    assert found["Root mean squared error"].value is not None


def test_text_without_a_number_counts_in_no_figure():
    found = evaluate_values(np.array([1.0, np.nan, 3.0]), np.array([1.0, 9.0, 2.0]))
    assert found.unknown == 1
    assert dict(found.figures)["Mean absolute error"].value == pytest.approx(0.5)
    nothing = evaluate_values(np.full(3, np.nan), np.arange(3.0))
    assert nothing.figures[0][1].reason_if_null == "no text has a number"


def test_slices_are_measured_apart_and_small_ones_are_null():
    part = np.array(["a"] * 150 + ["b"] * 40 + ["c"] * 10, dtype=object)
    found = evaluate_values(SAID, TRUTH, slices={"source": list(part)}).slices["source"]
    error = dict(found["b"])["Root mean squared error"]
    assert error.value == pytest.approx(measures(SAID[150:190], TRUTH[150:190])["rmse"])
    assert error.n == 40
    assert "10 texts are too few" in found["c"][0][1].reason_if_null


def test_tenths_hold_texts_of_like_numbers_and_equal_numbers_stay_together():
    said = np.arange(20.0)
    found = evaluate_values(said, said + 1).groups
    assert [n for n, _, _ in found] == [2] * 10
    assert found[0] == (2, 0.5, 1.5)
    same = evaluate_values(np.repeat([1.0, 2.0], 10), np.arange(20.0)).groups
    assert same == ((10, 1.0, 4.5), (10, 2.0, 14.5))


def test_points_are_drawn_where_there_are_many():
    many = np.arange(POINTS + 500.0)
    points = evaluate_values(many, many).points
    assert len(points) == POINTS
    assert (points[:, 0] == points[:, 1]).all()


def test_comparison_by_hand_is_of_squared_errors_on_texts_that_both_state():
    truth = np.array([0.0, 0.0, 0.0, 5.0])
    first = np.array([0.0, 1.0, 2.0, 5.0])  # squares 0, 1, 4
    second = np.array([1.0, -1.0, 1.0, np.nan])  # squares 1, 1, 1
    found = compare_values(first, second, truth, seed=0)
    assert (found.n, found.nearer_first, found.nearer_second) == (3, 1, 1)
    assert found.difference.value == pytest.approx(5 / 3 - 1)


def test_comparison_is_paired():
    # Large errors that both share leave no doubt about which is better by a little.
    noise = RNG.normal(0, 10, 200)
    found = compare_values(TRUTH + noise, TRUTH + 1.01 * noise, TRUTH, seed=0)
    assert found.difference.ci[1] < 0
    same = compare_values(SAID, SAID, TRUTH, seed=0)
    assert same.difference.ci == (0.0, 0.0)
