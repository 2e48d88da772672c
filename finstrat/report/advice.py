"""The page of advice, and its chart of the efficient frontier.

It draws what `finstrat.advice` told and computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, ORANGE, SCHEMA
from finstrat.report.document import (
    TONES,
    Document,
    Line,
    Lines,
    Opening,
    Part,
    Passage,
)
from finstrat.report.explanation import passage
from finstrat.risk.conventions import known, unknown

if TYPE_CHECKING:
    from finstrat.report.assess import Labelled


def document_of(told: dict[str, Any], *, standing: str) -> Document:
    """The document of what `finstrat.advice.advise.advise` told."""
    verdict, profile = told["verdict"], told["profile"]
    figures = told["figures"]
    return Document(
        kind="advice",
        name=f"Advice for {profile['name']}",
        kicker=f"Advice · {profile['backtest']} · {profile['risk']}",
        standing=standing,
        span={
            "start": told["decided_on"],
            "end": told["as_of"],
            "sessions": told["sessions_since_decision"],
        },
        opening=Opening(
            tone=TONES[verdict["outcome"]],
            title=summary(told),
            sentences=(
                f"Data up to {told['as_of']}. The backtest it stands on: {verdict['sentence']}",
                told["limits"][0],
            ),
        ),
        headline=headline(told),
        blocks=tuple(_blocks(told)),
        lines={
            "reasons": tuple(
                Lines(asset, tuple(Line(each["text"], each["source"]) for each in reasons))
                for asset, reasons in told["reasons"].items()
            )
        },
        passages={"sources": tuple(_source(*each) for each in told["sources"].items())},
        provenance={"scenarios": figures["scenarios"], "config": told["config"]["name"]},
    )


def summary(told: dict[str, Any]) -> str:
    """The allocation in a line."""
    figures = told["figures"]
    count = sum(row["weight"] > 0 for row in told["allocation"] if row["asset"] != "CASH")
    return f"{figures['invested']:.1%} in {count} stocks, {figures['cash']:.1%} in cash"


def headline(told: dict[str, Any]) -> Labelled:
    """The figures a reader looks for first."""
    figures, n = told["figures"], told["figures"]["scenarios"]
    falls = [each["deepest"] for each in told["falls"] if each["deepest"] is not None]
    worst = (
        known("advice.replay", max(falls), n=len(falls))
        if falls
        else unknown("advice.replay", n=0, reason="no named fall lies within the prices")
    )
    return (
        (
            "Mean loss in the worst months",
            known("advice.shortfall-month-95", figures["shortfall"], n=n),
        ),
        ("What you can bear", known("advice.bearable", figures["bearable"], n=1)),
        ("Deepest fall replayed", worst),
        (
            "Assumed return above cash",
            known("advice.expected-return", figures["expected_return"], n=1),
        ),
        ("In stocks", known("advice.invested", figures["invested"], n=1)),
        ("Cost of the trades", known("advice.cost", told["trades"]["costs_of_value"], n=1)),
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}".replace("-", "\u2212")


def _money(value: float, currency: str) -> str:
    return f"{value:,.0f} {currency}".replace("-", "\u2212")


def _traded(trades: dict[str, Any], money: str) -> str:
    return (
        f"Costs {_money(trades['costs'], money)} ({trades['costs_of_value']:.3%} of the account), "
        f"estimated at the last closes; {_money(trades['cash_after'], money)} stay in cash, what "
        "whole lots leave over among them."
    )


def _blocks(told: dict[str, Any]) -> list[Block]:
    """Allocation, reasons, trades, falls, glide path, what is not known, sources."""
    money, value = told["currency"], told["value"]
    return [
        Block(
            id="allocation",
            title="What to hold",
            tables=(
                Table(
                    "Allocation",
                    ("Asset", "Weight", f"Value {money}", "Now", "Assumed return above cash"),
                    tuple(
                        (
                            row["asset"],
                            _percent(row["weight"]),
                            _money(row["weight"] * value, money),
                            _percent(row["weight_now"]),
                            _percent(row["expected_return"]),
                        )
                        for row in told["allocation"]
                    ),
                ),
            ),
            charts=_frontier_chart(told),
        ),
        Block(
            id="reasons",
            title="Why these stocks",
            text=("A sentence that rests on a text, a fact or a figure leads to it.",),
        ),
        Block(
            id="trades",
            title="What to trade",
            text=(_traded(told["trades"], money),),
            tables=(
                Table(
                    "Orders",
                    ("Asset", "Side", "Shares", "Price", f"Value {money}", "Cost"),
                    tuple(
                        (
                            row["asset"],
                            row["side"],
                            round(row["shares"], 4),
                            round(row["price"], 4),
                            round(row["value"], 2),
                            round(row["cost"], 2),
                        )
                        for row in told["trades"]["rows"]
                    ),
                ),
            ),
        ),
        Block(
            id="falls",
            title="What it would have lost",
            text=("Bought on the first day and held; cash earns nothing. A minus is a gain.",),
            tables=(
                Table(
                    "Falls of the stock market",
                    ("Fall", "From", "To", "Lost", "Deepest on the way", "Without own prices"),
                    tuple(
                        (
                            each["name"],
                            each["start"],
                            each["end"],
                            _percent(each["loss"]),
                            _percent(each["deepest"]),
                            each["reason_if_null"] or _percent(each["proxied"]),
                        )
                        for each in told["falls"]
                    ),
                    note=told["proxy_rule"],
                ),
            ),
        ),
        Block(
            id="glide-path",
            title="The years to come",
            text=(told["glide_rule"],),
            tables=(
                Table(
                    "Glide path, at today's prices",
                    ("Year", "Mean loss in the worst months at most", "In stocks"),
                    tuple(
                        (
                            f"{each['year']:g}",
                            _percent(each["bearable"]),
                            _percent(each["invested"]),
                        )
                        for each in told["glide_path"]
                    ),
                ),
            ),
        ),
        Block(
            id="unknown",
            title="What is not known",
            tables=(Table("Not known", ("What",), tuple((each,) for each in told["unknown"])),),
        ),
        Block(
            id="limits",
            title="What this is not",
            tables=(Table("Limits", ("What",), tuple((each,) for each in told["limits"])),),
        ),
        Block(
            id="sources",
            title="Sources",
            text=("The rows that the reasons rest on, as the pipeline had them.",),
        ),
    ]


def _source(key: str, row: dict[str, Any]) -> Passage:
    """A source row as a passage; a document with the words behind its score marked."""
    if row["kind"] == "document":
        told = passage(row)
        return Passage(key, told.parts, told.source)
    shown = {name: each for name, each in row.items() if name not in {"kind", "session"}}
    text = "; ".join(f"{name.replace('_', ' ')}: {_shown(each)}" for name, each in shown.items())
    return Passage(key, (Part(text),), f"{row['kind']} · {row.get('session') or row['known_at']}")


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _frontier_chart(told: dict[str, Any]) -> tuple[Chart, ...]:
    """The efficient frontier, and where the advice stands on it."""
    points = told["frontier"]
    if len(points) < 2:
        return ()
    own = {
        "shortfall": told["figures"]["shortfall"],
        "expected_return": told["figures"]["expected_return"],
    }
    x = {
        "field": "shortfall",
        "type": "quantitative",
        "title": "mean loss in the worst 5 % of months",
        "axis": {"format": ".0%"},
    }
    y = {
        "field": "expected_return",
        "type": "quantitative",
        "title": "assumed return above cash a year",
        "axis": {"format": ".1%"},
    }
    line = [{key: round(each[key], 6) for key in own} for each in points]
    return (
        Chart(
            title="Efficient frontier, cash included",
            alt=(
                f"Assumed return against the loss in the worst months, from "
                f"{points[0]['shortfall']:.1%} to {points[-1]['shortfall']:.1%}; the advice stands "
                f"at {own['shortfall']:.1%} and {own['expected_return']:.1%}."
            ),
            spec={
                "$schema": SCHEMA,
                "width": "container",
                "height": 260,
                "autosize": {"type": "fit", "contains": "padding"},
                "encoding": {"x": x, "y": y},
                "layer": [
                    {
                        "data": {"values": line},
                        "mark": {"type": "line", "color": BLUE, "strokeWidth": 1.6},
                    },
                    {
                        "data": {"values": [{k: round(v, 6) for k, v in own.items()}]},
                        "mark": {"type": "point", "color": ORANGE, "filled": True, "size": 110},
                    },
                ],
            },
        ),
    )
