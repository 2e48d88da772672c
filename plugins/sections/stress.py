"""What could be lost: the worst so far, today's holdings in falls that have names, and shocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat import risk
from finstrat.components import Section
from finstrat.report.assess import column, risk_free_of, session_dates
from finstrat.report.block import Block, Table
from finstrat.report.chart import lying_bars
from finstrat.risk import stress
from finstrat.risk.attribution import variance_shares
from finstrat.risk.correlation import AS_WORST, TO_ONE, Breakdown, correlation_breakdown
from finstrat.risk.falls import FALLS, PROXY, replay
from finstrat.risk.reverse import HORIZON, ReverseStress, reverse_stress
from finstrat.validate.verdict import recorded_figures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.report.block import Chart
    from finstrat.store import RunResult

LENGTHS = (1, 5, 21, 63)
"""Sessions of the worst stretches: a day, a week, a month, a quarter."""

PAST = 252
"""Sessions that today's correlations rest on."""

MEANING = (
    "Shocks move what was measured and keep everything else; none says how likely it is. Replays "
    "hold today's weights from a fall's first day to its last."
)

FACTORS = "Shocks of factors go by the betas of the run's whole span."

MOST = 15
"""How many holdings the reverse stress lists."""

FALL = 0.20
HALF = 0.50
LOSS = 0.20


class StressSection(Section):
    """Worst stretches, named falls with the last holdings, shocks of market and correlations."""

    name = "stress"
    version = "1"
    serves = ("backtest", "returns")
    order = 74

    def build(self, result: RunResult) -> Block:
        """Shocks as figures; stretches and replays as tables."""
        net, years = column(result, "net"), result.periods_per_year
        beta = risk.benchmark_exposure(
            net, column(result, "benchmark"), periods_per_year=years, risk_free=risk_free_of(result)
        ).beta
        weights = np.nan_to_num(result.holdings.to_numpy(dtype=np.float64)[-1])
        returns = result.asset_returns.to_numpy(dtype=np.float64)
        past = returns[-PAST:]
        names = [str(name) for name in result.holdings.columns]
        broken = correlation_breakdown(weights, returns, window=PAST, periods_per_year=years)
        reverse = reverse_stress(weights, past, loss=LOSS)
        recorded = result.checks.get("factors")
        factors = (
            recorded_figures({"figures": recorded.get("stress", [])})
            if isinstance(recorded, dict)
            else ()
        )
        prices = (
            (
                (f"If every price falls by {FALL:.0%}", stress.price_shock(weights, -FALL)),
                (
                    f"If the largest holding moves against the account by {HALF:.0%}",
                    stress.name_shock(weights, names, HALF),
                ),
            )
            if result.kind == "backtest"
            else ()
        )
        return Block(
            id=self.name,
            title="Stress",
            text=(MEANING, FACTORS) if factors else (MEANING,),
            figures=(
                (f"If the benchmark falls by {FALL:.0%}", stress.market_fall(beta, FALL)),
                (f"Benchmark's fall that costs {LOSS:.0%}", stress.fall_that_costs(beta, LOSS)),
                (
                    "Volatility of today's holdings",
                    variance_shares(weights, past, periods_per_year=years).volatility,
                ),
                (
                    "The same, if all correlations were 1",
                    stress.volatility_when_all_moves_together(
                        weights, past, periods_per_year=years
                    ),
                ),
                *(
                    (f"The same, correlations {each.name}", each.volatility)
                    for each in broken
                    if each.name in {TO_ONE, AS_WORST}
                ),
                *prices,
                (
                    f"Prices' joint move that costs {LOSS:.0%}, in standard deviations",
                    reverse.distance,
                ),
                *factors,
            ),
            charts=_shortfalls(broken),
            tables=(
                *_correlations(broken, session_dates(result)),
                *_moves(reverse, weights, names),
                _stretches(net, session_dates(result)),
                _replays(weights, returns, session_dates(result)),
            ),
        )


def _stretches(net: NDArray[np.float64], days: NDArray[np.datetime64]) -> Table:
    rows = []
    for length in LENGTHS:
        worst = stress.worst_stretch(net, length)
        if worst:
            first, last = str(days[worst.first]), str(days[worst.last])
            rows.append((length, first, last, round(worst.value * 100, 2)))
    columns = ("Sessions", "First", "Last", "Net return, %")
    return Table("Worst stretches so far", columns, tuple(rows))


def _replays(
    weights: NDArray[np.float64], returns: NDArray[np.float64], days: NDArray[np.datetime64]
) -> Table:
    """Each named fall, with the weights of the last session; prices are those of the run's span."""
    known = ~np.isnan(returns)
    seen = np.maximum.accumulate(known, axis=0)
    close = np.where(seen, np.cumprod(1.0 + np.where(known, returns, 0.0), axis=0), np.nan)
    rows: list[tuple[str | float | None, ...]] = []
    for fall in FALLS:
        found = replay(fall, weights, close, days)
        if found.loss is None or found.deepest is None:
            rows.append((fall.name, None, None, None, found.reason_if_null))
            continue
        percent = (round(x * 100, 2) for x in (found.loss, found.deepest, found.proxied))
        rows.append((fall.name, *percent, ""))
    columns = ("Fall", "Loss, %", "Deepest on the way, %", "Without own prices, %", "Why not")
    return Table("Today's holdings in falls of the stock market", columns, tuple(rows), note=PROXY)


def _correlations(broken: tuple[Breakdown, ...], days: NDArray[np.datetime64]) -> tuple[Table, ...]:
    """Volatility and expected shortfall under each set of correlations; no table where none is."""
    if broken[0].volatility.value is None:
        return ()
    rows = tuple(
        (
            each.name + (f", to {days[each.last]}" if each.last is not None else ""),
            None if each.mean is None else round(each.mean, 3),
            _percent(each.volatility.value),
            _percent(each.shortfall.value),
        )
        for each in broken
    )
    columns = ("Correlations", "Mean", "Volatility a year, %", "Expected shortfall, %")
    note = (
        f"Volatilities are those of the last {PAST} sessions throughout. Expected shortfall: one "
        "session, 95 %, normal. Near 1 a long book loses its spread, near 0 a hedge fails."
    )
    return (Table("If correlations break down", columns, rows, note=note),)


def _shortfalls(broken: tuple[Breakdown, ...]) -> tuple[Chart, ...]:
    """Expected shortfall under each set of correlations; none where none is known."""
    found = {each.name: each.shortfall.value for each in broken}
    known = [f"{name}, {value:.2%}" for name, value in found.items() if value is not None]
    if not known:
        return ()
    return (
        lying_bars(
            {name: {"Expected shortfall": value} for name, value in found.items()},
            title="Expected shortfall by the correlations of what is held",
            alt=f"Bars of the expected shortfall of one session: {'; '.join(known)}.",
            axis="loss in one session, 95 %, normal",
            number=".1%",
        ),
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else round(float(share) * 100, 2)


def _moves(
    reverse: ReverseStress, weights: NDArray[np.float64], names: list[str]
) -> tuple[Table, ...]:
    """The likeliest move of today's holdings that costs so much, the costliest part first."""
    if reverse.distance.value is None:
        return ()
    cost = weights * reverse.moves
    order = sorted(np.flatnonzero(weights), key=lambda i: (cost[i], names[i]))
    rows = tuple(
        (names[i], _percent(weights[i]), _percent(reverse.moves[i]), _percent(cost[i]))
        for i in order[:MOST]
    )
    note = (
        f"By the covariance of the last {PAST} sessions, {reverse.distance.value:.1f} standard "
        f"deviations of {HORIZON} sessions long, without drift; any other move that costs as much "
        "is longer."
    ) + (f" The {MOST} costliest of {len(order)} holdings." if len(order) > MOST else "")
    columns = ("Asset", "Weight, %", "Move, %", "Cost, %")
    return (Table(f"Likeliest move that costs {LOSS:.0%}", columns, rows, note=note),)
