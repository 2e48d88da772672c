"""`finstrat sweep`: one backtest in many configurations, and how likely the best is luck."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import typer

from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_json, print_table, shown_path

SHOWN = 10
"""Configurations printed; the files have all."""


def sweep(
    ctx: typer.Context,
    backtest: Annotated[str, typer.Argument(metavar="FILE|NAME", help="Which backtest.")],
    grid: Annotated[
        list[str] | None,
        typer.Option("--grid", metavar="a.b=v,w,…", help="A key and its values; repeat for more."),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key for all; may be repeated."),
    ] = None,
    *,
    memory: Annotated[
        str, typer.Option(help='Most memory to take, like "4GB".', show_default="half of it all")
    ] = "",
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where tensors live.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Run a backtest in every combination of the values given, sharing what they have in common.

    Each combination is entered as a trial. A sweep that was interrupted goes on where it was when
    the same command is given again.
    """
    from finstrat import sweep as sweeping
    from finstrat.sweep.grid import Grid
    from finstrat.sweep.memory import half_of_the_machine, parse_bytes

    state = ctx.ensure_object(State)
    wanted = Grid.parse(grid or [])
    budget = parse_bytes(memory) if memory else half_of_the_machine()
    project = state.project()
    file = project.backtest(backtest).with_assignments(assign or [])
    with progress_bars() as progress:
        path = sweeping.sweep(
            file,
            wanted,
            project=project,
            host=state.host(),
            budget=budget,
            device=device,
            progress=progress,
        )
    found = json.loads((path / "sweep.json").read_text(encoding="utf-8"))
    if as_json:
        print_json(found)
        return
    _print(found)
    typer.echo(f"heat maps: {shown_path(path / 'sweep.html')}")


def _print(found: dict[str, Any]) -> None:
    """The best configurations, what came of all, and the verdict."""
    measure = found["measure"]
    done = [each for each in found["configurations"] if each["outcome"] == "ok"]
    done.sort(key=lambda each: each[measure] is None or -each[measure])
    names = {
        "sharpe": "Sharpe",
        "sharpe_over_twin": "Sharpe over twin",
        "cagr": "growth",
        "max_drawdown": "drawdown",
        "turnover": "turnover",
    }
    told = {key: title for key, title in names.items() if any(e[key] is not None for e in done)}
    print_table(
        [*found["grid"], *told.values()],
        [
            (
                *(str(value) for value in each["values"].values()),
                *(_number(each[key], key) for key in told),
            )
            for each in done[:SHOWN]
        ],
        title=f"the best of {len(done):,}",
    )
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(found["outcomes"].items()))
    typer.echo(f"configurations: {counts}")
    typer.echo(found["report"]["verdict"]["sentence"])


def _number(value: float | None, key: str) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if key in {"cagr", "max_drawdown"} else f"{value:.2f}"
