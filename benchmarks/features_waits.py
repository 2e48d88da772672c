"""How long the first call waits for a compiler, and how many digits survive at high prices.

    python benchmarks/features_waits.py

Waits are those of fresh processes with an empty directory of machine code, then with a filled one:
the first call of each family, imports left out, on the clock and of the processor. Errors are the
largest relative ones against rational arithmetic, over prices of 1e6 with returns of 1e-4.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from fractions import Fraction

import numpy as np
import torch

from finstrat import features

FIRST_CALLS = """
import json, time, torch
from finstrat import features
x = torch.rand(64, 8, dtype=torch.float64)
at = torch.zeros(3, dtype=torch.int64)
calls = {
    "rolling mean": lambda: features.rolling_mean(x, 5),
    "rolling std": lambda: features.rolling_std(x, 5),
    "skewness": lambda: features.rolling_skew(x, 5),
    "maximum": lambda: features.rolling_max(x, 5),
    "quantile": lambda: features.rolling_median(x, 5),
    "rolling rank": lambda: features.rolling_rank(x, 5),
    "beta": lambda: features.rolling_beta(x, x, 5),
    "EWMA": lambda: features.ewma(x, 5.0),
    "EW std": lambda: features.ewm_std(x, 5.0),
    "event sum": lambda: features.decayed_sum(x[:3, 0], at, (9, 1), assets=at, half_life=2.0),
    "event mean": lambda: features.decayed_mean(x[:3, 0], at, (9, 1), assets=at, half_life=2.0),
    "rank": lambda: features.rank(x),
    "winsorize": lambda: features.winsorize(x),
    "neutralize": lambda: features.neutralize(x),
}
took = {}
for name, call in calls.items():
    start, busy = time.perf_counter(), time.process_time()
    call()
    took[name] = time.perf_counter() - start, time.process_time() - busy
print(json.dumps(took))
"""


def waits(folder: str) -> dict[str, tuple[float, float]]:
    """Seconds of each family's first call in a fresh process: on the clock, of the processor."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CALLS],
        env=os.environ | {"NUMBA_CACHE_DIR": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    took: dict[str, tuple[float, float]] = json.loads(done.stdout)
    return took


def largest_errors(window: int) -> dict[str, float]:
    """The largest relative error of mean, standard deviation and z-score in windows of prices."""
    rng = np.random.default_rng(3)
    prices = 1e6 * np.exp(np.cumsum(1e-4 * rng.standard_normal(1500)))
    found = features.rolling_moments(torch.from_numpy(prices), window)
    largest = dict.fromkeys(("mean", "std", "zscore"), 0.0)
    for t in range(window - 1, len(prices), 7):
        w = [Fraction(v) for v in prices[t - window + 1 : t + 1]]
        mean = sum(w) / window
        s = math.sqrt(sum((v - mean) ** 2 for v in w) / (window - 1))
        exact = {"mean": float(mean), "std": s, "zscore": float(w[-1] - mean) / s}
        for name, value in exact.items():
            error = abs(getattr(found, name)[t].item() / value - 1.0)
            largest[name] = max(largest[name], error)
    return largest


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = waits(folder), waits(folder)
    for took in (first, second):
        took["all"] = tuple(sum(each) for each in zip(*took.values(), strict=True))
    print("| first call of | first process, s | of processor | second process, s | of processor |")
    print("|---|---|---|---|---|")
    for name in first:
        cells = " | ".join(f"{seconds:.2f}" for seconds in (*first[name], *second[name]))
        print(f"| {name} | {cells} |")
    print()
    print("| window | mean | std | z-score |\n|---|---|---|---|")
    for window in (5, 21, 252):
        cells = " | ".join(f"{error:.1e}" for error in largest_errors(window).values())
        print(f"| {window} | {cells} |")


if __name__ == "__main__":
    main()
