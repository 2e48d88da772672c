import itertools

import numpy as np
import pytest

from finstrat.validate.overfitting import overfitting


def test_what_is_best_throughout_is_never_overfitted():
    swing = np.tile([0.01, -0.01], 16)
    returns = np.column_stack([swing + 0.003, swing + 0.001, swing - 0.001])
    found = overfitting(returns, blocks=4)
    assert (found.probability, found.loss, found.ways) == (0.0, 0.0, 6)
    assert found.inside == pytest.approx(found.outside)


def test_what_is_good_in_turns_is_always_overfitted():
    # Two stretches, two configurations, each good in one of them: the best of the one half is the
    # worse of the other, rank 1 of 2, and loses there.
    swing = np.tile([0.01, -0.01], 4)
    turns = np.repeat([0.005, -0.005], 4)
    found = overfitting(np.column_stack([swing + turns, swing - turns]), blocks=2)
    assert (found.probability, found.loss, found.ways) == (1.0, 1.0, 2)
    # Mean 0.005, sample variance 4/3 · 0.01².
    assert found.inside == pytest.approx(0.005 / (0.01 * np.sqrt(4 / 3)))
    assert found.outside == pytest.approx(-found.inside)


def test_it_is_what_the_definition_says_one_way_at_a_time():
    rng = np.random.default_rng(3)
    returns = rng.normal(0.0002, 0.01, (61, 7))
    blocks = np.array_split(np.arange(61), 6)
    below = lost = 0
    for half in itertools.combinations(range(6), 3):
        rows = np.concatenate([blocks[b] for b in half])
        rest = np.setdiff1d(np.arange(61), rows)
        here, there = (r.mean(0) / r.std(0, ddof=1) for r in (returns[rows], returns[rest]))
        best = here.argmax()
        omega = ((there < there[best]).sum() + 1) / (7 + 1)
        below += np.log(omega / (1 - omega)) <= 1e-12
        lost += there[best] < 0
    found = overfitting(returns, blocks=6)
    assert found.ways == 20
    assert (found.probability, found.loss) == (below / 20, lost / 20)


def test_noise_is_overfitted_about_half_of_the_time():
    rng = np.random.default_rng(11)
    found = [overfitting(rng.normal(0, 0.01, (320, 20)), blocks=8).probability for _ in range(40)]
    assert 0.4 < np.mean(found) < 0.6


def test_equals_share_their_rank_and_what_never_moves_has_ratio_zero():
    swing = np.tile([0.01, -0.01], 8)
    same = overfitting(np.column_stack([swing] * 3), blocks=4)
    # All are the median.
    assert same.probability == 1.0
    idle = overfitting(np.column_stack([np.zeros(16), swing - 0.001]), blocks=4)
    assert (idle.probability, idle.loss) == (0.0, 0.0)


@pytest.mark.parametrize("shape", [(100, 1), (31, 5)])
def test_too_little_says_nothing(shape):
    assert overfitting(np.random.default_rng(0).normal(size=shape), blocks=16) is None
