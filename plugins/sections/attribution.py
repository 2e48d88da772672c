"""Where the return came from, by factors and by groups, and today's variance, by holdings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.components import Section
from finstrat.data.entities import Entities
from finstrat.report.block import Block, Table
from finstrat.report.chart import lying_bars
from finstrat.risk.attribution import variance_shares
from finstrat.risk.brinson import brinson_fachler
from finstrat.validate.verdict import recorded_figures

if TYPE_CHECKING:
    from finstrat.report.assess import Labelled
    from finstrat.report.block import Chart
    from finstrat.risk.brinson import Brinson
    from finstrat.store import RunResult

PAST = 252
"""Sessions that today's covariance rests on."""

MOST = 15
"""How many holdings the table lists."""

FACTORS_ABSENT = (
    "No factors were given; finstrat report with --factors FILE explains the return by those of "
    "Fama and French, or by any others."
)


class AttributionSection(Section):
    """Factor loadings with what each earned, groups against the benchmark, shares of variance."""

    name = "attribution"
    version = "1"
    serves = ("backtest", "returns")
    order = 71

    def build(self, result: RunResult) -> Block:
        """The recorded regression on factors, Brinson and Fachler's effects, variance shares."""
        record = result.checks.get("factors")
        figures: Labelled = recorded_figures(record) if isinstance(record, dict) else ()
        text = (str(record["evidence"]),) if isinstance(record, dict) else (FACTORS_ABSENT,)
        found = _brinson(result) if result.kind == "backtest" else None
        shares = _shares(result) if result.kind == "backtest" else ()
        return Block(
            id=self.name,
            title="Attribution",
            text=text,
            figures=figures,
            tables=(*shares,) if found is None else (_by_group(found), *shares),
            charts=() if found is None else (_effects(found),),
        )


def _brinson(result: RunResult) -> Brinson | None:
    """Brinson and Fachler's effects, where the benchmark's weights and all groups are known."""
    market = result.config.get("market", {})
    groups = _groups(result)
    names = [str(name) for name in result.holdings.columns]
    if market.get("benchmark") != "equal-weight" or not set(names) <= set(groups):
        return None
    # What is held at a close earns the next session's return.
    weights = np.nan_to_num(result.holdings.to_numpy(dtype=np.float64)[:-1])
    returns = result.asset_returns.to_numpy(dtype=np.float64)[1:]
    if not len(returns):
        return None
    known = ~np.isnan(returns)
    equal = known / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return brinson_fachler(weights, equal, returns, [groups[name] for name in names])


def _effects(found: Brinson) -> Chart:
    """Allocation and selection of each group."""
    most = max(found.effects, key=lambda each: each.allocation + each.selection)
    least = min(found.effects, key=lambda each: each.allocation + each.selection)
    return lying_bars(
        {
            each.group: {"Allocation": each.allocation, "Selection": each.selection}
            for each in found.effects
        },
        title="Effects by group, of the initial capital",
        alt=(
            f"Bars of allocation and selection by group; most came from {most.group}, "
            f"{most.allocation + most.selection:+.1%} of the initial capital, least from "
            f"{least.group}, {least.allocation + least.selection:+.1%}."
        ),
        axis="share of the initial capital",
        number=".0%",
    )


def _by_group(found: Brinson) -> Table:
    """The same as a table."""
    rows = tuple(
        (
            each.group,
            round(each.weight * 100, 2),
            round(each.benchmark_weight * 100, 2),
            round(each.allocation * 100, 2),
            round(each.selection * 100, 2),
        )
        for each in found.effects
    )
    note = (
        f"Effects are shares of the initial capital, linked over time (Cariño, 1999); they sum to "
        f"{found.excess * 100:,.2f} %, by which holding each close's weights through the next "
        "session, before costs, grew more than the equal-weighted benchmark."
    )
    columns = ("Group", "Weight, %", "Benchmark, %", "Allocation, %", "Selection, %")
    return Table("Against the benchmark, by group", columns, rows, note=note)


def _groups(result: RunResult) -> dict[str, str]:
    """Each asset's group: those of the backtest's limits, else those of the bundled table."""
    declared = result.config.get("limits", {}).get("groups", {})
    if declared:
        return {asset: name for name, group in declared.items() for asset in group["assets"]}
    return dict(Entities.bundled().groups)


def _shares(result: RunResult) -> tuple[Table, ...]:
    """Weights of the last session and their parts of the variance, by holding and by group."""
    weights = np.nan_to_num(result.holdings.to_numpy(dtype=np.float64)[-1])
    past = result.asset_returns.to_numpy(dtype=np.float64)[-PAST:]
    found = variance_shares(weights, past, periods_per_year=result.periods_per_year)
    title, columns = "Share of today's variance", ("Asset", "Weight, %", "Share of variance, %")
    if found.volatility.value is None:
        return (Table(title, columns, (), note=f"None: {found.volatility.reason_if_null}."),)
    names = [str(name) for name in result.holdings.columns]
    order = sorted(range(len(names)), key=lambda i: (-abs(found.shares[i]), names[i]))
    rows: tuple[tuple[Any, ...], ...] = tuple(
        (names[i], round(weights[i] * 100, 2), round(found.shares[i] * 100, 2))
        for i in order[:MOST]
        if weights[i] != 0.0
    )
    note = (
        f"Of a yearly volatility of {found.volatility.value:.1%}, over the last "
        f"{found.volatility.n} sessions of those assets; below zero, a holding offsets others."
    )
    groups = _groups(result)
    held = [i for i in order if weights[i] != 0.0]
    if not {names[i] for i in held} <= set(groups):
        return (Table(title, columns, rows, note=note),)
    by_group: dict[str, list[float]] = {}
    for i in held:
        both = by_group.setdefault(groups[names[i]], [0.0, 0.0])
        both[0] += weights[i]
        both[1] += found.shares[i]
    largest = sorted(by_group.items(), key=lambda each: (-abs(each[1][1]), each[0]))
    grouped = tuple(
        (name, round(weight * 100, 2), round(share * 100, 2)) for name, (weight, share) in largest
    )
    return (
        Table(title, columns, rows, note=note),
        Table(f"{title}, by group", ("Group", *columns[1:]), grouped),
    )
