import numpy as np

from finstrat.validate.shifts import circular_shift

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
