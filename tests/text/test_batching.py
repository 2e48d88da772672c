"""Packs and exact-length batches: everything once, and one shape whatever the company."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finstrat.text.batching import exact_length_batches, packs

LENGTHS = st.lists(st.integers(0, 64), max_size=80)


def test_longest_text_comes_first_then_the_longest_that_fits():
    first, second = packs([3, 5, 2, 4], 8)
    assert first.rows.tolist() == [1, 0]
    assert first.starts.tolist() == [0, 5]
    assert second.rows.tolist() == [3, 2]
    assert second.lengths.tolist() == [4, 2]


@given(LENGTHS)
def test_packs_cover_every_text_with_tokens_once_and_never_overflow(lengths):
    found = list(packs(lengths, 64))
    rows = [row for pack in found for row in pack.rows.tolist()]
    assert sorted(rows) == [row for row, length in enumerate(lengths) if length]
    for pack in found:
        assert pack.lengths.tolist() == [lengths[row] for row in pack.rows]
        assert pack.starts.tolist() == [0, *np.cumsum(pack.lengths)[:-1]]
        assert pack.lengths.sum() <= 64


def test_text_longer_than_a_pack_is_refused():
    with pytest.raises(ValueError, match="at most 8 tokens, got one of 9"):
        list(packs([9], 8))


@given(LENGTHS)
def test_batches_have_one_height_a_length_and_cover_every_text_once(lengths):
    found = list(exact_length_batches(lengths, 64))
    rows = [row for batch in found for row in batch.rows.tolist()]
    assert sorted(rows) == [row for row, length in enumerate(lengths) if length]
    for batch in found:
        assert {lengths[row] for row in batch.rows} == {batch.length}
        assert len(batch.rows) <= batch.height == max(1, 64 // batch.length)
