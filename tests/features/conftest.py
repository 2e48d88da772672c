from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from finstrat.features import compiled


@pytest.fixture(params=["compiled", "torch"])
def path(request, monkeypatch) -> str:
    """Both implementations: the kernels, and what CUDA runs, here on the CPU."""
    if request.param == "torch":
        monkeypatch.setattr(compiled, "serves", lambda _: False)
    return request.param


@pytest.fixture
def sample() -> torch.Tensor:
    """`[T, N]` with gaps, ties, a constant stretch, an unknown column and an unknown row."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(60, 9))
    x[rng.random(x.shape) < 0.2] = math.nan
    x[:, 2] = np.round(x[:, 2])
    x[20:40, 3] = 0.1
    x[:, 4] = math.nan
    x[30] = math.nan
    x[:, 5] = 7.7
    x[:, 6] = rng.normal(size=60)
    return torch.from_numpy(x)
