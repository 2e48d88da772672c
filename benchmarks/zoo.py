"""How long the causality check takes over the leak zoo, and whether it tells leaky from honest.

    python benchmarks/zoo.py

Signals and strategies of tests/validate/zoo on the synthetic market, at the cuts that are always
tried. Prints counts and seconds; what must hold is tested in tests/validate/test_zoo.py.
"""

import time
from collections import Counter
from pathlib import Path

from finstrat.components import Signal, Strategy
from finstrat.host import Host
from finstrat.testing import synthetic_market
from finstrat.validate.causality import check

ZOO = Path(__file__).parents[1] / "tests" / "validate" / "zoo"


def main() -> None:
    """Check every signal and strategy of the zoo, once to compile and once to measure."""
    host = Host.load([ZOO], blocked=["bundled", "strategies"])
    market = synthetic_market()
    found = [each.component for base in (Signal, Strategy) for each in host.all(base)]
    counts: Counter[tuple[str, str]] = Counter()
    seconds = []
    for timed in (False, True):
        for component in found:
            began = time.perf_counter()
            report = check(component(), market, seconds=0.0)
            if timed:
                seconds.append(time.perf_counter() - began)
                kind = "leaky" if hasattr(component, "caught_by") else "honest"
                counts[kind, report.outcome] += 1
    for (kind, outcome), count in sorted(counts.items()):
        print(f"{kind:7} {outcome:12} {count:3}")
    seconds.sort()
    print(
        f"{sum(seconds):.1f} s for {len(seconds)} components; "
        f"median {seconds[len(seconds) // 2]:.2f} s, slowest {seconds[-1]:.2f} s"
    )


if __name__ == "__main__":
    main()
