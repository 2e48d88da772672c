"""What an audit's placebos cost, beside one run of the same backtest with every text scored.

    python benchmarks/placebos.py BACKTEST [--placebos 200]

Processor time, which other programs on the machine don't stretch; once to compile and to score,
then measured. Prints the ratio and its target.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import finstrat
from finstrat.audit import beats_placebos, reopen
from finstrat.host import Host
from finstrat.project import Project
from finstrat.store import load
from finstrat.text.cache import ScoreCache

TARGET = 5.0


def main() -> None:
    """Run, reopen, shift."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backtest")
    parser.add_argument("--placebos", type=int, default=200)
    given = parser.parse_args()
    here, host = Project.find(), Host.load()
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        project = Project(here.root, here.plugins, here.backtests, runs, here.state)
        for _ in range(2):
            began = time.process_time()
            result = finstrat.run(given.backtest, project=project, host=host)
            run = time.process_time() - began
        with ScoreCache(project.state / "scores.sqlite") as cache:
            case = reopen(load(result.path), project=project, host=host, cache=cache)
            beats_placebos(case, draws=2)
            began = time.process_time()
            finding = beats_placebos(case, draws=given.placebos)
            shifted = time.process_time() - began
    print(f"run without scoring: {run:.2f} s; {given.placebos} placebos: {shifted:.2f} s")
    print(f"{shifted / run:.1f} runs; the target is at most {TARGET:.0f}")
    print(finding.evidence)


if __name__ == "__main__":
    main()
