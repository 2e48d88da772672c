"""A sweep as a report: its verdict, where in the grid it earned what, and every configuration.

It shows what was computed elsewhere; only medians over the keys that a chart leaves out are taken
here.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.report.block import Block, Table
from finstrat.report.build import assembled, block_as_json
from finstrat.report.heat_map import heat_map
from finstrat.risk.conventions import known, unknown
from finstrat.sweep.outcome import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.report.block import Chart
    from finstrat.sweep.grid import Configuration, Grid
    from finstrat.sweep.outcome import Outcome
    from finstrat.validate.verdict import Verdict

MOST_CHARTS = 6
"""Pairs of keys shown: four keys have six."""

MOST_ROWS = 50
"""Configurations in the table of the best; the CSV has all."""

HEADLINE = (
    ("Sharpe ratio of the best", "sharpe", "sharpe.arithmetic"),
    ("The same, less the twin", "sharpe_over_twin", "sharpe.over-twin"),
    ("Yearly growth", "cagr", "return.cagr"),
    ("Maximum drawdown", "max_drawdown", "drawdown.maximum"),
    ("Turnover", "turnover", "turnover.annual"),
)

LABELS = {
    "sharpe": "Sharpe ratio",
    "sharpe_over_twin": "Sharpe ratio over the twin",
    "cagr": "growth a year",
    "volatility": "volatility",
    "max_drawdown": "maximum drawdown",
    "turnover": "turnover a year",
    "costs": "costs a year",
    "exposure": "exposure",
}


def shown(value: Any) -> str:  # noqa: ANN401 - a TOML value
    """A value of a grid as a reader knows it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def told(values: dict[str, Any]) -> str:
    """One configuration in words, like "strategy.k = 3, costs.fee_bps = 5"."""
    return ", ".join(f"{key} = {shown(value)}" for key, value in values.items())


def sweep_report(
    name: str,
    grid: Grid,
    configurations: Sequence[Configuration],
    outcomes: Sequence[Outcome],
    *,
    measure: str,
    verdict: Verdict,
    span: dict[str, Any],
    provenance: dict[str, Any],
) -> dict[str, Any]:
    """The report of a whole sweep, by the keys of any other; outcomes are in the grid's order."""
    done = sorted(
        (each for each in outcomes if each.ok),
        key=lambda each: -np.nan_to_num(getattr(each.statistics, measure), nan=-np.inf),
    )
    best = done[0]
    sessions = span["sessions"]
    headline = []
    for label, key, convention in HEADLINE:
        value = getattr(best.statistics, key)
        if math.isnan(value):
            if key != "sharpe_over_twin":
                figure = unknown(convention, n=sessions, reason="the account can't be measured so")
                headline.append((label, figure))
            continue
        headline.append((label, known(convention, value, n=sessions)))
    by_place = {each.place: each for each in configurations}
    blocks = [
        Block(
            id="grid",
            title="Over the grid",
            text=(
                f"Each cell is the median {LABELS[measure]} over the keys that a chart leaves out.",
                "A good region says more than a good cell.",
            ),
            charts=tuple(_charts(grid, by_place, outcomes, measure)),
        ),
        Block(
            id="luck",
            title="How likely it is luck",
            text=tuple(check.evidence for check in verdict.checks),
            figures=tuple(figure for check in verdict.checks for figure in check.figures),
        ),
        Block(
            id="best",
            title="The best configurations",
            tables=(_table(grid, [(by_place[e.place], e) for e in done[:MOST_ROWS]], len(done)),),
        ),
    ]
    lost = [each for each in outcomes if not each.ok]
    if lost:
        blocks.append(
            Block(
                id="failed",
                title="What failed or was refused",
                status="warning",
                tables=(
                    Table(
                        f"{len(lost):,} of {len(outcomes):,}",
                        (*grid.axes, "why"),
                        tuple(
                            (*_cells(by_place[each.place].values), each.outcome)
                            for each in lost[:MOST_ROWS]
                        ),
                    ),
                ),
            )
        )
    return assembled(
        kind="sweep",
        name=name,
        span=span,
        verdict=verdict,
        headline=tuple(headline),
        blocks=[block_as_json(block) for block in blocks],
        provenance=provenance,
    )


def _charts(
    grid: Grid,
    by_place: dict[int, Configuration],
    outcomes: Sequence[Outcome],
    measure: str,
) -> list[Chart]:
    """A heat map for every pair of keys that vary; one row where only one does."""
    varied = [key for key, values in grid.axes.items() if len(values) > 1] or list(grid.axes)[:1]
    pairs: list[tuple[str, str | None]] = list(itertools.combinations(varied, 2)) or [
        (varied[0], None)
    ]
    charts = []
    for x, y in pairs[:MOST_CHARTS]:
        groups: dict[tuple[str, str], list[float]] = {}
        for each in outcomes:
            values = by_place[each.place].values
            row = shown(values[y]) if y else "all"
            groups.setdefault((shown(values[x]), row), []).append(getattr(each.statistics, measure))
        cells: list[dict[str, Any]] = []
        for (column, row), numbers in groups.items():
            kept = [number for number in numbers if not math.isnan(number)]
            cells.append(
                {
                    x: column,
                    y or "": row,
                    "median": round(float(np.median(kept)), 4) if kept else None,
                    "best": round(max(kept), 4) if kept else None,
                    "configurations": len(numbers),
                }
            )
        # In the order of the grid, not of the outcomes.
        columns, rows = ([shown(v) for v in grid.axes[k]] if k else ["all"] for k in (x, y))
        cells.sort(key=lambda cell: (rows.index(cell[y or ""]), columns.index(cell[x])))
        over = f"{x} and {y}" if y else x
        charts.append(
            heat_map(
                cells,
                x=x,
                y=y or "",
                figure="median",
                title=f"{LABELS[measure]} by {over}",
                alt=f"Heat map of the median {LABELS[measure]} by {over}.{_extremes(cells)}",
                also=("best", "configurations"),
            )
        )
    return charts


def _extremes(cells: list[dict[str, Any]]) -> str:
    numbers = [cell["median"] for cell in cells if cell["median"] is not None]
    return f" From {min(numbers):.2f} to {max(numbers):.2f}." if numbers else ""


def _table(grid: Grid, rows: Sequence[tuple[Configuration, Outcome]], count: int) -> Table:
    """The best configurations, the best first."""
    names = [
        name for name in NAMES if any(not math.isnan(getattr(o.statistics, name)) for _, o in rows)
    ]
    return Table(
        f"The best {len(rows):,} of {count:,}",
        (*grid.axes, *(LABELS[name] for name in names)),
        tuple(
            (
                *_cells(configuration.values),
                *(_rounded(getattr(outcome.statistics, name)) for name in names),
            )
            for configuration, outcome in rows
        ),
        note="Fractions, a year where it says so. sweep.csv has every configuration.",
    )


def _cells(values: dict[str, Any]) -> list[str | float | int | None]:
    return [
        value if isinstance(value, int | float) and not isinstance(value, bool) else shown(value)
        for value in values.values()
    ]


def _rounded(number: float) -> float | None:
    return None if math.isnan(number) else float(f"{number:.4g}")
