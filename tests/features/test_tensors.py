from __future__ import annotations

import numpy as np
import pytest
import torch

from finstrat import features
from finstrat.features import tensors

BIG = (1 << 9, 1 << 9)  # two megabytes: pooled
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def empty_pool(monkeypatch):
    monkeypatch.setattr(tensors, "_pool", [])


def test_memory_is_used_again_once_nobody_holds_it():
    first = tensors.empty(BIG, CPU)
    address = first.data_ptr()
    assert tensors.empty(BIG, CPU).data_ptr() != address
    del first
    again = tensors.empty((BIG[1] * 2, BIG[0] // 2), CPU)
    assert again.data_ptr() == address
    assert len(tensors._pool) == 2


@pytest.mark.parametrize(
    "keep",
    [
        lambda x: x[3:],
        lambda x: x.numpy(),
        lambda x: x.numpy()[::2],
        lambda x: x.t(),
        lambda x: x.detach(),
        lambda x: memoryview(x.numpy()),
    ],
)
def test_memory_that_a_view_still_sees_is_not_used_again(keep):
    x = tensors.empty(BIG, CPU)
    address = x.data_ptr()
    view = keep(x)
    del x
    assert tensors.empty(BIG, CPU).data_ptr() != address
    del view
    assert tensors.empty(BIG, CPU).data_ptr() == address


def test_result_of_an_operation_survives_the_next_ones():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=BIG))
    first = features.rolling_mean(x, 5)
    copy = first.clone()
    for window in range(2, 6):
        features.rolling_mean(-x, window)
    assert torch.equal(first.nan_to_num(), copy.nan_to_num())


def test_idle_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(tensors, "POOL_LIMIT", 5 << 20)
    for rows in range(512, 530):
        tensors.empty((rows, 512), CPU)
    assert sum(held.nbytes for held in tensors._pool) <= 5 << 20


def test_small_results_are_not_pooled():
    tensors.empty((10, 10), CPU)
    assert tensors._pool == []


def test_float64_input_is_not_copied():
    x = torch.ones(4, 3, dtype=torch.float64)
    assert tensors.matrix(x).data_ptr() == x.data_ptr()
    assert tensors.matrix(x[:, :2]).is_contiguous()
    assert tensors.matrix(torch.ones(4, 3, 2)).shape == (4, 6)
    assert tensors.matrix(torch.ones(4)).shape == (4, 1)


def test_input_is_never_written_to(sample):
    before = sample.clone()
    for name in ("rolling_mean", "rolling_std", "rolling_median", "lag", "returns", "ewma"):
        getattr(features, name)(sample, 5)
    features.rank(sample)
    features.neutralize(sample, styles=sample)
    assert torch.equal(sample.nan_to_num(99), before.nan_to_num(99))
