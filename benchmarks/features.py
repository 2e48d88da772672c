"""Speed of `finstrat.features` beside pandas, bottleneck, numbagg and polars, as ratios of one run.

    pip install '.[bench]'
    python benchmarks/features.py [--assets 500 5000] [--only NAME ...] [--cpu-time]

Every contender works in the memory layout that suits it best (bottleneck, numbagg and polars on
series that lie whole in memory; converting is not timed), and all of them in turn, several times
over; the least time counts, which leaves out most of what else the machine was doing. "reused" is
into a buffer by `out=`, "fresh" into new memory. Copy is the share of the bandwidth that
`torch.Tensor.copy_` of the same matrix reaches, counting every input read and output written once.
A ratio below its target is marked with "!", and what it should be.

With `--cpu-time` torch works on one thread, and what counts is the processor time of all threads of
a contender: on a machine that others use too, time on the clock says little.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import bottleneck as bn
import numbagg as nb
import numpy as np
import pandas as pd
import polars as pl
import torch

from finstrat import features

SESSIONS, WINDOW, HALF_LIFE = 3000, 21, 10.0
BUDGET = 2.0
"""Seconds that repeating one contender may take; each runs at least twice."""

Run = Callable[[], object]


@dataclass(frozen=True)
class Targets:
    """How many times as fast as the others it should be, and which share of a copy's bandwidth."""

    pandas_reused: float = 0.0
    pandas_fresh: float = 0.0
    other_reused: float = 0.0
    other_fresh: float = 0.0
    copy: float = 0.0


STREAMING = Targets(10, 5, 4, 2, 0.6)
FUSED = Targets(10, 5, 4, 2, 0.45)
TWO_SERIES = Targets(10, 5, 4, 2)
EVENTS = Targets(pandas_fresh=10)
SECTION = Targets(pandas_fresh=4, other_fresh=1.2)
NEUTRAL = Targets(pandas_fresh=25)
ORDER = Targets(4, 4, 4, 4)


@dataclass
class Case:
    """One operation: ours into reused and fresh memory, and everybody else's."""

    name: str
    fresh: Run
    reused: Run | None = None
    pandas: Run | None = None
    others: dict[str, Run] = field(default_factory=dict)
    passes: int = 2
    """Matrices read and written: what the copy bandwidth is compared with."""
    pandas_share: float = 1.0
    """The part of the work that `pandas` does; its time is scaled up."""
    targets: Targets = field(default_factory=lambda: STREAMING)


def best_times(runs: dict[str, Run], clock: Callable[[], float]) -> dict[str, float]:
    """The least seconds of each run, all of them in turn until their budget is spent."""
    least = dict.fromkeys(runs, float("inf"))
    spent = dict.fromkeys(runs, 0.0)
    for run in runs.values():
        run()
    for turn in range(60):
        for name, run in runs.items():
            if turn > 1 and spent[name] > BUDGET:
                continue
            start = clock()
            run()
            took = clock() - start
            least[name] = min(least[name], took)
            spent[name] += took
    gc.collect()
    return least


def lstsq_loop(y: np.ndarray, design: np.ndarray, rows: int) -> None:
    """What neutralizing is without Frisch and Waugh: one regression a session."""
    for t in range(rows):
        full = np.hstack([design[t, :, :-2], design[t, :, -2:]])
        y[t] - full @ np.linalg.lstsq(full, y[t], rcond=None)[0]


def cases(assets: int) -> list[Case]:
    """All operations of the table on one random matrix of prices."""
    rng = np.random.default_rng(0)
    x = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal((SESSIONS, assets)), axis=0))
    y = rng.standard_normal((SESSIONS, assets))
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    out = torch.empty_like(a)
    three = features.Moments(torch.empty_like(a), torch.empty_like(a), torch.empty_like(a))
    xt, yt = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
    frame, other = pd.DataFrame(x), pd.DataFrame(y)
    columns = pl.DataFrame(x, schema=[str(n) for n in range(assets)])
    w, everything = WINDOW, pl.all()
    alpha = 1.0 - 0.5 ** (1.0 / HALF_LIFE)
    rolling = frame.rolling(w)
    market = b.mean(1)
    index, across = pd.Series(market.numpy()), market.numpy()[None]

    events = 200_000
    sessions = torch.from_numpy(rng.integers(0, SESSIONS, events))
    about = torch.from_numpy(rng.integers(0, assets, events))
    values = torch.from_numpy(rng.standard_normal(events))
    table = pd.DataFrame({"t": sessions, "n": about, "v": values})

    def pandas_events() -> pd.DataFrame:
        wide = table.pivot_table(index="t", columns="n", values="v", aggfunc="sum", fill_value=0.0)
        wide = wide.reindex(index=range(SESSIONS), columns=range(assets), fill_value=0.0)
        return wide.ewm(alpha=alpha, adjust=False).mean() / alpha

    sectors = torch.from_numpy(rng.integers(0, 11, assets))
    styles = torch.from_numpy(rng.standard_normal((SESSIONS, assets, 2)))
    few = 60
    dummies = np.broadcast_to(np.eye(11)[sectors.numpy()], (few, assets, 11))
    design = np.concatenate([dummies, styles.numpy()[:few]], axis=2)

    return [
        Case(
            "rolling_mean",
            lambda: features.rolling_mean(a, w),
            lambda: features.rolling_mean(a, w, out=out),
            rolling.mean,
            {
                "bottleneck": lambda: bn.move_mean(xt, w, axis=1),
                "numbagg": lambda: nb.move_mean(xt, window=w),
                "polars": lambda: columns.select(everything.rolling_mean(w)),
            },
        ),
        Case(
            "rolling_std",
            lambda: features.rolling_std(a, w),
            lambda: features.rolling_std(a, w, out=out),
            rolling.std,
            {
                "bottleneck": lambda: bn.move_std(xt, w, axis=1, ddof=1),
                "numbagg": lambda: nb.move_std(xt, window=w),
                "polars": lambda: columns.select(everything.rolling_std(w)),
            },
        ),
        Case(
            "rolling_zscore",
            lambda: features.rolling_zscore(a, w),
            lambda: features.rolling_zscore(a, w, out=out),
            lambda: (frame - rolling.mean()) / rolling.std(),
            {
                "bottleneck": lambda: (xt - bn.move_mean(xt, w)) / bn.move_std(xt, w, ddof=1),
                "numbagg": lambda: (xt - nb.move_mean(xt, window=w)) / nb.move_std(xt, window=w),
                "polars": lambda: columns.select(
                    (everything - everything.rolling_mean(w)) / everything.rolling_std(w)
                ),
            },
        ),
        Case(
            "rolling_moments",
            lambda: features.rolling_moments(a, w),
            lambda: features.rolling_moments(a, w, out=three),
            lambda: (rolling.mean(), rolling.std(), (frame - rolling.mean()) / rolling.std()),
            passes=4,
            targets=FUSED,
        ),
        Case(
            "ewma",
            lambda: features.ewma(a, HALF_LIFE),
            lambda: features.ewma(a, HALF_LIFE, out=out),
            frame.ewm(halflife=HALF_LIFE).mean,
            {
                "numbagg": lambda: nb.move_exp_nanmean(xt, alpha=alpha),
                "polars": lambda: columns.select(everything.ewm_mean(half_life=HALF_LIFE)),
            },
        ),
        Case(
            "rolling_corr",
            lambda: features.rolling_corr(a, b, w),
            lambda: features.rolling_corr(a, b, w, out=out),
            lambda: rolling.corr(other),
            {"numbagg": lambda: nb.move_corr(xt, yt, window=w)},
            passes=3,
            targets=TWO_SERIES,
        ),
        Case(
            "rolling_beta",
            lambda: features.rolling_beta(a, market, w),
            lambda: features.rolling_beta(a, market, w, out=out),
            lambda: rolling.cov(index).div(index.rolling(w).var(), axis=0),
            {
                "numbagg": lambda: (
                    nb.move_cov(xt, across, window=w) / nb.move_var(across, window=w)
                ),
            },
            targets=TWO_SERIES,
        ),
        Case(
            "decayed_sum",
            lambda: features.decayed_sum(
                values, sessions, (SESSIONS, assets), assets=about, half_life=HALF_LIFE
            ),
            pandas=pandas_events,
            targets=EVENTS,
        ),
        Case(
            "rank",
            lambda: features.rank(b),
            pandas=lambda: other.rank(axis=1),
            others={
                "bottleneck": lambda: bn.nanrankdata(y, axis=1),
            },
            targets=SECTION,
        ),
        Case(
            "winsorize",
            lambda: features.winsorize(b, 0.01),
            pandas=lambda: other.clip(
                other.quantile(0.01, axis=1), other.quantile(0.99, axis=1), axis=0
            ),
            others={
                "numbagg": lambda: y.clip(
                    *(q[:, None] for q in nb.nanquantile(y, [0.01, 0.99], axis=1))
                ),
            },
            targets=SECTION,
        ),
        Case(
            "neutralize",
            lambda: features.neutralize(b, groups=sectors, styles=styles),
            pandas=lambda: lstsq_loop(y, design, few),
            pandas_share=few / SESSIONS,
            targets=NEUTRAL,
        ),
        Case(
            "rolling_rank",
            lambda: features.rolling_rank(a, w),
            lambda: features.rolling_rank(a, w, out=out),
            rolling.rank,
            {"bottleneck": lambda: bn.move_rank(xt, w, axis=1)},
            targets=ORDER,
        ),
        Case(
            "rolling_median",
            lambda: features.rolling_median(a, w),
            lambda: features.rolling_median(a, w, out=out),
            rolling.median,
            {
                "bottleneck": lambda: bn.move_median(xt, w, axis=1),
                "polars": lambda: columns.select(everything.rolling_median(w)),
            },
            targets=ORDER,
        ),
        Case(
            "rolling_quantile",
            lambda: features.rolling_quantile(a, w, 0.2),
            lambda: features.rolling_quantile(a, w, 0.2, out=out),
            lambda: rolling.quantile(0.2),
            {
                "polars": lambda: columns.select(
                    everything.rolling_quantile(0.2, interpolation="linear", window_size=w)
                ),
            },
            targets=ORDER,
        ),
    ]


def machine() -> str:
    """Which processor, how much of it, and the versions that matter."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    processor = named[1] if named else platform.processor() or platform.machine()
    return (
        f"{processor}, {os.cpu_count()} cores; torch {torch.__version__} on "
        f"{torch.get_num_threads()} threads, numpy {np.__version__}, pandas {pd.__version__}, "
        f"bottleneck {bn.__version__}, numbagg {nb.__version__}, polars {pl.__version__}"
    )


def main() -> None:
    """Print the machine and one table a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--only", nargs="+", default=[""], help="parts of operations' names")
    parser.add_argument("--cpu-time", action="store_true", help="on one thread, by its own time")
    chosen = parser.parse_args()
    clock = time.process_time if chosen.cpu_time else time.perf_counter
    if chosen.cpu_time:
        torch.set_num_threads(1)
    print(machine(), "processor time" if chosen.cpu_time else "time on the clock", sep="; ")
    for assets in chosen.assets:
        source = torch.from_numpy(np.random.default_rng(1).random((SESSIONS, assets)))
        target = torch.empty_like(source)
        copy = best_times({"copy": lambda s=source, t=target: t.copy_(s)}, clock)["copy"]
        print(f"\n{SESSIONS} x {assets}, window {WINDOW}: copy {copy * 1e3:.2f} ms, ", end="")
        print(f"{2 * source.nbytes / copy / 1e9:.1f} GB/s\n")
        print(
            "| operation | reused ms | of copy | fresh ms | pandas ms | reused × | fresh × |",
            end="",
        )
        print(" best other | ms | reused × | fresh × |\n|" + "---|" * 11)
        for case in cases(assets):
            if not any(part in case.name for part in chosen.only):
                continue
            runs: dict[str, Run] = {"fresh": case.fresh}
            if case.reused:
                runs["reused"] = case.reused
            if case.pandas:
                runs["pandas"] = case.pandas
            runs |= case.others | {"copy": lambda s=source, t=target: t.copy_(s)}
            took = best_times(runs, clock)
            row(case, took)


def ratio(theirs: float | None, ours: float | None, target: float) -> str:
    """How many times as fast ours is; marked where that is less than the target."""
    if not theirs or not ours:
        return "–"
    reached = theirs / ours
    return f"{reached:.1f}" + (f" ! (≥ {target:g})" if reached < target else "")


def row(case: Case, took: dict[str, float]) -> None:
    """Print one line of the table; a dash where there is nothing to compare."""
    reused, fresh, targets = took.get("reused"), took["fresh"], case.targets
    theirs = took["pandas"] / case.pandas_share if case.pandas else None
    other = min(case.others, key=lambda name: took[name], default=None)
    second = took[other] if other else None
    share = took["copy"] * case.passes / 2 / reused if reused else 0.0
    short = f" ! (≥ {targets.copy:.0%})" if share < targets.copy else ""
    cells = [
        case.name,
        f"{reused * 1e3:.1f}" if reused else "–",
        f"{share:.0%}{short}" if reused else "–",
        f"{fresh * 1e3:.1f}",
        f"{theirs * 1e3:.0f}" if theirs else "–",
        ratio(theirs, reused, targets.pandas_reused),
        ratio(theirs, fresh, targets.pandas_fresh),
        other or "–",
        f"{second * 1e3:.1f}" if second else "–",
        ratio(second, reused, targets.other_reused),
        ratio(second, fresh, targets.other_fresh),
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
