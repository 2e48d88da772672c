import torch
from finstrat_strategies.selection import best, tells_nothing


def test_ties_break_by_asset_id_whatever_the_column_order():
    signal = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    known = torch.ones_like(signal, dtype=torch.bool)
    assert best(signal, known, k=2, assets=["C", "B", "A", "D"]).tolist() == [
        [False, True, True, False]
    ]


def test_unknown_is_never_chosen():
    signal = torch.tensor([[3.0, torch.nan, 1.0]], dtype=torch.float64)
    assert best(signal, ~signal.isnan(), k=3, assets=["A", "B", "C"]).tolist() == [
        [True, False, True]
    ]


def test_row_of_equals_tells_nothing_and_so_does_an_empty_one():
    signal = torch.tensor([[1.0, 1.0], [1.0, 2.0], [torch.nan, torch.nan]])
    assert tells_nothing(signal, ~signal.isnan()).tolist() == [True, False, True]
