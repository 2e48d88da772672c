"""Whether `market-mood` foretells itself, and whether its volatility foretells the market's moves.

    python benchmarks/mood.py [--backtest market_mood] [--scorer NAME] [--set KEY=VALUE ...]

- forecast: 1 − its squared error / that of the last value ("no change"), and of the mean of the
  trailing window, over the sessions where all three are known. Above 0 = better.
- volatility and attention: rank correlation with the next session's absolute market return, and
  the HAC t-statistic (Newey-West, 10 lags) of its slope in a regression of that return's rank on
  the output's rank and on the rank of the past 21 sessions' volatility, which is what anyone knows
  without reading posts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
import torch

from finstrat.components import Inputs
from finstrat.config import load, resolve
from finstrat.host import Host
from finstrat.market import load_market
from finstrat.project import Project
from finstrat.signals import Scores, compute_signals
from finstrat.text import ScoreCache

LAGS = 10


def skill(truth: np.ndarray, forecast: np.ndarray, other: np.ndarray) -> float:
    """1 − the forecast's squared error over the other's, where all are known."""
    known = np.isfinite(truth) & np.isfinite(forecast) & np.isfinite(other)
    errors = [((truth - each)[known] ** 2).sum() for each in (forecast, other)]
    return float(1.0 - errors[0] / errors[1])


def main() -> None:
    """Print the figures of one backtest's mood."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--backtest", default="market_mood")
    parser.add_argument("--scorer", default="minilm-sentiment")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--cache", type=Path, default=Path(".finstrat/scores.sqlite"))
    options = parser.parse_args()
    host, project = Host.load(), Project.find()
    given = [*options.changes, f"signals.mood.scorer={options.scorer}"]
    file = project.backtest(options.backtest).with_assignments(given)
    plan = resolve(load(file), host, file=file, root=project.root)
    market = load_market(plan)
    device = torch.device("cpu")
    with ScoreCache(options.cache) as cache:
        scores = Scores(
            plan, market.documents, cache=cache, device=device, progress=lambda *_: None
        )
        inputs = Inputs(
            panel=market.panel,
            documents=market.documents,
            facts=market.facts,
            clock=market.clock,
            device=device,
            scorer=scores,
        )
        found = {
            key.partition(".")[2]: values.numpy()
            for key, values in compute_signals(plan, inputs).items()
        }
    level = found["level"]
    after = np.append(level[1:], np.nan)
    trailing = pd.Series(level).rolling(252).mean().to_numpy()
    print(f"{len(market.documents):,} posts, {len(level):,} sessions, {options.scorer}")
    print(f"forecast against no change     {skill(after, found['forecast'], level):+.4f}")
    print(f"forecast against trailing mean {skill(after, found['forecast'], trailing):+.4f}")
    returns = pd.DataFrame(market.panel.returns()).mean(axis=1)
    following = returns.abs().shift(-1)
    usual = returns.rolling(21).std()
    for output in ("volatility", "attention"):
        table = pd.DataFrame({"y": following, "x": found[output], "past": usual}).dropna().rank()
        table = table / len(table)
        plain = table["y"].corr(table["x"])
        fitted = sm.OLS(table["y"], sm.add_constant(table[["x", "past"]])).fit(
            cov_type="HAC", cov_kwds={"maxlags": LAGS}
        )
        print(
            f"{output:10} n = {len(table):,}: rank correlation {plain:+.3f}, with past volatility "
            f"held: slope {fitted.params['x']:+.3f}, t {fitted.tvalues['x']:+.2f}"
        )


if __name__ == "__main__":
    main()
