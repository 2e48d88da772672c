"""Weights come back as they were stored: zeros exactly, rounded ones within half a step."""

import pytest
import torch

from finstrat.errors import DataError
from finstrat.text.packed import PACKED, load_packed, rounded, save_packed, sparse


def test_a_sparse_tensor_is_smaller_and_comes_back_exactly(tmp_path):
    weight = torch.randn(64, 33, generator=torch.Generator().manual_seed(0))
    weight[weight.abs() < 1] = 0.0
    parts = sparse(weight)
    assert sum(each.numel() * each.element_size() for each in parts.values()) < 4 * weight.numel()
    save_packed({"layer.weight": parts}, tmp_path)
    assert torch.equal(load_packed(tmp_path)["layer.weight"], weight)


def test_a_tensor_without_zeros_is_stored_as_it_is():
    weight = torch.ones(4, 4)
    assert list(sparse(weight)) == [""]


def test_rounding_moves_a_weight_by_half_a_step_at_most(tmp_path):
    weight = torch.tensor([[127.0, 0.4, -0.6], [0.0, 0.0, 0.0]])
    save_packed({"w": rounded(weight)}, tmp_path)
    assert load_packed(tmp_path)["w"].tolist() == [[127.0, 0.0, -1.0], [0.0, 0.0, 0.0]]


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / PACKED).write_bytes(b"none")
    with pytest.raises(DataError, match="compress again"):
        load_packed(tmp_path)
