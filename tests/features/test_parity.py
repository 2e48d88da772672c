"""Every operation gives one answer: by compiled kernels, by torch's operations, and on CUDA."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import finstrat_plugins.signals
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.features import compiled

GROUPS = torch.tensor([0, 0, 1, 1, 1, 2, 2, -1, 0])


def decayed(name, x):
    """Two hundred events, many in one session, some unknown, some of no asset."""
    rng = np.random.default_rng(5)
    values = torch.from_numpy(rng.normal(size=200))
    values[::17] = math.nan
    sessions = torch.from_numpy(rng.integers(0, 61, 200)).to(x.device)
    assets = torch.from_numpy(rng.integers(-1, 9, 200)).to(x.device)
    operation = getattr(features, name)
    return operation(values.to(x.device), sessions, (60, 9), assets=assets, half_life=3.0)


CALLS = {
    "align": lambda x, y: features.align(x, columns=torch.tensor([3, -1]).to(x.device)),
    "amihud_illiquidity": lambda x, y: features.amihud_illiquidity(x, y, 5, min_periods=2),
    "clip": lambda x, y: features.clip(x, -1, 1),
    "decayed_mean": lambda x, y: decayed("decayed_mean", x),
    "decayed_sum": lambda x, y: decayed("decayed_sum", x),
    "demean": lambda x, y: features.demean(x),
    "diff": lambda x, y: features.diff(x, 2),
    "drawdown": lambda x, y: features.drawdown(y),
    "ewm_std": lambda x, y: features.ewm_std(x, 7.0),
    "ewma": lambda x, y: features.ewma(x, 7.0),
    "forward_fill": lambda x, y: features.forward_fill(x, 2),
    "garman_klass_volatility": lambda x, y: features.garman_klass_volatility(
        open=y, high=1.1 * y, low=0.8 * y, close=y + 0.01, window=5, min_periods=2
    ),
    "group_mean": lambda x, y: features.group_mean(x, GROUPS.to(x.device)),
    "group_rank": lambda x, y: features.group_rank(x, GROUPS.to(x.device)),
    "group_zscore": lambda x, y: features.group_zscore(x, GROUPS.to(x.device)),
    "lag": lambda x, y: features.lag(x, 2),
    "log_returns": lambda x, y: features.log_returns(y),
    "mask": lambda x, y: features.mask(x, y > 1),
    "neutralize": lambda x, y: features.neutralize(
        x, groups=GROUPS.to(x.device), styles=y, weights=y
    ),
    "orthogonalize": lambda x, y: features.orthogonalize(features.stack([x, y, x * y])),
    "parkinson_volatility": lambda x, y: features.parkinson_volatility(
        1.1 * y, y, 5, min_periods=2
    ),
    "pca_residual": lambda x, y: features.pca_residual(y[:, :6], 12, 2),
    "quantile_buckets": lambda x, y: features.quantile_buckets(x, 3),
    "rank": lambda x, y: features.rank(x),
    "realized_volatility": lambda x, y: features.realized_volatility(x, 5, min_periods=2),
    "returns": lambda x, y: features.returns(y),
    "robust_zscore": lambda x, y: features.robust_zscore(x),
    "rolling_quantile": lambda x, y: features.rolling_quantile(x, 7, 0.3, min_periods=4),
    "rolling_slope": lambda x, y: features.rolling_slope(x, 7, min_periods=4),
    "rolling_r2": lambda x, y: features.rolling_r2(x, 7, min_periods=4),
    "sessions_since": lambda x, y: features.sessions_since(x > 0.5),
    "share_turnover": lambda x, y: features.share_turnover(y, 1 + y, 5, min_periods=2),
    "stack": lambda x, y: features.stack([x, y]),
    "volatility": lambda x, y: features.volatility(y, 5, min_periods=2),
    "winsorize": lambda x, y: features.winsorize(x, 0.2),
    "zscore": lambda x, y: features.zscore(x),
    "rolling_moments": lambda x, y: features.stack(
        list(vars(features.rolling_moments(x, 7, min_periods=4)).values())
    ),
}
for _name in ("cov", "corr", "beta", "residual"):
    CALLS[f"rolling_{_name}"] = lambda x, y, name=_name: getattr(features, f"rolling_{name}")(
        x, y, 7, min_periods=4
    )
for _name in set(features.__all__) - set(CALLS):
    if _name.startswith("rolling_"):
        CALLS[_name] = lambda x, y, name=_name: getattr(features, name)(x, 7, min_periods=4)


@pytest.fixture
def prices() -> torch.Tensor:
    rng = np.random.default_rng(6)
    y = np.exp(0.1 * rng.normal(size=(60, 9)).cumsum(axis=0))
    y[rng.random(y.shape) < 0.05] = math.nan
    y[:, 5] = np.exp(0.1 * rng.normal(size=60))
    return torch.from_numpy(y)


def test_every_operation_is_compared():
    assert set(CALLS) == set(features.__all__) - {"Moments"}


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
        ),
    ],
)
def test_operation_without_kernels_agrees_with_the_kernels(
    name, device, sample, prices, monkeypatch
):
    expected = CALLS[name](sample, prices)
    monkeypatch.setattr(compiled, "serves", lambda _: False)
    found = CALLS[name](sample.to(device), prices.to(device))
    assert found.device.type == device
    assert_allclose(found.cpu(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_operation_keeps_its_inputs_and_gives_double_precision(name, sample, prices):
    before = sample.clone(), prices.clone()
    found = CALLS[name](sample, prices)
    assert found.dtype == torch.float64
    assert_array_equal(sample, before[0])
    assert_array_equal(prices, before[1])


# What a signal must not do by hand, since an operation does it.
BY_HAND = {
    *("cummax", "cummin", "unfold", "rolling", "ewm", "diff", "roll"),
    *("std", "var", "nanstd", "nanvar", "median", "nanmedian", "quantile", "nanquantile"),
    *("argsort", "sort", "rank", "rankdata", "scatter_add", "index_add", "index_put_"),
    *("corrcoef", "cov", "lstsq", "svd", "eigh", "clip", "clamp"),
}


@pytest.mark.parametrize(
    "file",
    sorted(Path(finstrat_plugins.signals.__file__).parent.glob("[a-z]*.py")),
    ids=lambda file: file.stem,
)
def test_bundled_signal_uses_the_operations_and_repeats_none(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    attributes = [each for each in calls if isinstance(each, ast.Attribute)]
    own = [
        f"{file.name}:{each.lineno}: {each.attr}"
        for each in attributes
        if each.attr in BY_HAND
        and not (isinstance(each.value, ast.Name) and each.value.id == "features")
    ]
    assert own == []
    imported = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert any("features" in line for line in imported)
