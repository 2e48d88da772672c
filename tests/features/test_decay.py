"""Fading memory against its definition: a weighted sum over everything so far."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.errors import DataError


def weights_of(age, half_life):
    return 0.5 ** (np.asarray(age) / half_life)


def brute_ewma(x, half_life):
    out = np.full(x.shape, math.nan)
    for t, n in np.ndindex(x.shape):
        known = np.flatnonzero(~np.isnan(x[: t + 1, n]))
        if len(known):
            w = weights_of(t - known, half_life)
            out[t, n] = (w * x[known, n]).sum() / w.sum()
    return out


def brute_std(x, half_life):
    out = np.full(x.shape, math.nan)
    for t, n in np.ndindex(x.shape):
        known = np.flatnonzero(~np.isnan(x[: t + 1, n]))
        if len(known) >= 2:
            w = weights_of(t - known, half_life)
            w /= w.sum()
            mean = (w * x[known, n]).sum()
            out[t, n] = math.sqrt((w * (x[known, n] - mean) ** 2).sum() / (1 - (w**2).sum()))
    return out


@pytest.mark.parametrize("half_life", [0.5, 3.0, 40.0])
def test_average_is_the_weighted_mean_of_the_past(half_life, sample, path):
    found = features.ewma(sample, half_life)
    assert_allclose(found, brute_ewma(sample.numpy(), half_life), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("half_life", [3.0, 40.0])
def test_deviation_is_the_weighted_one_of_the_past(half_life, sample, path):
    found = features.ewm_std(sample, half_life)
    assert_allclose(found, brute_std(sample.numpy(), half_life), rtol=1e-9, atol=1e-12)


def test_both_agree_with_pandas(sample, path):
    frame = pd.DataFrame(sample.numpy())
    assert_allclose(features.ewma(sample, 4.0), frame.ewm(halflife=4).mean(), rtol=1e-10)
    expected = frame.ewm(halflife=4).std()
    assert_allclose(features.ewm_std(sample, 4.0), expected, rtol=1e-8, atol=1e-12)


def test_deviation_of_high_prices_keeps_ten_digits(path):
    rng = np.random.default_rng(3)
    prices = 1e6 * np.exp(np.cumsum(1e-4 * rng.standard_normal((700, 1)), axis=0))
    exact = prices.astype(np.longdouble)
    w = weights_of(np.arange(699, -1, -1), np.longdouble(20.0))[:, None]
    w = w / w.sum()
    mean = (w * exact).sum()
    s = np.sqrt((w * (exact - mean) ** 2).sum() / (1 - (w**2).sum()))
    found = features.ewm_std(torch.from_numpy(prices), 20.0)[-1].item()
    assert found == pytest.approx(float(s), rel=1e-10)


@pytest.mark.parametrize("name", ["ewma", "ewm_std"])
def test_future_never_changes_the_past(name, sample, path):
    operation = getattr(features, name)
    whole = operation(sample, 5.0)
    poisoned = sample.clone()
    poisoned[33:] = math.inf
    assert_array_equal(operation(poisoned, 5.0)[:33], whole[:33])
    assert_array_equal(operation(sample[:33], 5.0), whole[:33])


@pytest.mark.parametrize("name", ["ewma", "ewm_std"])
def test_result_lands_in_the_given_buffer(name, sample, path):
    out = torch.empty_like(sample)
    assert getattr(features, name)(sample, 5.0, out=out) is out
    assert_array_equal(out, getattr(features, name)(sample, 5.0))


def test_event_weighs_half_after_one_half_life(path):
    values = torch.tensor([8.0, 4.0, 1.0, 2.0, math.nan])
    sessions = torch.tensor([0, 2, 1, 5, 3])
    assets = torch.tensor([0, 0, 1, 0, 0])
    found = features.decayed_sum(values, sessions, (5, 3), assets=assets, half_life=2.0)
    root = math.sqrt(0.5)
    first = [8, 8 * root, 4 + 4, 8 * root, 4]
    second = [0, 1, root, 0.5, 0.5 * root]
    assert_allclose(found, np.array([first, second, [0.0] * 5]).T, rtol=1e-14)


def test_mean_of_events_is_unknown_before_the_first(path):
    values = torch.tensor([1.0, 4.0, math.nan])
    sessions = torch.tensor([1, 3, 0])
    found = features.decayed_mean(values, sessions, (5, 2), half_life=1.0)
    late = (0.25 * 1 + 4) / 1.25
    assert_allclose(found, [math.nan, 1, 1, late, late], rtol=1e-14)


def test_mean_of_events_is_unknown_again_once_they_are_forgotten(path):
    one = torch.ones(1)
    found = features.decayed_mean(one, torch.zeros(1, dtype=torch.int64), (60, 1), half_life=1.0)
    assert found[39] == 1.0
    assert found[40:].isnan().all()


def test_no_event_at_all(path):
    none, at = torch.empty(0), torch.empty(0, dtype=torch.int64)
    assert_array_equal(features.decayed_sum(none, at, (3, 2), assets=at, half_life=1.0), 0.0)
    assert features.decayed_mean(none, at, (3, 2), assets=at, half_life=1.0).isnan().all()


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(
        st.tuples(
            st.floats(-10, 10, width=32) | st.just(math.nan),
            st.integers(0, 8),
            st.integers(-1, 2),
        ),
        max_size=30,
    ),
    half_life=st.floats(0.3, 20),
)
def test_decayed_sum_equals_its_definition(events, half_life):
    values = np.array([e[0] for e in events])
    sessions = np.array([e[1] for e in events], dtype=np.int64)
    assets = np.array([e[2] for e in events], dtype=np.int64)
    expected = np.zeros((8, 3))
    for t, n in np.ndindex(8, 3):
        counts = (sessions <= t) & (assets == n) & ~np.isnan(values)
        expected[t, n] = (values[counts] * weights_of(t - sessions[counts], half_life)).sum()
    tensors = [torch.from_numpy(v) for v in (values, sessions, assets)]
    found = features.decayed_sum(*tensors[:2], (8, 3), assets=tensors[2], half_life=half_life)
    assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    market = features.decayed_sum(*tensors[:2], (8, 3), half_life=half_life)
    within = assets >= 0
    others = features.decayed_sum(
        *(torch.from_numpy(v[~within]) for v in (values, sessions)), (8, 3), half_life=half_life
    )
    assert_allclose(market, expected.sum(axis=1) + others.numpy(), rtol=1e-9, atol=1e-9)


def test_sessions_since_counts_from_the_latest_event():
    event = torch.tensor([[False, True], [True, False], [False, False], [True, False]])
    expected = [[math.nan, 0], [0, 1], [1, 2], [0, 3]]
    assert_array_equal(features.sessions_since(event), expected)
    assert features.sessions_since(event[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("sessions", "assets", "message"),
    [
        ([-1], [0], "sessions: expected from 0 to 4"),
        ([5], [0], "sessions: expected from 0 to 4"),
        ([0], [2], "assets: expected from -1 to 1"),
        ([0, 1], [0], r"sessions: expected int64 \(1,\), got torch.int64 \(2,\)"),
        ([0.0], [0], "sessions: expected int64"),
    ],
)
def test_event_outside_the_shape_is_named(sessions, assets, message):
    with pytest.raises(DataError, match=message):
        features.decayed_sum(
            torch.ones(1),
            torch.tensor(sessions),
            (4, 2),
            assets=torch.tensor(assets),
            half_life=1.0,
        )


@pytest.mark.parametrize("half_life", [0.0, -1.0, math.nan, math.inf])
def test_half_life_is_positive_and_finite(half_life, sample):
    with pytest.raises(DataError, match="half_life"):
        features.ewma(sample, half_life)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["ewma", "ewm_std"])
def test_cuda_agrees_with_the_cpu(name, sample):
    operation = getattr(features, name)
    assert_allclose(operation(sample.cuda(), 7.0).cpu(), operation(sample, 7.0), rtol=1e-9)
