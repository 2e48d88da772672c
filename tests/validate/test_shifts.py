import numpy as np
import pytest

from finstrat.validate.shifts import circular_shift, different_swaps, swaps

GROUPS = np.array([0, 1, 0, 1, 0, 2, 1, 0])


def test_texts_move_in_a_circle_within_their_group():
    for seed in range(20):
        order = circular_shift(GROUPS, np.random.default_rng(seed))
        assert (GROUPS[order] == GROUPS).all()
        for group, size in ((0, 4), (1, 3)):
            places = np.flatnonzero(group == GROUPS)
            moved = np.searchsorted(places, order[places])
            steps = (moved - np.arange(size)) % size
            assert len(set(steps)) == 1
            assert steps[0] != 0


def test_a_text_alone_stays():
    assert circular_shift(GROUPS, np.random.default_rng(0))[5] == 5


def test_every_shift_is_equally_likely():
    rng = np.random.default_rng(0)
    firsts = [circular_shift(np.zeros(4, dtype=np.int64), rng)[0] for _ in range(3_000)]
    counts = np.bincount(firsts, minlength=4)
    assert counts[0] == 0
    assert (np.abs(counts[1:] - 1_000) < 120).all()


@pytest.mark.parametrize(("groups", "different"), [(2, 1), (3, 2), (4, 9), (5, 44), (6, 265)])
def test_swaps_of_few_groups_are_each_drawn_once(groups, different):
    drawn = swaps(groups, 1000, np.random.default_rng(0))
    assert len(drawn) == different == different_swaps(groups)
    assert len(np.unique(drawn, axis=0)) == different
    assert (drawn != np.arange(groups)).all()
    assert (np.sort(drawn, axis=1) == np.arange(groups)).all()


def test_swaps_of_many_groups_leave_none_with_its_own_and_are_equally_likely():
    drawn = swaps(7, 6_000, np.random.default_rng(0))
    assert (drawn != np.arange(7)).all()
    shares = np.bincount(drawn[:, 0], minlength=7) / len(drawn)
    np.testing.assert_allclose(shares[1:], 1 / 6, atol=0.02)
