"""What a sweep of a thousand configurations costs, in runs, and the memory it takes.

    python benchmarks/sweep.py [BACKTEST] [--memory 2GB]

All are timed in one process after a warm-up, on the same data. A whole run loads its data, reports
and stores, as `finstrat run` does; the pipeline alone is `pipeline.run` over data that are there. A
sweep loads, judges and writes its page as well. Nothing is kept: the project is a temporary folder.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from finstrat import job, pipeline, sweep
from finstrat.config import load, resolve
from finstrat.host import Host
from finstrat.market import load_market
from finstrat.project import Project
from finstrat.sweep.grid import Grid
from finstrat.sweep.memory import parse_bytes, peak

if TYPE_CHECKING:
    from collections.abc import Callable

GRID = (
    "strategy.k=2,3,4,5,6,7,8,9,10,11",
    "signals.momentum.window=42,63,84,105,126,147,168,189,210,231",
    "costs.fee_bps=0,1,2,3,4,5,6,8,10,12",
)
RUNS = 5


def seconds(act: Callable[[], object]) -> float:
    """The median wall-clock time of `act` after one that doesn't count."""
    act()
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Print seconds of a run and of the sweep, their ratios, and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("backtest", nargs="?", default="momentum")
    parser.add_argument("--memory", default="2GB")
    options = parser.parse_args()
    host = Host.load()
    with tempfile.TemporaryDirectory() as folder:
        project = Project.find(Path(folder))
        file = project.backtest(options.backtest).with_values({"execution.engine": "ledger"})
        plan = resolve(load(file), host, file=file, root=project.root)
        market = load_market(plan)
        whole = job.prepare(file, project=project, host=host)
        run = seconds(lambda: whole.execute(device="cpu", progress=lambda *_: None))
        alone = seconds(lambda: pipeline.run(plan, market, device="cpu"))
        grid = Grid.parse(GRID)
        budget = parse_bytes(options.memory)
        began = time.perf_counter()
        sweep.sweep(file, grid, project=project, host=host, budget=budget)
        swept = time.perf_counter() - began
    print(f"a whole run:        {run:8.2f} s")
    print(f"the pipeline alone: {alone:8.2f} s")
    print(f"{len(grid):,} configurations: {swept:6.2f} s")
    print(f"in whole runs {swept / run:.1f}, in pipelines alone {swept / alone:.0f}")
    print(f"peak memory: {peak() / 1e6:,.0f} MB of a budget of {budget / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
