"""Attention inside each text of a matrix, against the formula written out."""

import numpy as np
import pytest
import torch

from finstrat.text.attention import attend
from finstrat.text.attention_kernel import LONGEST

HEADS, SIZE = 3, 16
WIDTH = HEADS * SIZE


def by_formula(qkv, start, length):
    q, k, v = qkv[start : start + length].double().view(length, 3, HEADS, SIZE).permute(1, 2, 0, 3)
    weights = torch.softmax(q @ k.transpose(1, 2) / SIZE**0.5, dim=-1)
    return (weights @ v).transpose(0, 1).reshape(length, WIDTH)


def numbers(rows, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(rows, 3 * WIDTH, generator=generator)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 15, 16, 17, 33, LONGEST, LONGEST + 1, 120])
def test_each_text_attends_to_itself_as_the_formula_says(dtype, length):
    lengths = np.array([length, 5])
    starts = np.array([2, 2 + length])
    qkv = numbers(length + 9, dtype)
    out = attend(qkv, starts, lengths, heads=HEADS)
    tolerance = 2e-2 if dtype == torch.bfloat16 else 1e-5
    for start, count in zip(starts, lengths, strict=True):
        torch.testing.assert_close(
            out[start : start + count].double(),
            by_formula(qkv, start, count),
            rtol=tolerance,
            atol=tolerance,
        )
    assert (out[:2] == 0).all()
    assert (out[2 + length + 5 :] == 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("seed", range(10))
def test_what_a_text_gets_depends_on_neither_its_place_nor_its_neighbours(dtype, seed):
    rng = np.random.default_rng(seed)
    length = int(rng.integers(1, 70))
    text = numbers(length, dtype, seed)
    alone = attend(text, np.array([0]), np.array([length]), heads=HEADS)
    lengths = rng.integers(1, 70, 8)
    place = int(rng.integers(0, 8))
    lengths[place] = length
    starts = np.cumsum(lengths) - lengths
    together = numbers(int(lengths.sum()), dtype, seed + 100)
    together[starts[place] : starts[place] + length] = text
    out = attend(together, starts, lengths, heads=HEADS)
    assert torch.equal(out[starts[place] : starts[place] + length], alone)


def test_scores_of_any_size_give_finite_weights():
    qkv = numbers(12, torch.bfloat16)
    qkv[:, : 2 * WIDTH] *= 1000
    out = attend(qkv, np.array([0]), np.array([12]), heads=HEADS)
    torch.testing.assert_close(out.double(), by_formula(qkv, 0, 12), rtol=2e-2, atol=2e-2)
