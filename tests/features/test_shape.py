from __future__ import annotations

import math

import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.errors import DataError

NAN = math.nan
PRICES = torch.tensor([100.0, 110.0, NAN, 99.0, 0.0, 50.0, -2.0])


def test_lag_moves_rows_down():
    assert_array_equal(features.lag(PRICES, 2), [NAN, NAN, 100, 110, NAN, 99, 0])
    assert_array_equal(features.lag(PRICES, 0), PRICES)
    assert features.lag(PRICES, 99).isnan().all()
    with pytest.raises(DataError, match="periods: expected a whole number >= 0, got -1"):
        features.lag(PRICES, -1)


def test_diff_and_returns_need_both_ends():
    assert_array_equal(features.diff(PRICES), [NAN, 10, NAN, NAN, -99, 50, -52])
    expected = [NAN, 0.1, NAN, NAN, -1, NAN, -1.04]
    assert_allclose(features.returns(PRICES), expected, rtol=1e-15)
    logs = [NAN, math.log(1.1), NAN, NAN, NAN, NAN, NAN]
    assert_allclose(features.log_returns(PRICES), logs, rtol=1e-15)
    assert features.returns(PRICES, 50).isnan().all()


def test_small_return_keeps_its_digits():
    x = torch.tensor([1e6, 1e6 + 2**-10], dtype=torch.float64)
    exact = 2**-10 / 1e6
    assert features.returns(x)[1].item() == pytest.approx(exact, rel=1e-15)
    assert features.log_returns(x)[1].item() == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("name", ["lag", "diff", "returns", "log_returns"])
def test_result_lands_in_the_given_buffer(name):
    x = PRICES.double()
    out = torch.empty_like(x)
    assert getattr(features, name)(x, 1, out=out) is out
    assert_array_equal(out, getattr(features, name)(x, 1))
    with pytest.raises(DataError, match="overlaps"):
        getattr(features, name)(x, 1, out=x)


def test_forward_fill_stops_at_its_limit():
    x = torch.tensor([[NAN, 1.0], [2.0, NAN], [NAN, NAN], [NAN, NAN], [NAN, 5.0]])
    assert_array_equal(features.forward_fill(x)[:, 1], [1, 1, 1, 1, 5])
    assert_array_equal(features.forward_fill(x, 2)[:, 0], [NAN, 2, 2, 2, NAN])
    assert_array_equal(features.forward_fill(x, 1)[:, 1], [1, 1, NAN, NAN, 5])
    assert features.forward_fill(x[:0]).shape == (0, 2)


def test_align_moves_rows_and_columns():
    x = torch.arange(6.0).view(3, 2)
    rows, columns = torch.tensor([2, -1, 0, 2]), torch.tensor([1, -1])
    expected = [[5, NAN], [NAN, NAN], [1, NAN], [5, NAN]]
    assert_array_equal(features.align(x, rows=rows, columns=columns), expected)
    with pytest.raises(DataError, match="rows: expected positions from -1 to 2"):
        features.align(x, rows=torch.tensor([3]))
    with pytest.raises(DataError, match="columns: expected int64"):
        features.align(x, columns=torch.tensor([0.5]))


def test_stack_puts_features_last():
    x = torch.arange(6.0).view(3, 2)
    stacked = features.stack([x, -x])
    assert stacked.shape == (3, 2, 2)
    assert_array_equal(stacked[..., 1], -x)
    with pytest.raises(DataError, match="feature: expected"):
        features.stack([x, x[:2]])
    with pytest.raises(DataError, match="at least one"):
        features.stack([])


def test_mask_hides_who_does_not_belong():
    x = torch.arange(4.0).view(2, 2)
    members = torch.tensor([[True, False], [True, True]])
    assert_array_equal(features.mask(x, members), [[0, NAN], [2, 3]])
    assert_array_equal(features.mask(features.stack([x, x]), members)[0, 1], [NAN, NAN])
    with pytest.raises(DataError, match="members: expected bool"):
        features.mask(x, members.double())
