"""How fast Merton's model is solved, and how exactly, beside a loop over SciPy's root finder.

    python benchmarks/merton.py [--firms 100000] [--looped 1000]

Firms are drawn from the declared box: equity 0.02 to 50 times the debt (log-uniform), debt 1 to
7e10, equity volatility 5 to 200 %, rate −2 to 15 %, horizon a quarter to five years. The loop
solves the two equations in (V, σ), firm by firm, with `scipy.optimize.fsolve`, started at V = E + D
and σ = σE E/V, which is what a script would do; it is timed on the first `--looped` firms and its
misses counted. Seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from scipy.optimize import fsolve
from scipy.special import ndtr

from finstrat.credit.merton import merton

TARGET_RATIO = 50.0
TARGET_RESIDUAL = 1e-10


def box(count: int, seed: int) -> dict[str, np.ndarray]:
    """Random firms of the declared box."""
    rng = np.random.default_rng(seed)
    debt = np.exp(rng.uniform(0.0, 25.0, count))
    return {
        "equity": debt * np.exp(rng.uniform(np.log(0.02), np.log(50.0), count)),
        "equity_volatility": rng.uniform(0.05, 2.0, count),
        "debt": debt,
        "rate": rng.uniform(-0.02, 0.15, count),
        "horizon": rng.uniform(0.25, 5.0, count),
    }


def looped(firms: dict[str, np.ndarray], count: int) -> float:
    """The share of the first `count` firms that the loop solves to the target's residual."""
    solved = 0
    for i in range(count):
        equity, swing, debt, rate, years = (float(each[i]) for each in firms.values())
        strike, root = debt * np.exp(-rate * years), np.sqrt(years)

        def errors(
            guess: np.ndarray,
            equity: float = equity,
            swing: float = swing,
            strike: float = strike,
            root: float = root,
        ) -> tuple[float, float]:
            value, volatility = guess
            d1 = np.log(value / strike) / (volatility * root) + 0.5 * volatility * root
            covered = value * ndtr(d1)
            called = covered - strike * ndtr(d1 - volatility * root)
            return called / equity - 1.0, volatility * covered / (swing * equity) - 1.0

        start = (equity + debt, swing * equity / (equity + debt))
        found = fsolve(errors, start, xtol=1e-13)
        solved += bool(np.max(np.abs(errors(found))) <= TARGET_RESIDUAL)
    return solved / count


def main() -> None:
    """Print residuals, seconds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--firms", type=int, default=100_000)
    parser.add_argument("--looped", type=int, default=1_000)
    options = parser.parse_args()
    firms = box(options.firms, seed=0)
    merton(**box(100, seed=1))
    began = time.process_time()
    residual = merton(**firms).residual
    each = (time.process_time() - began) / options.firms
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        began = time.process_time()
        share = looped(firms, options.looped)
        slow = (time.process_time() - began) / options.looped
    print(f"{options.firms:,} firms: {np.isnan(residual).sum()} unsolved, {each * 1e6:.2f} µs each")
    print(f"largest relative residual {residual.max():.1e} (target {TARGET_RESIDUAL:.0e})")
    print(f"fsolve, one by one: {slow * 1e6:.0f} µs each, {share:.1%} of {options.looped:,} solved")
    print(f"ratio {slow / each:.0f} (target {TARGET_RATIO:.0f})")


if __name__ == "__main__":
    main()
