"""Every trailing-window operation against the definition, window by window, in plain NumPy."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.errors import DataError


def constant(v):
    return len(v) and v.max() == v.min()


def deviations(v):
    return np.zeros_like(v) if constant(v) else v - math.fsum(v) / len(v)


def std(v):
    return math.sqrt((deviations(v) ** 2).sum() / (len(v) - 1))


def zscore(v, newest):
    return (newest - math.fsum(v) / len(v)) / std(v) if std(v) > 0 else math.nan


def skew(v):
    d, n = deviations(v), len(v)
    m2 = (d**2).mean()
    if m2 == 0:
        return math.nan
    return math.sqrt(n * (n - 1)) / (n - 2) * (d**3).mean() / m2**1.5


def kurt(v):
    d, n = deviations(v), len(v)
    m2 = (d**2).mean()
    if m2 == 0:
        return math.nan
    g2 = (d**4).mean() / m2**2 - 3
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6)


def rank(v, newest):
    if math.isnan(newest):
        return math.nan
    return ((v < newest).sum() + (v == newest).sum() / 2) / len(v)


def age(window, pick):
    known = np.flatnonzero(~np.isnan(window))
    best = pick(window[known])
    return len(window) - 1 - known[window[known] == best].max()


# name: (definition of (known values, newest value, window), fewest known values)
DEFINITIONS = {
    "rolling_sum": (lambda v, x, w: math.fsum(v), 1),
    "rolling_mean": (lambda v, x, w: math.fsum(v) / len(v), 1),
    "rolling_var": (lambda v, x, w: std(v) ** 2, 2),
    "rolling_std": (lambda v, x, w: std(v), 2),
    "rolling_zscore": (lambda v, x, w: zscore(v, x), 2),
    "rolling_skew": (lambda v, x, w: skew(v), 3),
    "rolling_kurt": (lambda v, x, w: kurt(v), 4),
    "rolling_max": (lambda v, x, w: v.max(), 1),
    "rolling_min": (lambda v, x, w: v.min(), 1),
    "rolling_argmax": (lambda v, x, w: age(w, np.max), 1),
    "rolling_argmin": (lambda v, x, w: age(w, np.min), 1),
    "rolling_median": (lambda v, x, w: np.median(v), 1),
    "rolling_rank": (lambda v, x, w: rank(v, x), 1),
    "rolling_quantile": (lambda v, x, w: np.quantile(v, 0.3), 1),
}


def brute_force(name, x, window, least):
    definition, fewest = DEFINITIONS[name]
    out = np.full(x.shape, math.nan)
    for t in range(x.shape[0]):
        for n in range(x.shape[1]):
            w = x[max(0, t - window + 1) : t + 1, n]
            v = w[~np.isnan(w)]
            if len(v) >= max(least, fewest):
                out[t, n] = definition(v, x[t, n], w)
    return out


def apply(name, x, window, **options):
    if name == "rolling_quantile":
        return features.rolling_quantile(x, window, 0.3, **options)
    return getattr(features, name)(x, window, **options)


def assert_same(found, expected, path):
    """To the last bit where kernels ran; torch sums in an order that depends on its lanes."""
    if path == "compiled":
        assert_array_equal(found, expected)
    else:
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize(("window", "least"), [(5, 5), (5, 1), (7, 4), (59, 20), (80, 3)])
def test_every_window_equals_its_definition(name, window, least, sample, path):
    window = max(window, DEFINITIONS[name][1])
    found = apply(name, sample, window, min_periods=least)
    expected = brute_force(name, sample.numpy(), window, least)
    assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_window_is_whole_by_default(name, sample, path):
    assert_array_equal(apply(name, sample, 5), apply(name, sample, 5, min_periods=5))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_future_never_changes_the_past(name, sample, path):
    whole = apply(name, sample, 5, min_periods=4)
    poisoned = sample.clone()
    poisoned[33:] = torch.tensor([math.inf, 1e300, math.nan, -1e9, 0, 5, -math.inf, 1, 2])
    assert_same(apply(name, poisoned, 5, min_periods=4)[:33], whole[:33], path)
    assert_same(apply(name, sample[:33], 5, min_periods=4), whole[:33], path)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("spoilt", [math.nan, math.inf, -math.inf])
def test_past_is_the_same_to_the_last_bit_whatever_comes_later(name, spoilt):
    """Blocks of known values take another way through the kernels than those with gaps."""
    x = torch.from_numpy(100 + np.random.default_rng(2).normal(size=(40, 5)))
    whole = apply(name, x, 6, min_periods=3)
    for row in range(17, 25):
        poisoned = x.clone()
        poisoned[row, 2] = spoilt
        found = apply(name, poisoned, 6, min_periods=3)
        assert_array_equal(found[:row], whole[:row])
        assert_array_equal(found[:, 3:], whole[:, 3:])
        assert_allclose(found[row + 6 :], whole[row + 6 :], rtol=1e-10)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_assets_do_not_meet(name, path):
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(40, 700)))
    order = torch.randperm(700, generator=torch.Generator().manual_seed(0))
    assert_same(apply(name, x[:, order], 6), apply(name, x, 6)[:, order], path)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_features_of_an_asset_are_series_too(name, sample, path):
    stacked = torch.stack([sample, 2 * sample, -sample], dim=2)
    found = apply(name, stacked, 5, min_periods=4)
    assert_same(found[..., 2], apply(name, -sample, 5, min_periods=4), path)
    assert_same(apply(name, sample[:, 6], 5), apply(name, sample, 5)[:, 6], path)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_infinity_spoils_its_windows_only(name, path):
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(40, 3)))
    clean = apply(name, x, 5)
    x[17, 1] = math.inf
    x[3, 2] = -math.inf
    found = apply(name, x, 5)
    untouched = torch.ones_like(x, dtype=torch.bool)
    untouched[17:22, 1] = False
    untouched[3:8, 2] = False
    assert_allclose(found[untouched], clean[untouched], rtol=1e-12)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_single_row_and_no_row(name, path):
    fewest = DEFINITIONS[name][1]
    one = apply(name, torch.ones(1, 2), 5, min_periods=1)
    assert one.isnan().all() == (fewest > 1)
    assert apply(name, torch.ones(0, 2), 5).shape == (0, 2)
    assert apply(name, torch.ones(4, 0), 5).shape == (4, 0)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_result_lands_in_the_given_buffer(name, sample, path):
    out = torch.full_like(sample, 99.0)
    assert apply(name, sample, 5, out=out) is out
    assert_array_equal(out, apply(name, sample, 5))


@pytest.mark.parametrize("level", [1e6, pytest.param(1e9, id="beyond the promise")])
@pytest.mark.parametrize("window", [5, 21, 252])
def test_spread_of_high_prices_with_small_returns_keeps_ten_digits(level, window, path):
    rng = np.random.default_rng(3)
    prices = level * np.exp(np.cumsum(1e-4 * rng.standard_normal((600, 2)), axis=0))
    found = features.rolling_moments(torch.from_numpy(prices), window)
    for t in (window - 1, 300, 451, 599):
        for n in range(2):
            w = [Fraction(v) for v in prices[t - window + 1 : t + 1, n]]
            mean = sum(w) / window
            variance = sum((v - mean) ** 2 for v in w) / (window - 1)
            s = math.sqrt(variance)
            assert found.mean[t, n].item() == pytest.approx(float(mean), rel=1e-10)
            assert found.std[t, n].item() == pytest.approx(s, rel=1e-10)
            z = float(w[-1] - mean) / s
            assert found.zscore[t, n].item() == pytest.approx(z, rel=1e-10 * level / 1e6)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("unknown", [[], [21], [21, 22, 23]])
@pytest.mark.parametrize("row", range(14, 22))
def test_outlier_leaves_no_trace_once_it_is_out_of_the_window(name, unknown, row, path):
    x = torch.from_numpy(np.random.default_rng(4).normal(size=(60, 1)))
    x[unknown] = math.nan
    clean = apply(name, x, 7, min_periods=4)
    x[row] = 1e15
    found = apply(name, x, 7, min_periods=4)
    assert_allclose(found[row + 7 :], clean[row + 7 :], rtol=1e-12)


def test_level_that_jumped_over_a_gap_is_constant_again(path):
    x = torch.tensor([[1.0], [2.0], [3.0], [math.nan], [math.nan], [0.1], [0.1], [0.1], [0.1]])
    assert features.rolling_std(x, 3, min_periods=2)[6:].tolist() == [[0.0]] * 3
    assert features.rolling_zscore(x, 3, min_periods=2)[6:].isnan().all()


@settings(max_examples=60, deadline=None)
@given(
    x=arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 30), st.integers(1, 4)),
        elements=st.floats(-1e3, 1e3, width=32) | st.just(math.nan),
    ),
    window=st.integers(4, 9),
    least=st.integers(1, 4),
    name=st.sampled_from(["rolling_mean", "rolling_max", "rolling_median", "rolling_rank"]),
)
def test_any_window_equals_its_definition(x, window, least, name):
    found = apply(name, torch.from_numpy(x), window, min_periods=least)
    assert_allclose(found.numpy(), brute_force(name, x, window, least), rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    x=arrays.arrays(np.float64, (25, 2), elements=st.floats(-1e3, 1e3, width=16)),
    scale=st.sampled_from([0.5, 4.0, -2.0]),
)
def test_spread_scales_with_its_series(x, scale):
    plain = features.rolling_std(torch.from_numpy(x), 5)
    scaled = features.rolling_std(torch.from_numpy(x) * scale, 5)
    assert_array_equal(scaled, plain * abs(scale))


def test_single_precision_is_computed_in_double():
    x = torch.full((30, 1), 1e6, dtype=torch.float32)
    x[::2] += 0.0625
    found = features.rolling_std(x, 20)
    assert found.dtype == torch.float64
    assert found[-1].item() == pytest.approx(0.03125 * math.sqrt(20 / 19), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: features.rolling_mean(x, 0), "window: expected a whole number >= 1, got 0"),
        (lambda x: features.rolling_std(x, 1), "window: expected a whole number >= 2, got 1"),
        (lambda x: features.rolling_mean(x, 2.0), "window: expected a whole number"),
        (lambda x: features.rolling_mean(x, 3, min_periods=4), "min_periods: expected"),
        (lambda x: features.rolling_mean(x.numpy(), 3), "expected a torch tensor, got ndarray"),
        (lambda x: features.rolling_mean(x[None, None], 3), "got torch.float64 (1, 1, 4, 2)"),
        (lambda x: features.rolling_mean(x, 3, out=x), "out: overlaps the input"),
        (lambda x: features.rolling_mean(x, 3, out=x[1:]), "out: expected (4, 2)"),
        (lambda x: features.rolling_mean(x, 3, out=x.float()), "out: expected contiguous float64"),
        (lambda x: features.rolling_quantile(x, 3, 1.5), "q: expected a number between"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(DataError) as caught:
        call(torch.ones(4, 2, dtype=torch.float64))
    assert message in str(caught.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", DEFINITIONS)
def test_cuda_agrees_with_the_cpu(name, sample):
    found = apply(name, sample.cuda(), 7, min_periods=4).cpu()
    expected = apply(name, sample, 7, min_periods=4)
    assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
