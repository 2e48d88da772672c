import numpy as np
import pytest
from arch.bootstrap import SPA, StepM

from finstrat.validate.superior import superiority


def series(count, *, good=0, drift=0.001, sessions=500, seed=0):
    rng = np.random.default_rng(seed)
    excess = rng.normal(0, 0.01, (sessions, count)) * rng.uniform(0.5, 2, count)
    excess -= excess.mean(axis=0)
    excess += rng.normal(0, 0.0002, count)
    excess[:, :good] += drift
    return excess


def scale_of(excess, seed):
    """The deviation of each resampled mean, from arch's own draws."""
    from arch.bootstrap import StationaryBootstrap

    drawn = StationaryBootstrap(5, excess, seed=seed).apply(lambda x: x.mean(axis=0), 1000)
    return np.sqrt(np.square(drawn - excess.mean(axis=0)).mean(axis=0))


@pytest.mark.parametrize("good", [0, 3])
def test_p_value_and_selection_are_those_of_arch(good):
    excess = series(12, good=good, drift=0.004)
    found = superiority(excess, seed=7, block_length=5)
    # arch takes losses, and divides nothing by its deviation: that is done beforehand.
    losses = -excess / scale_of(excess, 7)
    reference = SPA(np.zeros(500), losses, block_size=5, reps=1000, seed=7)
    reference.compute()
    assert found.p_value == pytest.approx(reference.pvalues["consistent"], abs=0.002)
    steps = StepM(np.zeros(500), losses, size=0.05, block_size=5, reps=1000, seed=7)
    steps.compute()
    assert np.flatnonzero(found.superior).tolist() == [int(each) for each in steps.superior_models]
    assert len(steps.superior_models) == good


def test_one_good_series_is_found_among_many():
    found = superiority(series(200, good=1, drift=0.004), seed=1)
    assert found.p_value < 0.01
    assert np.flatnonzero(found.superior).tolist() == [0]


def test_the_best_of_many_without_skill_is_no_find():
    rng = np.random.default_rng(4)
    excess = rng.normal(0, 0.01, (1000, 200))
    # On its own the best would pass a one-sided test at 5 %.
    best = (excess.mean(axis=0) / excess.std(axis=0)).max() * np.sqrt(1000)
    assert best > 1.65
    found = superiority(excess, seed=1)
    assert found.p_value > 0.05
    assert not found.superior.any()


def test_p_values_under_no_skill_are_about_uniform():
    values = [
        superiority(np.random.default_rng(s).normal(0, 0.01, (250, 10)), seed=s, draws=200).p_value
        for s in range(60)
    ]
    assert np.mean(np.array(values) < 0.1) < 0.2
    assert 0.3 < np.mean(values) < 0.7


def test_what_is_below_the_benchmark_has_no_case():
    assert superiority(series(3) - 0.01, seed=1).p_value == 1.0


def test_a_series_that_never_moves_is_left_out():
    excess = np.column_stack([np.full(500, 0.001), series(1, good=1, drift=0.005)])
    assert superiority(excess, seed=1).superior.tolist() == [False, True]
    assert superiority(np.zeros((500, 2)), seed=1) is None


def test_few_sessions_say_nothing():
    assert superiority(series(3, sessions=59), seed=1) is None
