"""How long a filing takes without a model: reading it, its features, and its change.

    python benchmarks/filings.py FOLDER

Seconds of CPU time for each file of the folder, and the worst of all: parsing into items, reading
(fog, uncertainty, litigiousness), the lexicon's tone, a summary, and the change against the file
itself, which costs what a comparison with another of its size costs.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

from finstrat_plugins.scorers.lexicon import LoughranMcDonald

from finstrat.text.filing import parse_filing
from finstrat.text.filing_change import change
from finstrat.text.filing_files import filing_text, is_filing_file
from finstrat.text.filing_summary import filing_summary
from finstrat.text.readability import reading

STEPS = ("parse", "read", "tone", "summary", "change")


def seconds(path: Path) -> list[float]:
    """CPU time of each of `STEPS` for one file."""
    raw = filing_text(path)
    times = [time.process_time()]
    filing = parse_filing(raw)
    times.append(time.process_time())
    reading(filing.text)
    times.append(time.process_time())
    LoughranMcDonald().score([filing.text])
    times.append(time.process_time())
    filing_summary(filing)
    times.append(time.process_time())
    change(filing, filing)
    times.append(time.process_time())
    return [after - before for before, after in pairwise(times)]


def main() -> None:
    """Measure every filing of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    paths = [path for path in sorted(parser.parse_args().folder.iterdir()) if is_filing_file(path)]
    seconds(paths[0])  # the dictionary is loaded once
    print(f"{'file':45}", *(f"{name:>8}" for name in (*STEPS, "all")))
    worst = 0.0
    for path in paths:
        took = seconds(path)
        worst = max(worst, sum(took))
        print(f"{path.name:45}", *(f"{each:8.3f}" for each in (*took, sum(took))))
    print(f"worst of {len(paths)}: {worst:.3f} s of CPU time")


if __name__ == "__main__":
    main()
