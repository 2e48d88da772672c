"""Whether `revenue-forecast` foretells a quarter's growth better than saying nothing changes.

    python benchmarks/revenue_forecast.py FOLDER AAPL=320193 MRVL=1835632

FOLDER holds company facts as data.sec.gov gives them. For each company and for all together: how
many quarters were foretold, and 1 − the squared error of the forecasts over that of the growth
reported last ("no change") and of the company's own mean growth so far. Above 0 = better. No price
is used; the sessions are those of the New York Stock Exchange.
"""

from __future__ import annotations

import argparse
import datetime as dt
from itertools import pairwise
from pathlib import Path

import numpy as np
from finstrat_plugins.signals.revenue_forecast import RevenueForecast, quarters_of
from finstrat_plugins.sources.sec_facts import SecCompanyFacts

from finstrat.data import Clock, Documents, Panel, Span, Universe
from finstrat.validate.causality import World


def skill(cases: np.ndarray) -> tuple[float, float]:
    """1 − the error of the forecast over those of the two others; columns truth, then all three."""
    errors = [((cases[:, 0] - cases[:, column]) ** 2).sum() for column in (1, 2, 3)]
    return 1.0 - errors[0] / errors[1], 1.0 - errors[0] / errors[2]


def main() -> None:
    """Measure every company, and all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("company", nargs="+", help="ASSET=CIK")
    given = parser.parse_args()
    companies = {name: int(cik) for name, _, cik in (each.partition("=") for each in given.company)}
    universe = Universe(assets=tuple(companies))
    source = SecCompanyFacts({"path": given.folder, "companies": companies})
    facts = source.load(universe, Span(dt.date(2000, 1, 1), dt.date(2100, 1, 1)))
    days = facts.frame["known_at"].dt.date
    clock = Clock.build("XNYS", Span(days.min(), days.max() + dt.timedelta(days=5)))
    prices = np.ones((len(clock), len(companies)))
    world = World(
        panel=Panel.from_fields(clock.sessions, tuple(companies), {"close": prices}),
        clock=clock,
        documents=Documents.empty(),
        facts=facts,
    )
    said = RevenueForecast().compute(world.inputs()).numpy()[:, :, 0]
    growth, _, first = quarters_of(world.inputs())
    print(f"{'company':10} {'quarters':>8} {'no change':>10} {'own mean':>10}")
    everything = []
    for column, name in enumerate(companies):
        events = np.flatnonzero(first[:, column])
        cases = np.array(
            [
                (
                    growth[after, column],
                    said[row, column],
                    growth[row, column],
                    np.nanmean(growth[events[events <= row], column]),
                )
                for row, after in pairwise(events)
            ]
        )
        cases = cases[~np.isnan(cases).any(axis=1)]
        everything.append(cases)
        print(f"{name:10} {len(cases):8}", *(f"{each:10.2f}" for each in skill(cases)))
    together = np.concatenate(everything)
    print(f"{'all':10} {len(together):8}", *(f"{each:10.2f}" for each in skill(together)))


if __name__ == "__main__":
    main()
