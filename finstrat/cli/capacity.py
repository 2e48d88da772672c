"""`finstrat capacity`: how much money a backtest's strategy could carry."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_json, print_table


def capacity(
    ctx: typer.Context,
    backtest: Annotated[str, typer.Argument(metavar="FILE|NAME", help="Which backtest.")],
    capital: Annotated[
        list[float] | None,
        typer.Option("--capital", help="Money to start with; may be repeated. [1e5 … 1e9]"),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key; may be repeated."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Trade a backtest's targets with ever more capital; nothing is stored, no trial entered.

    Something must depend on size: `costs.impact` of the cost model `detailed`, or
    `execution.participation`; both need the engine `ledger` and prices with volume.
    """
    from finstrat import pipeline
    from finstrat.job import prepare
    from finstrat.market import load_market
    from finstrat.simulate.capacity import CAPITALS
    from finstrat.simulate.capacity import capacity as curve
    from finstrat.text.cache import ScoreCache

    state = ctx.ensure_object(State)
    project = state.project()
    file = project.backtest(backtest).with_assignments(assign or [])
    plan = prepare(file, project=project, host=state.host()).plan
    market = load_market(plan)
    with (
        ScoreCache(project.state / "scores.sqlite") as cache,
        progress_bars() as progress,
    ):
        targets = pipeline.run(plan, market, cache=cache, progress=progress).targets
    rows = market.first, len(market.clock)
    table = curve(
        targets,
        market.panel.slice(*rows),
        rates=plan.costs.rates(market.panel).rows(*rows),
        execution=plan.config.execution,
        capitals=capital or CAPITALS,
        periods_per_year=market.clock.periods_per_year,
        max_gross=plan.config.limits.gross,
    )
    if as_json:
        unknown = table.astype(object).where(table.notna(), None).reset_index()
        print_json(unknown.to_dict(orient="records"))
        return
    print_table(
        ["capital", "net a year", "costs", "Sharpe", "turnover", "orders cut"],
        [
            (
                f"{each:,.0f} {plan.config.market.currency}",
                _percent(row["net"]),
                _percent(row["cost"]),
                "-" if math.isnan(row["sharpe"]) else f"{row['sharpe']:.2f}",
                f"{row['turnover']:.1f}",
                f"{row['unfilled']:,.0f}",
            )
            for each, row in table.iterrows()
        ],
    )


def _percent(value: float) -> str:
    """A fraction in percent; a dash where it is unknown."""
    return "-" if math.isnan(value) else f"{value:.2%}"
