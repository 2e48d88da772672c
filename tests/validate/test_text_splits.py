"""Parts have their shares, keep groups whole, and never look back in time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finstrat.errors import ConfigError, DataError
from finstrat.validate.text_splits import Shares, by_time, grouped, leaking, stratified

HALF = Shares(0.5, 0.25, 0.25)


def test_every_part_has_each_label_in_its_share():
    labels = ["up"] * 40 + ["down"] * 20
    part = stratified(labels, np.arange(60), HALF, seed=1)
    counts = [np.bincount(part[np.array(labels) == name]).tolist() for name in ("up", "down")]
    assert counts == [[20, 10, 10], [10, 5, 5]]


def test_a_group_of_near_copies_stays_together():
    groups = np.repeat(np.arange(20), 3)
    part = stratified(["a"] * 60, groups, HALF, seed=0)
    assert all(len(set(part[groups == group])) == 1 for group in range(20))
    assert np.bincount(part).tolist() == [30, 15, 15]


def test_another_seed_is_another_split_and_the_same_seed_the_same():
    labels, groups = ["a", "b"] * 50, np.arange(100)
    first, again, other = (stratified(labels, groups, HALF, seed=seed) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_an_asset_lies_in_one_part():
    assets = np.repeat(["A", "B", "C", "D", "E", "F"], [50, 20, 10, 10, 5, 5])
    part = grouped(assets, HALF, seed=0)
    assert all(len(set(part[assets == name])) == 1 for name in set(assets))
    assert np.bincount(part).tolist() == [50, 25, 25]


def test_time_moves_forward_and_one_moment_is_never_divided():
    part = by_time(np.array([9, 1, 2, 2, 2, 3, 4, 5]), HALF)
    #   sorted 1 2 2 2 | 3 4 | 5 9: half of 8 ends with the third 2
    assert part.tolist() == [2, 0, 0, 0, 0, 1, 1, 2]


def test_texts_of_one_moment_cannot_be_split_by_time():
    with pytest.raises(DataError, match="one moment"):
        by_time(np.array([5, 5]), HALF)


def test_a_copy_of_an_earlier_part_leaks():
    part = np.array([0, 1, 2, 1, 2])
    groups = np.array([7, 7, 7, 3, 3])
    assert leaking(part, groups).tolist() == [False, True, True, False, True]


@pytest.mark.parametrize("given", [(0.5, 0.5, 0.5), (0.0, 0.5, 0.5), (1.2, -0.1, -0.1)])
def test_shares_that_are_none_are_refused(given):
    with pytest.raises(ConfigError, match="shares"):
        Shares(*given)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=3, max_size=60))
def test_no_part_holds_anything_older_than_the_part_before(moments):
    given = np.array(moments)
    if len(set(moments)) == 1:
        return
    part = by_time(given, Shares())
    for number in (1, 2):
        if (part == number).any():
            assert given[part == number].min() > given[part < number].max()
