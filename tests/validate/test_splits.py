import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finstrat.errors import DataError
from finstrat.validate.splits import combinatorial, forward_folds, forward_stretches, walk_forward

REFITS = np.array([True, False, False, True, False, True])
KNOWN_FROM = np.array([2, 3, 4, 5, 6, 6])


def parts(window):
    return [
        (split.train.tolist(), split.test.tolist())
        for split in walk_forward(REFITS, KNOWN_FROM, window=window)
    ]


def test_each_refit_takes_what_is_known_by_then_and_speaks_until_the_next():
    assert parts(None) == [([], [0, 1, 2]), ([0, 1], [3, 4]), ([0, 1, 2, 3], [5])]


def test_a_window_takes_the_latest_of_it():
    assert parts(2) == [([], [0, 1, 2]), ([0, 1], [3, 4]), ([2, 3], [5])]


@given(
    st.lists(st.booleans(), min_size=1, max_size=60),
    st.integers(1, 9),
    st.none() | st.integers(1, 20),
)
def test_no_label_is_used_before_it_is_known_and_every_session_is_spoken_for_once(
    refits, delay, window
):
    flags = np.array(refits)
    flags[0] = True
    known_from = np.minimum(np.arange(len(flags)) + delay, len(flags))
    splits = list(walk_forward(flags, known_from, window=window))
    assert np.concatenate([split.test for split in splits]).tolist() == list(range(len(flags)))
    for split in splits:
        assert (known_from[split.train] <= split.test[0]).all()
        assert window is None or len(split.train) <= window


def test_folds_follow_time_and_leave_out_what_reaches_into_them():
    session = np.repeat(np.arange(10, 19), 2)
    folds = forward_folds(session, count=2, gap=1)
    assert [(session[a].tolist(), session[b].tolist()) for a, b in folds] == [
        ([10, 10, 11, 11], [13, 13, 14, 14, 15, 15]),
        ([10, 10, 11, 11, 12, 12, 13, 13, 14, 14], [16, 16, 17, 17, 18, 18]),
    ]


def test_stretches_of_rows_follow_time_and_leave_a_gap_before_them():
    times = np.array([50, 10, 40, 20, 30, 60])
    told = [(a.tolist(), b.tolist()) for a, b in forward_stretches(times, count=2, gap=10)]
    # 10 20 | 30 40 | 50 60; 20 lies 10 before 30, 40 lies 10 before 50.
    assert told == [([1], [2, 4]), ([1, 3, 4], [0, 5])]
    assert [len(a) for a, _ in forward_stretches(times, count=2, gap=0)] == [2, 4]


def test_too_few_sessions_make_no_folds():
    assert forward_folds(np.array([1, 1, 2]), count=4, gap=0) == []
    assert forward_folds(np.arange(10), count=4, gap=5) == []


def test_every_path_covers_every_row_once_and_training_keeps_away():
    splits = combinatorial(50, folds=5, purge=2, embargo=1)
    assert len(splits) == 10
    covered = np.zeros((4, 50), dtype=int)
    for split in splits:
        for rows, path in zip(split.tests, split.paths, strict=True):
            covered[path, rows] += 1
            after = split.train[split.train > rows[-1]]
            before = split.train[split.train < rows[0]]
            assert not len(after) or after[0] > rows[-1] + 3
            assert not len(before) or before[-1] < rows[0] - 2
    assert (covered == 1).all()


def test_too_few_rows_for_the_folds_are_refused():
    with pytest.raises(DataError, match="50 sessions in 10 folds are too few"):
        combinatorial(50, folds=10, purge=4, embargo=1)
