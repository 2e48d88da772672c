from __future__ import annotations

import math

import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.errors import DataError

NAN = math.nan


def test_drawdown_is_measured_from_the_peak_so_far():
    prices = torch.tensor([NAN, 10.0, 8.0, NAN, 12.0, 6.0])
    assert_allclose(features.drawdown(prices), [NAN, 0, -0.2, NAN, 0, -0.5])


def test_realized_volatility_is_about_zero():
    found = features.realized_volatility(torch.tensor([0.03, 0.04, -0.03]), 2)
    root = math.sqrt((0.03**2 + 0.04**2) / 2)
    assert_allclose(found, [NAN, root, root], rtol=1e-6)


def test_volatility_is_the_deviation_of_log_returns():
    prices = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64)
    assert features.volatility(prices, 2)[2].item() == pytest.approx(math.log(2) * math.sqrt(2))


def test_range_volatilities_by_hand():
    high, low = torch.tensor([2.0, 4.0]), torch.tensor([1.0, 1.0])
    found = features.parkinson_volatility(high, low, 2)[1].item()
    assert found == pytest.approx(math.sqrt((1 + 4) / 2 * math.log(2) / 4))
    bars = {"open": torch.tensor([1.0]), "high": high[1:], "low": low[1:]}
    found = features.garman_klass_volatility(**bars, close=torch.tensor([2.0]), window=1).item()
    ln2 = math.log(2)
    assert found == pytest.approx(math.sqrt(0.5 * (2 * ln2) ** 2 - (2 * ln2 - 1) * ln2**2))
    with pytest.raises(DataError, match="low: expected"):
        features.parkinson_volatility(high, low[:1], 1)


def test_impossible_bars_are_unknown():
    high, low = torch.tensor([2.0, -1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0])
    assert_array_equal(features.parkinson_volatility(high, low, 1).isnan(), [False, True, True])


def test_illiquidity_and_turnover_by_hand():
    returns = torch.tensor([0.02, -0.01, 0.03])
    traded = torch.tensor([100.0, 50.0, 0.0])
    found = features.amihud_illiquidity(returns, traded, 2, min_periods=1)
    assert_allclose(found, [2e-4, 2e-4, 2e-4], rtol=1e-6)
    turnover = features.share_turnover(
        traded, torch.tensor([1000.0, 0.0, 1000.0]), 2, min_periods=1
    )
    assert_allclose(turnover, [0.1, 0.1, 0.0], rtol=1e-7)
