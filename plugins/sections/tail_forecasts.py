"""Value at risk and expected shortfall, forecast a session ahead, and how the forecasts fared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.components import Section
from finstrat.report.assess import column
from finstrat.report.block import Block, Table
from finstrat.report.chart import line_chart, lying_bars
from finstrat.risk import tail_backtest
from finstrat.risk.tail_forecast import WINDOW, Forecast, forecasts, past_of_todays_book

if TYPE_CHECKING:
    from finstrat.report.block import Chart
    from finstrat.risk.figure import Figure
    from finstrat.store import RunResult

LEVELS = (0.95, 0.99)
SHOWN = "filtered historical (GARCH)"
"""The model that the chart shows: the one that follows volatility and keeps the window's shape."""

DOUBT = 0.05
"""A test's p-value below this speaks against a model."""

MEANING = (
    "Each forecast is made at a close for the next session, from the weights held then and the "
    f"last {WINDOW} sessions of those assets; it knows nothing later."
)
NOTE = (
    "A p-value below 0.05 speaks against a model. A dash: no forecast, or too few breaches to be "
    "expected. Basel's light: 99 %, last 250 sessions."
)


class TailForecastsSection(Section):
    """Six models at 95 and 99 %, from the weights held at each close and those assets' past."""

    name = "tail-forecasts"
    version = "1"
    serves = ("backtest", "returns")
    order = 72

    def build(self, result: RunResult) -> Block:
        """How often each was breached, what the tests say of it, and the newest forecast."""
        title = "Tail risk, one session ahead"
        returns = column(result, "net")
        if len(returns) <= WINDOW:
            have = f"the run has {len(returns)}, so there is none."
            text = (f"A forecast rests on {WINDOW} sessions; {have}",)
            return Block(id=self.name, title=title, text=text)
        past = past_of_todays_book(
            result.holdings.to_numpy(dtype=np.float64),
            result.asset_returns.to_numpy(dtype=np.float64),
        )
        made = [each for level in LEVELS for each in forecasts(past, level=level)]
        records = [tail_backtest.record(each, returns) for each in made]
        rows = tuple(_row(each, record) for each, record in zip(made, records, strict=True))
        doubted = [record for record in records if _doubted(record)]
        return Block(
            id=self.name,
            title=title,
            text=(MEANING, f"At 5 %, the tests doubt {len(doubted)} of {len(records)} forecasts."),
            tables=(
                Table(
                    "Forecasts and how they fared",
                    (
                        *("Model", "Level, %", "VaR now, %", "ES now, %", "Breaches, %"),
                        *("Kupiec p", "Independence p", "Coverage p", "Shortfall p", "Basel"),
                    ),
                    rows,
                    note=NOTE,
                ),
            ),
            charts=(
                *_chart(made, returns, result.sessions.index),
                *_breaches(made, records),
                *_newest(made),
            ),
        )


def _breaches(made: list[Forecast], records: list[tail_backtest.Record]) -> tuple[Chart, ...]:
    """How often each forecast was breached, over how often it should have been."""
    found: dict[str, dict[str, float | None]] = {}
    for forecast, record in zip(made, records, strict=True):
        rate = record.breach_rate.value
        share = None if rate is None else rate / (1 - forecast.level)
        found.setdefault(forecast.model, {})[f"{forecast.level:.0%}"] = share
    known = [x for of in found.values() for x in of.values() if x is not None]
    if not known:
        return ()
    return (
        lying_bars(
            found,
            title="Breaches of the value at risk, over those that a right forecast has",
            alt=(
                f"Bars by model and level; 1 is as often as promised. From {min(known):.2f} to "
                f"{max(known):.2f}."
            ),
            axis="times as promised",
            number=".1f",
            mark=1.0,
        ),
    )


def _newest(made: list[Forecast]) -> tuple[Chart, ...]:
    """The expected shortfall that each model forecasts for the session after the last."""
    found: dict[str, dict[str, float | None]] = {}
    for forecast in made:
        loss = float(forecast.es[-1])
        name = f"{forecast.level:.0%}"
        found.setdefault(forecast.model, {})[name] = None if np.isnan(loss) else loss
    known = [x for of in found.values() for x in of.values() if x is not None]
    if not known:
        return ()
    return (
        lying_bars(
            found,
            title="Expected shortfall now, by model",
            alt=f"Bars by model and level, losses from {min(known):.2%} to {max(known):.2%}.",
            axis="loss in the next session",
            number=".1%",
        ),
    )


def _row(forecast: Forecast, record: tail_backtest.Record) -> tuple[str | float | int | None, ...]:
    return (
        forecast.model,
        round(forecast.level * 100),
        _percent(float(forecast.var[-1])),
        _percent(float(forecast.es[-1])),
        None if record.breach_rate.value is None else round(record.breach_rate.value * 100, 2),
        *(
            _rounded(each)
            for each in (record.kupiec, record.independence, record.coverage, record.shortfall)
        ),
        record.light or "–",
    )


def _percent(loss: float) -> float | None:
    return None if np.isnan(loss) else round(loss * 100, 2)


def _rounded(figure: Figure) -> float | None:
    return None if figure.value is None else round(figure.value, 3)


def _doubted(record: tail_backtest.Record) -> bool:
    tests = (record.kupiec, record.independence, record.coverage, record.shortfall)
    return any(each.value is not None and each.value < DOUBT for each in tests)


def _chart(made: list[Forecast], returns: np.ndarray, index: pd.Index) -> tuple[Chart, ...]:
    """Returns against the losses forecast the session before; none without a forecast."""
    lines = {"Net return": returns}
    for forecast in made:
        if forecast.model == SHOWN:
            lines[f"−VaR {forecast.level:.0%}"] = np.concatenate([[np.nan], -forecast.var[:-1]])
    frame = pd.DataFrame(lines, index=index).iloc[WINDOW:]
    if frame.iloc[:, 1:].isna().all(axis=None):
        return ()
    return (
        line_chart(
            frame,
            title=f"Returns and the losses forecast the session before: {SHOWN}",
            alt="Lines over time: daily net returns, and minus the value at risk at 95 and 99 %.",
            axis="fraction of net asset value",
            number=".1%",
            keep="lowest",
        ),
    )
