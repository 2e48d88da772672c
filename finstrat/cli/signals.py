"""`finstrat signals`: what a signal says about returns, before anyone trades on it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli import show
from finstrat.cli.backtests import backtests_using, plan_of
from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_json, print_table

if TYPE_CHECKING:
    from finstrat.config import Plan
    from finstrat.risk.figure import Figure
    from finstrat.signals import Progress
    from finstrat.validate.tearsheet import Tearsheet

app = typer.Typer(no_args_is_help=True, help="Look at what signals say about returns.")


@app.callback()
def signals() -> None:
    """Look at what signals say about returns."""


@app.command("report")
def report(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(help="A signal, or one of its outputs, like news-sentiment.tone.")
    ],
    backtest: Annotated[
        str | None, typer.Option(metavar="FILE|NAME", help="On the data of this backtest.")
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key of that backtest."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The tearsheet of each output: information coefficients, their decay, quantiles, turnover.

    NAME is a signal's own name, or that of its table in the backtest. Without --backtest it is
    taken from the first backtest that uses it, the project's own before finstrat's.
    """
    state = ctx.ensure_object(State)
    wanted, _, output = name.partition(".")
    where, plan, table = _found(state, wanted, backtest, assign or [])
    with progress_bars() as progress:
        sheets = _sheets(state, plan, table, output, progress=progress)
    if as_json:
        print_json(
            {
                "backtest": where,
                "outputs": {key: dataclasses.asdict(sheet) for key, sheet in sheets.items()},
            }
        )
        return
    for key, sheet in sheets.items():
        _print(f"{key} in backtest {where}", sheet)


def _found(
    state: State, wanted: str, backtest: str | None, assign: list[str]
) -> tuple[str, Plan, str]:
    """The backtest, its plan, and the table of the signal in it."""
    from finstrat.components import Signal
    from finstrat.errors import ConfigError, did_you_mean

    def table_in(plan: Plan) -> str | None:
        named = [key for key, signal in plan.signals.items() if wanted in {key, signal.name}]
        return named[0] if named else None

    if backtest is not None:
        plan = plan_of(state, backtest, assign)
        table = table_in(plan)
        if table is None:
            hint = did_you_mean(wanted, plan.signals)
            raise ConfigError(f'backtest {backtest} has no signal "{wanted}"{hint}')
        return backtest, plan, table
    if assign:
        raise ConfigError("--set: say which backtest it is for with --backtest")
    component = state.host().get(Signal, wanted).component
    for using in backtests_using(state, component):
        table = table_in(using.plan)
        if table is not None:
            return using.backtest, using.plan, table
    raise ConfigError(
        f'no backtest uses the signal "{wanted}"; write one and give it by --backtest'
    )


def _sheets(
    state: State, plan: Plan, table: str, output: str, *, progress: Progress
) -> dict[str, Tearsheet]:
    """The tearsheets of one signal's asset-level outputs, by "table.output"."""
    from finstrat.errors import ConfigError, did_you_mean
    from finstrat.market import load_market
    from finstrat.pipeline import inputs_over, pick_device
    from finstrat.signals import Scores, compute_signals
    from finstrat.text.cache import ScoreCache
    from finstrat.validate.tearsheet import tearsheet

    signal = plan.signals[table]
    if signal.scope != "asset":
        raise ConfigError(
            f'signals report: "{signal.name}" is about the market as a whole; a tearsheet compares '
            "assets"
        )
    if output and output not in signal.outputs:
        hint = did_you_mean(output, signal.outputs)
        raise ConfigError(f'signals report: "{signal.name}" has no output "{output}"{hint}')
    progress("data", 0, 1)
    market = load_market(plan)
    progress("data", 1, 1)
    with ScoreCache(state.project().state / "scores.sqlite") as cache:
        scores = Scores(
            plan, market.documents, cache=cache, device=pick_device("auto"), progress=progress
        )
        inputs = inputs_over(plan, market, scores)
        features = {
            key: values.cpu().numpy() for key, values in compute_signals(plan, inputs).items()
        }
    across = {key: values for key, values in features.items() if values.ndim > 1}
    keys = [f"{table}.{each}" for each in signal.outputs if output in {"", each}]
    return {
        key: tearsheet(
            across[key],
            market.panel,
            fill=plan.config.execution.fill,
            others={other: values for other, values in across.items() if other != key},
            first=market.first,
        )
        for key in keys
    }


def _print(title: str, sheet: Tearsheet) -> None:
    rows = [
        ("same session (not tradable)", *_cells(sheet.same_session)),
        ("next session, filled at this close", *_cells(sheet.next_session)),
        *(
            (f"{horizon} session{'s' if horizon > 1 else ''} from the next fill", *_cells(figure))
            for horizon, figure in sheet.forward.items()
        ),
    ]
    columns = ["rank IC with the return of", "mean", "90 % interval", "HAC t", "sessions"]
    print_table(columns, rows, title=title)
    fifths = [(f"fifth {i}", *_cells(each)) for i, each in enumerate(sheet.quantiles, start=1)]
    rows = [*fifths, ("highest less lowest", *_cells(sheet.spread))]
    columns = ["mean return over 1 session from the next fill", *columns[1:]]
    print_table(columns, rows)
    steady = {
        "turnover a session": sheet.turnover,
        "coverage of the members": sheet.coverage,
        "autocorrelation": sheet.autocorrelation,
        **{f"correlation with {key}": each for key, each in sheet.correlations.items()},
    }
    print_table(
        ["signal", "mean", "90 % interval"],
        [(words, *_cells(figure)[:2]) for words, figure in steady.items()],
    )


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    from finstrat.validate.tearsheet import t_statistic

    plain: dict[str, Any] = figure.to_dict()
    digits = "{:.4f}" if figure.unit == "ratio" else "{:.3%}"
    if figure.value is None:
        return show.value(plain), "", "", f"{figure.n:,}"
    interval = " … ".join(digits.format(bound) for bound in figure.ci) if figure.ci else ""
    t = t_statistic(figure)
    return digits.format(figure.value), interval, "" if t is None else f"{t:.2f}", f"{figure.n:,}"
