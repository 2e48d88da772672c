import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import beta

from finstrat.risk import credit


def floats(*values):
    return np.array(values, dtype=float)


def outcomes(*values):
    return np.array(values, dtype=bool)


CHANCE, BAD = floats(0.1, 0.2, 0.4, 0.4), outcomes(0, 1, 0, 1)


def test_auc_counts_pairs_and_half_of_ties_by_hand():
    # Pairs (default, paid): .2>.1, .2<.4, .4>.1, .4=.4: 1 + 0 + 1 + ½ of 4.
    assert credit.roc_auc(CHANCE, BAD) == 0.625
    assert credit.gini(CHANCE, BAD) == 0.25


def test_pr_auc_by_hand():
    # At .4: 1 of 2 is a default, half of the defaults found; at .2: 2 of 3, all found.
    assert credit.pr_auc(CHANCE, BAD) == pytest.approx(0.5 * 0.5 + 0.5 * 2 / 3)


def test_brier_and_kolmogorov_smirnov_by_hand():
    assert credit.brier(CHANCE, BAD) == pytest.approx((0.01 + 0.64 + 0.16 + 0.36) / 4)
    # Turning away all from .2 on finds both defaults and one of two who paid.
    assert credit.kolmogorov_smirnov(CHANCE, BAD) == 0.5


@settings(max_examples=25, deadline=None)
@given(st.floats(0.4, 2.5), st.integers(0, 99))
def test_slope_is_the_factor_by_which_log_odds_are_off(factor, seed):
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1.0, 1.0, 20_000)
    bad = rng.random(20_000) < expit(odds)
    found = credit.calibration_slope(expit(odds / factor), bad)
    assert found == pytest.approx(factor * credit.calibration_slope(expit(odds), bad), rel=1e-6)
    assert found == pytest.approx(factor, rel=0.12)


def test_slope_without_a_finite_answer_is_unknown():
    assert np.isnan(credit.calibration_slope(floats(0.1, 0.2, 0.8), outcomes(0, 0, 1)))
    assert np.isnan(credit.calibration_slope(floats(0.3, 0.3, 0.3), outcomes(0, 0, 1)))


def test_jeffreys_interval_by_its_definition_and_closed_at_the_ends():
    figure = credit.default_rate(outcomes(*[1] * 3 + [0] * 17))
    assert figure.value == 0.15
    assert figure.ci == pytest.approx(tuple(beta.ppf([0.05, 0.95], 3.5, 17.5)))
    assert credit.default_rate(outcomes(0, 0)).ci[0] == 0.0
    assert credit.default_rate(outcomes(1, 1)).ci[1] == 1.0
    assert credit.default_rate(outcomes()).value is None


def test_bands_are_told_apart_and_an_empty_one_stays():
    first, second = credit.by_band(CHANCE, BAD, ["1", "1", "3", "3"], ["1", "2"])
    assert (first.count, first.expected, first.observed.value) == (2, pytest.approx(0.15), 0.5)
    assert (second.count, second.expected, second.observed.value) == (0, None, None)


def test_stability_by_hand():
    base = np.arange(1.0, 11.0)
    assert credit.population_stability(base, base).value == pytest.approx(0.0)
    # All in the last bin: nine empty ones count half a row of ten, 0.05 against 0.1.
    moved = credit.population_stability(base, np.full(10, 99.0)).value
    assert moved == pytest.approx(9 * 0.05 * np.log(2) + 0.9 * np.log(10))
    assert credit.population_stability(base, np.array([np.nan])).value is None


def test_intervals_hold_the_value_and_widen_where_rows_go_together():
    rng = np.random.default_rng(0)
    odds = np.repeat(rng.normal(-1.0, 1.0, 100), 8)
    bad = np.repeat(rng.random(100) < expit(odds[::8]), 8)
    alone = credit.credit_figures(expit(odds), bad, list(range(800)), seed=0)
    grouped = credit.credit_figures(expit(odds), bad, list(np.repeat(range(100), 8)), seed=0)
    for name, figure in alone.items():
        low, high = figure.ci
        assert low <= figure.value <= high, name
        assert grouped[name].ci[1] - grouped[name].ci[0] > 1.5 * (high - low), name


def test_same_seed_gives_the_same_figures_and_unknown_rows_are_left_out():
    chance = np.append(np.tile(CHANCE, 20), np.nan)
    bad = np.append(np.tile(BAD, 20), True)
    names = list(range(81))
    found = credit.credit_figures(chance, bad, names, seed=3)
    assert found == credit.credit_figures(chance[:-1], bad[:-1], names[:-1], seed=3)


@pytest.mark.parametrize("bad", [outcomes(0, 0, 0, 0), outcomes(1, 1, 1, 1)])
def test_outcomes_of_one_sort_give_nulls_with_the_reason(bad):
    found = credit.credit_figures(CHANCE, bad, pd.Series(range(4)).tolist(), seed=0)
    assert all(figure.value is None for figure in found.values())
    assert all("both sorts are needed" in figure.reason_if_null for figure in found.values())
