"""Rolling optimization beside skfolio's loop: 120 monthly rebalances of 200 assets, in one run.

Covariances are included. It also prints how far objectives are from a tight Clarabel.

    python benchmarks/optimization.py [--assets 200] [--dates 120]

Returns have five factors, so that covariances look like a stock market's. skfolio estimates the
same Ledoit-Wolf covariance and solves with its defaults; the gap is against Clarabel at 1e-12.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np
import skfolio
from finstrat_plugins.optimizers.mean_variance import MeanVariance
from finstrat_plugins.optimizers.min_variance import MinVariance
from finstrat_plugins.optimizers.risk_parity import RiskParity
from skfolio.moments import LedoitWolf
from skfolio.optimization import MeanRisk, ObjectiveFunction, RiskBudgeting
from skfolio.prior import EmpiricalPrior

from finstrat.portfolio.covariance import covariance
from finstrat.portfolio.problem import Constraints, Problem
from finstrat.portfolio.quadratic import Quadratic, _by_clarabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from finstrat.components import Optimizer

WINDOW, STEP, AVERSION, CAP = 252, 21, 5.0, 0.05


def problems(assets: int, dates: int) -> list[Problem]:
    """One problem a month, its views the trailing means."""
    rng = np.random.default_rng(0)
    sessions = WINDOW + STEP * dates
    loadings = rng.normal(0.7, 0.4, (5, assets))
    returns = rng.normal(0.0003, 0.007, (sessions, 5)) @ loadings
    returns += rng.normal(0, 0.015, (sessions, assets))
    names = tuple(f"A{i:04d}" for i in range(assets))
    made = []
    for k in range(dates):
        trailing = returns[k * STEP : k * STEP + WINDOW]
        made.append(
            Problem(
                np.datetime64("2010-01-01") + STEP * k,
                names,
                np.ascontiguousarray(trailing),
                Constraints(max_weight=CAP),
                views=trailing.mean(axis=0),
            )
        )
    return made


def timed(run: Callable[[], list[np.ndarray]]) -> tuple[float, list[np.ndarray]]:
    """Seconds and answers of one run."""
    start = time.perf_counter()
    answers = run()
    return time.perf_counter() - start, answers


def loop(model: Callable[[], object], given: list[Problem]) -> list[np.ndarray]:
    """skfolio, date by date."""
    return [np.asarray(model().fit(each.returns).weights_) for each in given]


def gap(weights: list[np.ndarray], given: list[Problem], reward: float) -> tuple[float, float]:
    """The largest relative excess of the objective over Clarabel's, and violation, on 20 dates."""
    worst = broken = 0.0
    for each, w in list(zip(given, weights, strict=True))[:: max(1, len(given) // 20)]:
        m = len(w)
        problem = Quadratic(
            covariance(each.returns), reward * each.views, np.zeros(m), np.full(m, CAP), 1.0
        )
        best = problem.objective(_by_clarabel(problem).weights)
        worst = max(worst, (problem.objective(w) - best) / abs(best))
        broken = max(broken, abs(w.sum() - 1), -w.min(), w.max() - CAP)
    return worst, broken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=200)
    parser.add_argument("--dates", type=int, default=120)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    given = problems(options.assets, options.dates)
    print(f"{platform.machine()}, skfolio {skfolio.__version__}, {len(given)} dates")
    prior = EmpiricalPrior(covariance_estimator=LedoitWolf())
    limits = {"prior_estimator": prior, "max_weights": CAP}
    cases: list[tuple[str, Optimizer, Callable[[], object], float | None]] = [
        ("min-variance", MinVariance(), lambda: MeanRisk(**limits), 0.0),
        (
            "mean-variance",
            MeanVariance({"risk_aversion": AVERSION}),
            lambda: MeanRisk(
                objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
                risk_aversion=AVERSION / 2,
                **limits,
            ),
            1 / AVERSION,
        ),
        ("risk-parity", RiskParity(), lambda: RiskBudgeting(prior_estimator=prior), None),
    ]
    for name, optimizer, model, reward in cases:
        optimizer.solve_many(given[:2])
        loop(model, given[:1])
        seconds, weights = min(
            (timed(lambda o=optimizer: o.solve_many(given)) for _ in range(3)), key=lambda r: r[0]
        )
        theirs, _ = timed(lambda m=model: loop(m, given))
        print(
            f"{name:14} {seconds:7.3f} s, skfolio {theirs:7.2f} s, {theirs / seconds:6.1f}x", end=""
        )
        if reward is not None:
            excess, broken = gap(weights, given, reward)
            print(f", objective gap {excess:.1e}, constraints violated by {broken:.1e}")
        else:
            parts = []
            for each, w in zip(given, weights, strict=True):
                share = w * (covariance(each.returns) @ w)
                parts.append(np.abs(share / share.mean() - 1).max())
            print(f", contributions equal to {max(parts):.1e}")


if __name__ == "__main__":
    main()
