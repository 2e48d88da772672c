"""What a family of trials says of one of them."""

import numpy as np
import pytest
from scipy.stats import norm

from finstrat.validate.family import among_its_family, minimum_length


def returns(count, *, sessions=500, mean=0.0, seed=0):
    return np.random.default_rng(seed).normal(mean, 0.01, (count, sessions))


def found(own, rivals, trials=10):
    made = among_its_family(own, list(rivals), trials=trials, periods_per_year=252, seed=1)
    return made.told, dict(made.figures)


def test_noise_is_not_superior_and_choosing_among_it_is_chance():
    own, *rivals = returns(12)
    told, figures = found(own, rivals)
    assert figures["Probability of overfitting"].value > 0.2
    assert figures["p-value of the best of the family"].value > 0.05
    assert "this run isn't among the 0 that are superior" in told


def test_one_that_knows_among_noise_is_superior():
    own = returns(1, mean=0.003, seed=5)[0]
    told, figures = found(own, returns(11, seed=6))
    assert figures["p-value of the best of the family"].value < 0.01
    assert figures["Probability of overfitting"].value < 0.05
    assert "this run is among the 1 that are superior" in told


def test_few_trials_or_other_lengths_give_nulls_with_the_reason():
    own = returns(1)[0]
    told, figures = found(own, [*returns(3), *returns(9, sessions=400)])
    assert told == ""
    assert figures["Probability of overfitting"].value is None
    assert "trials of 500 sessions: 4;" in figures["Probability of overfitting"].reason_if_null


def test_minimum_length_by_hand():
    own = np.tile([0.02, -0.018], 250)
    yearly = own.mean() / own.std(ddof=1) * np.sqrt(252)
    n, gamma = 45, 0.5772156649015329
    highest = (1 - gamma) * norm.ppf(1 - 1 / n) + gamma * norm.ppf(1 - 1 / (n * np.e))
    figure = minimum_length(own, n, 252)
    assert figure.value == pytest.approx((highest / yearly) ** 2 * 252)


def test_losing_run_or_single_trial_has_no_minimum_length():
    own = returns(1, mean=0.003)[0]
    assert "best of one" in minimum_length(own, 1, 252).reason_if_null
    assert "isn't above 0" in minimum_length(-own, 5, 252).reason_if_null
