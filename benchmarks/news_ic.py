"""Rank IC of `news-sentiment` on real texts: the same day beside the next, so that nobody mistakes
the one for the other.

    python benchmarks/news_ic.py --stocknet DIR [--reuters headlines.parquet] [--scorer NAME]

For each output, the mean over sessions of the cross-sectional rank correlation between the value
at the close of session t and a return, with its HAC t-statistic (Newey-West, 5 lags):

- day before: close t-2 to close t-1. Reuters headlines carry dates only, so a story counts from
  the session after its date: this is the return of the story's own day. Never tradable.
- same day: close t-1 to close t. What tweets talk about. Over before the signal is known, so it
  isn't tradable either.
- next day: open t+1 to open t+2, the first return that an order after close t can earn.

Sessions with fewer than 10 known pairs are left out, and so are outputs with fewer than 60
sessions. Scores are cached in --cache.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
import torch

from finstrat.components import Inputs
from finstrat.config import load, resolve
from finstrat.host import Host
from finstrat.market import load_market
from finstrat.signals import Scores, compute_signals
from finstrat.text import ScoreCache
from finstrat.toml_file import TomlFile

MIN_NAMES = 10
MIN_SESSIONS = 60
LAGS = 5
VARIANTS = {
    "plain": {"novelty": 0.0},
    "novelty": {"novelty": 1.0},
    "hard news": {"novelty": 1.0, "events": ["earnings", "guidance", "merger", "rating"]},
}


def daily_ic(signal: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """The rank correlation of each session with at least MIN_NAMES known pairs."""
    both = np.isfinite(signal) & np.isfinite(returns)
    left = pd.DataFrame(np.where(both, signal, np.nan)).rank(axis=1)
    right = pd.DataFrame(np.where(both, returns, np.nan)).rank(axis=1)
    found = left.corrwith(right, axis=1).to_numpy()
    return found[(both.sum(axis=1) >= MIN_NAMES) & np.isfinite(found)]


def hac(values: np.ndarray) -> tuple[float, float]:
    """Mean and its HAC t-statistic."""
    fitted = sm.OLS(values, np.ones_like(values)).fit(
        cov_type="HAC", cov_kwds={"maxlags": LAGS, "use_correction": True}
    )
    return float(fitted.params[0]), float(fitted.tvalues[0])


def ahead(values: np.ndarray, sessions: int) -> np.ndarray:
    """The values of `sessions` later."""
    moved = np.full_like(values, np.nan)
    moved[:-sessions] = values[sessions:]
    return moved


def measure(name: str, documents: dict[str, object], options: argparse.Namespace) -> None:
    """Print the table of one text source."""
    host = Host.load()
    signals = {
        key.replace(" ", "-"): {"use": "news-sentiment", "scorer": options.scorer, **given}
        for key, given in VARIANTS.items()
    }
    described = {
        "name": "news-ic",
        "span": {"start": "2014-01-02", "end": "2015-09-30"},
        "market": {"benchmark": "none"},
        "prices": {"use": "stocknet-prices", "path": str(options.stocknet)},
        "documents": {"news": documents},
        "signals": signals,
        "strategy": {"use": "top-k", "signal": "plain.tone", "k": 5},
        "optimizer": {"use": "equal"},
    }
    file = TomlFile("news-ic", "", described)
    plan = resolve(load(file), host, file=file, root=Path.cwd())
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
        found = compute_signals(plan, inputs)
    close = inputs.prices("close").numpy()
    opened = inputs.prices("open").numpy()
    same = np.full_like(close, np.nan)
    same[1:] = close[1:] / close[:-1] - 1.0
    before = np.full_like(close, np.nan)
    before[1:] = same[:-1]
    following = ahead(opened, 2) / ahead(opened, 1) - 1.0
    print(f"\n{name}: {len(market.documents):,} documents, {options.scorer}")
    heads = "".join(f"{head:>13} {'t':>6}" for head in ("day before", "same day", "next day"))
    print(f"{'output':24}{heads} {'days':>5}")
    for key, values in found.items():
        variant, output = key.split(".")
        if output in {"rank", "volume"}:
            continue
        daily = [daily_ic(values.numpy(), each) for each in (before, same, following)]
        if min(map(len, daily)) < MIN_SESSIONS:
            print(f"{variant + '.' + output:24} too few sessions: {len(daily[-1])}")
            continue
        numbers = "".join(f"{ic:+13.4f} {t:+6.2f}" for ic, t in map(hac, daily))
        print(f"{variant + '.' + output:24}{numbers} {len(daily[-1]):5}")


def reuters_file(headlines: Path, folder: Path) -> Path:
    """The headlines as documents: known at the end of their date, for want of a time of day."""
    rows = pd.read_parquet(headlines)
    documents = pd.DataFrame(
        {
            "id": np.arange(len(rows)).astype(str),
            "asset": rows["ticker"],
            "known_at": rows["date"].dt.strftime("%Y-%m-%d"),
            "kind": "news",
            "text": rows["headline"] + ". " + rows["summary"].fillna(""),
        }
    )
    documents.to_parquet(folder / "reuters.parquet")
    return folder / "reuters.parquet"


def main() -> None:
    """Measure each source that was given."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--stocknet", type=Path, required=True)
    parser.add_argument("--reuters", type=Path)
    parser.add_argument("--scorer", default="minilm-sentiment")
    parser.add_argument("--cache", type=Path, default=Path(".finstrat/scores.sqlite"))
    options = parser.parse_args()
    tweets: dict[str, object] = {"use": "stocknet-tweets", "path": str(options.stocknet)}
    measure("StockNet tweets", tweets, options)
    if options.reuters:
        with tempfile.TemporaryDirectory() as folder:
            path = reuters_file(options.reuters, Path(folder))
            measure("Reuters headlines", {"use": "files-documents", "path": str(path)}, options)


if __name__ == "__main__":
    main()
