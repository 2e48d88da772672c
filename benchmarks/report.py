"""How long a report takes once the simulation is done: 20 stocks over 10 years, 500 over 10.

The 20 are skfolio's, 2013 to 2022. The 500 are those with most prices of the folder's
`prices/us_daily_2010_2015.parquet`, whose years from 2011 on are laid end to end to make ten: the
account is real, its calendar is not.

    python benchmarks/report.py ../shared/data
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import finstrat
from finstrat.components import Section
from finstrat.data import Clock, Span
from finstrat.host import Host
from finstrat.project import Project
from finstrat.report.build import build_report
from finstrat.report.html import render_html
from finstrat.store import FRAMES, RunResult

SESSIONS = 2_520
MOST = 2_000_000


def backtest(name: str, prices: dict[str, str], span: tuple[str, str], k: int) -> dict[str, object]:
    """Twelve-minus-one month winners, weighed by inverse volatility every month."""
    return {
        "name": name,
        "span": {"start": span[0], "end": span[1]},
        "prices": prices,
        "signals": {"momentum": {"use": "momentum", "window": 231, "skip": 21}},
        "strategy": {
            "use": "top-k",
            "signal": "momentum.value",
            "k": k,
            "rebalance": "monthly",
        },
        "optimizer": {"use": "inverse-volatility", "window": 60},
        "execution": {"fill": "next-close"},
    }


def laid_end_to_end(result: RunResult) -> RunResult:
    """The result over ten years of sessions, its own repeated as often as that takes."""
    last = result.sessions.index[-1].date()
    clock = Clock.build("XNYS", Span(last.replace(year=last.year - 12), last))
    index = pd.DatetimeIndex(clock.sessions.astype("datetime64[ns]"), name="session")[-SESSIONS:]
    rows = np.arange(SESSIONS) % len(result.sessions)
    frames = {
        name: getattr(result, name).iloc[rows].set_axis(index)
        for name in FRAMES
        if name != "orders"
    }
    return dataclasses.replace(result, **frames)


def measured(result: RunResult, host: Host) -> None:
    """Print what each section and the page take, in seconds of the clock and the processor."""
    sections = [found.component() for found in host.all(Section)]
    wall, busy = time.perf_counter(), time.process_time()
    report = build_report(result, sections)
    page = render_html(json.loads(json.dumps(report)))
    total, used = time.perf_counter() - wall, time.process_time() - busy
    rows, assets = result.holdings.shape
    size = len(page.encode())
    print(f"{assets} assets x {rows} sessions: {total:.1f} s ({used:.1f} s of processor),", end=" ")
    print(f"page {size / 1e6:.2f} MB ({'within' if size <= MOST else 'ABOVE'} 2 MB)")
    taken = {}
    for section in sections:
        if result.kind in section.serves:
            start = time.process_time()
            section.build(result)
            taken[section.name] = time.process_time() - start
    for name, seconds in sorted(taken.items(), key=lambda each: -each[1])[:5]:
        print(f"    {name}: {seconds:.2f} s")


def main() -> None:
    """Run both backtests in a temporary directory, and measure their reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of shared data")
    data = parser.parse_args().data
    host = Host.load()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        project = Project(root, (), (root,), root / "runs", root / ".finstrat")
        twenty = backtest("twenty", {"use": "sp500"}, ("2013-01-02", "2022-12-28"), 5)
        measured(finstrat.run(twenty, project=project, host=host), host)

        prices = pd.read_parquet(data / "prices" / "us_daily_2010_2015.parquet")
        wide = prices.pivot_table(index="date", columns="ticker", values="close")
        most = wide.notna().sum().sort_values(ascending=False, kind="stable").index[:500]
        prices[prices["ticker"].isin(most)].to_parquet(root / "prices.parquet", index=False)
        source = {"use": "files-prices", "path": str(root / "prices.parquet")}
        many = backtest("many", source, ("2011-01-03", "2015-09-30"), 100)
        measured(laid_end_to_end(finstrat.run(many, project=project, host=host)), host)


if __name__ == "__main__":
    main()
