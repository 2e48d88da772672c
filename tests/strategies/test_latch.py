import pytest
import torch
from finstrat_strategies.latch import changed, latched


def mask(*values):
    return torch.tensor(values, dtype=torch.bool)


def test_on_lasts_until_off_and_off_wins():
    on = mask(0, 1, 0, 0, 1, 1, 0)
    off = mask(0, 0, 0, 1, 0, 1, 0)
    assert latched(on, off).tolist() == [False, True, True, False, True, False, False]


def test_columns_are_latched_apart():
    on, off = mask([1, 0], [0, 1], [0, 0]), mask([0, 0], [1, 0], [0, 0])
    assert latched(on, off).tolist() == [[True, False], [False, True], [False, True]]


def test_the_first_traded_session_counts_as_a_change():
    state = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    assert changed(state, first=1).tolist() == [False, True, False, True]


@pytest.mark.parametrize("shape", [(1,), (1, 3), (1, 0)])
def test_one_session_changes_at_the_first(shape):
    assert changed(torch.zeros(shape, dtype=torch.bool), first=0).tolist() == [True]
