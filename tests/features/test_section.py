"""Comparing assets: every operation against its definition, row by row."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.errors import DataError

GROUPS = torch.tensor([0, 0, 1, 1, 1, 2, 2, -1, 0])


def rank(v):
    return (scipy.stats.rankdata(v) - 0.5) / len(v)


def zscore(v):
    if len(v) < 2 or v.max() == v.min():
        return np.full(len(v), math.nan)
    return (v - v.mean()) / v.std(ddof=1)


def robust(v):
    centred = v - np.median(v)
    mad = np.median(abs(centred))
    return centred / (mad * 1.4826022185056018) if mad > 0 else np.full(len(v), math.nan)


DEFINITIONS = {
    "rank": rank,
    "zscore": zscore,
    "robust_zscore": robust,
    "demean": lambda v: v - v.mean(),
    "winsorize": lambda v: v.clip(np.quantile(v, 0.2), np.quantile(v, 0.8)),
    "quantile_buckets": lambda v: np.minimum(np.floor(rank(v) * 3), 2),
}


def apply(name, x, **options):
    if name == "winsorize":
        return features.winsorize(x, 0.2, **options)
    if name == "quantile_buckets":
        return features.quantile_buckets(x, 3, **options)
    return getattr(features, name)(x, **options)


def by_row(definition, x):
    out = np.full(x.shape, math.nan)
    for t, row in enumerate(x):
        known = ~np.isnan(row)
        if known.any():
            out[t, known] = definition(row[known])
    return out


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_row_equals_its_definition(name, sample, path):
    found = apply(name, sample)
    assert_allclose(found, by_row(DEFINITIONS[name], sample.numpy()), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_assets_outside_the_mask_do_not_count(name, sample, path):
    mask = torch.ones_like(sample, dtype=torch.bool)
    mask[:, ::2] = False
    hidden = sample.clone()
    hidden[:, ::2] = math.nan
    assert_array_equal(apply(name, sample, mask=mask), apply(name, hidden))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_permuted_assets_give_permuted_results(name, sample, path):
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    found, expected = apply(name, sample[:, order]), apply(name, sample)[:, order]
    assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_each_feature_is_compared_with_itself(name, sample, path):
    stacked = features.stack([sample, -sample])
    assert_allclose(apply(name, stacked)[..., 1], apply(name, -sample), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_row_uses_no_other_row(name, sample, path):
    expected = apply(name, sample)[12:13]
    assert_allclose(apply(name, sample[12:13].clone()), expected, rtol=1e-13)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_market_level_series_is_refused(name):
    with pytest.raises(DataError, match="market-level series"):
        apply(name, torch.ones(5))


def test_infinities_rank_last_and_first(path):
    x = torch.tensor([[1.0, math.inf, -math.inf, math.nan, math.inf]])
    assert_allclose(features.rank(x), [[1.5 / 4, 3 / 4, 0.5 / 4, math.nan, 3 / 4]])


def test_winsorize_takes_infinities_in(path):
    x = torch.tensor([[1.0, math.inf, -math.inf, 2.0, 3.0]])
    assert_allclose(features.winsorize(x, 0.25), [[1.0, 3.0, 1.0, 2.0, 3.0]])


@settings(max_examples=80, deadline=None)
@given(
    x=arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(1, 12)),
        elements=st.integers(-3, 3).map(float) | st.just(math.nan) | st.floats(-5, 5),
    )
)
def test_ranks_are_centred_and_bounded(x):
    found = features.rank(torch.from_numpy(x)).numpy()
    assert_array_equal(np.isnan(found), np.isnan(x))
    assert_allclose(found, by_row(rank, x), rtol=1e-14)
    for row in found[~np.isnan(x).all(axis=1)]:
        assert np.nanmean(row) == pytest.approx(0.5)
        assert np.nanmin(row) > 0
        assert np.nanmax(row) < 1


def test_clip_holds_between_and_keeps_unknown():
    x = torch.tensor([[-5.0, 0.5, math.nan, math.inf]])
    assert_array_equal(features.clip(x, -1, 1), [[-1, 0.5, math.nan, 1]])
    with pytest.raises(DataError, match="low <= high"):
        features.clip(x, 1, -1)


def by_group(definition, x, groups):
    out = np.full(x.shape, math.nan)
    for t, row in enumerate(x):
        for group in set(groups.tolist()) - {-1}:
            inside = (groups == group) & ~np.isnan(row)
            if inside.any():
                out[t, inside] = definition(row[inside])
    return out


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        ("group_mean", lambda v: np.full(len(v), v.mean())),
        ("group_rank", rank),
        ("group_zscore", zscore),
    ],
)
def test_groups_are_compared_within_themselves(name, definition, sample, path):
    found = getattr(features, name)(sample, GROUPS)
    expected = by_group(definition, sample.numpy(), GROUPS.numpy())
    assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    daily = GROUPS.expand(len(sample), 9)
    assert_array_equal(found, getattr(features, name)(sample, daily))


def test_group_codes_are_checked(sample):
    for groups in (GROUPS[:3], GROUPS.double(), GROUPS - 5):
        with pytest.raises(DataError, match="groups: expected"):
            features.group_mean(sample, groups)


def lstsq_residual(y, groups, styles, weights):
    known = ~np.isnan(y) & (groups >= 0) & ~np.isnan(styles).any(axis=1) & (weights > 0)
    out = np.full(len(y), math.nan)
    if known.any():
        dummies = (groups[known, None] == np.unique(groups[known])).astype(float)
        design = np.hstack([dummies, styles[known]])
        root = np.sqrt(weights[known])[:, None]
        fit = np.linalg.lstsq(design * root, y[known] * root[:, 0], rcond=1e-12)[0]
        out[known] = y[known] - design @ fit
    return out


@pytest.mark.parametrize("case", ["plain", "weighted", "collinear", "none"])
def test_neutral_is_the_residual_of_least_squares(case, path):
    rng = np.random.default_rng(11)
    y = rng.normal(size=(20, 40))
    y[rng.random(y.shape) < 0.1] = math.nan
    y[7] = math.nan
    groups = rng.integers(-1, 5, size=40)
    styles = rng.normal(size=(20, 40, 2)) + 100.0
    weights = np.ones_like(y)
    if case == "weighted":
        weights = rng.exponential(size=y.shape)
        weights[3, 4] = 0.0
    if case == "collinear":
        styles[..., 1] = 2.0 * styles[..., 0] + groups
    if case == "none":
        styles = styles[..., :0]
    found = features.neutralize(
        torch.from_numpy(y),
        groups=torch.from_numpy(groups),
        styles=torch.from_numpy(styles),
        weights=torch.from_numpy(weights),
    )
    expected = [lstsq_residual(*row) for row in zip(y, [groups] * 20, styles, weights, strict=True)]
    assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_neutral_without_anything_is_demeaned(sample, path):
    assert_allclose(features.neutralize(sample), features.demean(sample), rtol=1e-11, atol=1e-13)


def test_infinity_of_an_asset_that_takes_no_part_is_nobodys(path):
    rng = np.random.default_rng(3)
    y, styles = torch.from_numpy(rng.normal(size=(4, 9))), torch.from_numpy(rng.normal(size=(4, 9)))
    y[:, 7] = math.nan
    clean = features.neutralize(y, groups=GROUPS, styles=styles)
    y[:, 7] = math.inf  # of no group
    styles[:, 7] = -math.inf
    found = features.neutralize(y, groups=GROUPS, styles=styles)
    assert_array_equal(found, clean)
    assert not found[:, :7].isnan().any()


def test_neutral_to_itself_is_nothing(sample, path):
    left = features.neutralize(sample, styles=2.0 * sample + 3.0)
    assert_allclose(left[~left.isnan()], 0.0, atol=1e-12)


def test_orthogonal_features_are_uncorrelated(path):
    rng = np.random.default_rng(12)
    x = rng.normal(size=(5, 30, 3))
    x[..., 2] += x[..., 0]
    x[2, 4, 1] = math.nan
    found = features.orthogonalize(torch.from_numpy(x)).numpy()
    assert np.isnan(found[2, 4]).all()
    for t in range(5):
        rows = found[t][~np.isnan(found[t]).any(axis=1)]
        products = rows.T @ rows
        assert_allclose(products - np.diag(np.diag(products)), 0.0, atol=1e-10)
        assert_allclose(rows.sum(axis=0), 0.0, atol=1e-11)


def test_pca_residual_is_what_a_singular_value_decomposition_leaves():
    rng = np.random.default_rng(13)
    x = rng.normal(size=(30, 6)) + rng.normal(size=(30, 1)) * rng.normal(size=6)
    x[10, 2] = math.nan
    found = features.pca_residual(torch.from_numpy(x), 12, 2).numpy()
    assert np.isnan(found[:11]).all()
    for t in range(11, 30):
        pane = x[t - 11 : t + 1]
        known = ~np.isnan(pane).any(axis=0)
        centred = pane[:, known] - pane[:, known].mean(axis=0)
        axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
        expected = centred[-1] - axes.T @ (axes @ centred[-1])
        assert_allclose(found[t, known], expected, rtol=1e-8, atol=1e-10)
        assert np.isnan(found[t, ~known]).all()


def test_pca_residual_does_not_see_the_future():
    x = torch.from_numpy(np.random.default_rng(14).normal(size=(30, 5)))
    whole = features.pca_residual(x, 8, 1)
    x[20:] = 1e6
    assert_allclose(features.pca_residual(x, 8, 1)[:20], whole[:20], rtol=1e-10)
    with pytest.raises(DataError, match="components: expected fewer"):
        features.pca_residual(x, 8, 8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", DEFINITIONS)
def test_cuda_agrees_with_the_cpu(name, sample):
    found = apply(name, sample.cuda()).cpu()
    assert_allclose(found, apply(name, sample), rtol=1e-10, atol=1e-13)
