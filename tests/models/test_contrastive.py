"""The contrastive loss and what judges it, by hand."""

import math

import pytest
import torch

from finstrat.models.contrastive import alignment, mean_pooled, twin_loss, uniformity

AXES = torch.eye(2)


def test_twins_that_are_themselves_among_right_angles():
    expected = -math.log(math.exp(2) / (math.exp(2) + 1))
    assert float(twin_loss(AXES, AXES, temperature=0.5)) == pytest.approx(expected)


def test_alignment_is_the_mean_squared_distance():
    assert alignment(AXES, AXES) == 0
    assert alignment(AXES, AXES.flip(0)) == pytest.approx(2)


def test_uniformity_of_two_right_angles_and_of_one_point():
    assert uniformity(AXES) == pytest.approx(-4)  # log exp(-2 * 2)
    assert uniformity(torch.ones(3, 2)) == 0


def test_the_mean_is_over_a_rows_own_tokens():
    states = torch.tensor([[[3.0, 4.0], [100.0, 0.0]]])
    found = mean_pooled(states, torch.tensor([[1, 0]]))
    assert found[0].tolist() == pytest.approx([0.6, 0.8])
