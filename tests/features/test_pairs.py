"""Two-series windows against the definition, pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.errors import DataError


def products(x, y):
    dx = np.zeros_like(x) if x.max() == x.min() else x - math.fsum(x) / len(x)
    dy = np.zeros_like(y) if y.max() == y.min() else y - math.fsum(y) / len(y)
    return dx, dy


def cov(x, y, both):
    dx, dy = products(x, y)
    return (dx * dy).sum() / (len(x) - 1)


def corr(x, y, both):
    dx, dy = products(x, y)
    size = math.sqrt((dx**2).sum()) * math.sqrt((dy**2).sum())
    return (dx * dy).sum() / size if size > 0 else math.nan


def beta(x, y, both):
    dx, dy = products(x, y)
    return (dx * dy).sum() / (dy**2).sum() if (dy**2).sum() > 0 else math.nan


def residual(x, y, both):
    dx, dy = products(x, y)
    return dx[-1] - beta(x, y, both) * dy[-1] if both[-1] else math.nan


DEFINITIONS = {
    "rolling_cov": cov,
    "rolling_corr": corr,
    "rolling_beta": beta,
    "rolling_residual": residual,
}


def brute_force(definition, x, y, *, window, least):
    out = np.full(x.shape, math.nan)
    for t in range(x.shape[0]):
        for n in range(x.shape[1]):
            rows = slice(max(0, t - window + 1), t + 1)
            v, w = x[rows, n], y[rows, n]
            both = ~np.isnan(v) & ~np.isnan(w)
            if both.sum() >= max(2, least):
                out[t, n] = definition(v[both], w[both], both)
    return out


@pytest.fixture
def other(sample) -> torch.Tensor:
    rng = np.random.default_rng(8)
    y = rng.normal(size=sample.shape)
    y[rng.random(y.shape) < 0.1] = math.nan
    y[10:25, 0] = 3.3
    return torch.from_numpy(y)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("windows", [(6, 6), (6, 2), (59, 20), (90, 3)])
def test_every_window_equals_its_definition(name, windows, sample, other, path):
    window, least = windows
    found = getattr(features, name)(sample, other, window, min_periods=least)
    expected = brute_force(
        DEFINITIONS[name], sample.numpy(), other.numpy(), window=window, least=least
    )
    assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_one_market_serves_every_asset(name, sample, other, path):
    market = other[:, 1]
    found = getattr(features, name)(sample, market, 6, min_periods=3)
    each = market.unsqueeze(1).expand_as(sample)
    expected = getattr(features, name)(sample, each, 6, min_periods=3)
    assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_future_never_changes_the_past(name, sample, other, path):
    operation = getattr(features, name)
    whole = operation(sample, other, 6, min_periods=3)
    poisoned, spoilt = sample.clone(), other.clone()
    poisoned[40:], spoilt[41:] = math.inf, 1e300
    found = operation(poisoned, spoilt, 6, min_periods=3)[:40]
    assert_allclose(found, whole[:40], rtol=0 if path == "compiled" else 1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [*DEFINITIONS, "rolling_slope", "rolling_r2"])
@pytest.mark.parametrize("spoilt", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("single", [True, False])
def test_past_is_the_same_to_the_last_bit_whatever_comes_later(name, spoilt, single):
    """Blocks of known values take another way through the kernel than those with gaps."""
    rng = np.random.default_rng(10)
    x, y = (torch.from_numpy(v) for v in 100 + rng.normal(size=(2, 40, 5)))
    others = () if name in {"rolling_slope", "rolling_r2"} else (y[:, 0] if single else y,)
    whole = getattr(features, name)(x, *others, 6, min_periods=3)
    for row in range(24, 31):
        poisoned = x.clone()
        poisoned[row, 2] = spoilt
        found = getattr(features, name)(poisoned, *others, 6, min_periods=3)
        assert_array_equal(found[:row], whole[:row])
        assert_array_equal(found[:, 3:], whole[:, 3:])
        if others:
            later = y.clone()
            later[row] = spoilt
            later = later[:, 0] if single else later
            found = getattr(features, name)(x, later, 6, min_periods=3)
            assert_array_equal(found[:row], whole[:row])
            assert_allclose(found[row + 6 :], whole[row + 6 :], rtol=1e-10)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_outlier_leaves_no_trace_once_it_is_out_of_the_window(name, path):
    x, y = torch.from_numpy(np.random.default_rng(5).normal(size=(2, 60, 1)))
    x[21] = math.nan
    clean = getattr(features, name)(x, y, 7, min_periods=4)
    x[20] = 1e13
    found = getattr(features, name)(x, y, 7, min_periods=4)
    assert_allclose(found[27:], clean[27:], rtol=1e-10)


def test_slope_and_fit_of_a_straight_line(path):
    x = torch.tensor([[5.0, 1.0], [7.0, math.nan], [9.0, 2.0], [11.0, 2.5], [13.0, 3.0]])
    slope = features.rolling_slope(x, 3, min_periods=2)
    assert_allclose(slope[:, 0], [math.nan, 2, 2, 2, 2], rtol=1e-14)
    assert_allclose(slope[:, 1], [math.nan, math.nan, 0.5, 0.5, 0.5], rtol=1e-14)
    assert_allclose(features.rolling_r2(x, 3)[2:, 0], 1.0, rtol=1e-14)
    assert features.rolling_r2(torch.ones(5, 1), 3).isnan().all()


def test_beta_of_high_prices_keeps_ten_digits(path):
    rng = np.random.default_rng(6)
    level = 1e6 * np.exp(np.cumsum(1e-4 * rng.standard_normal((500, 2)), axis=0))
    x, y = (torch.from_numpy(level[:, n].copy()) for n in range(2))
    found = features.rolling_beta(x, y, 21)
    w, v = (np.longdouble(level[479:500, n]) for n in range(2))
    exact = ((w - w.mean()) * (v - v.mean())).sum() / ((v - v.mean()) ** 2).sum()
    assert found[-1].item() == pytest.approx(float(exact), rel=1e-10)


def test_correlation_stays_within_one(path):
    x = torch.from_numpy(np.random.default_rng(9).normal(size=(300, 3)))
    found = features.rolling_corr(x, 3.0 * x + 1.0, 5)[4:]
    assert found.max() <= 1.0
    assert_allclose(found, 1.0, rtol=1e-12)
    assert_array_equal(features.rolling_corr(x, -x, 5)[4:] < 0, True)


def test_other_shape_is_named(sample):
    with pytest.raises(DataError, match=r"y: expected \(60, 9\)"):
        features.rolling_beta(sample, sample[:, :2], 5)
    with pytest.raises(DataError, match="overlaps"):
        features.rolling_beta(sample, sample.clone(), 5, out=sample)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", DEFINITIONS)
def test_cuda_agrees_with_the_cpu(name, sample, other):
    operation = getattr(features, name)
    found = operation(sample.cuda(), other.cuda(), 7, min_periods=4).cpu()
    assert_allclose(found, operation(sample, other, 7, min_periods=4), rtol=1e-9, atol=1e-12)
