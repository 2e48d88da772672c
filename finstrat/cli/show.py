"""How a report's figures look in a terminal."""

from __future__ import annotations

from typing import Any

import typer

from finstrat.cli.state import print_table


def headline(report: dict[str, Any]) -> None:
    """The verdict and the headline figures of a report, on standard output."""
    rows = [
        (str(each["label"]), value(each["figure"]), interval(each["figure"]))
        for each in report["headline"]
    ]
    print_table(["figure", "value", "90 % interval"], rows, title=report["name"])
    typer.echo(report["verdict"]["sentence"])


def value(figure: dict[str, Any]) -> str:
    """A figure's value in its unit, or why there is none."""
    if figure["value"] is None:
        return f"– ({figure['reason_if_null']})"
    return _number(figure["value"], figure["unit"])


def interval(figure: dict[str, Any]) -> str:
    """A figure's confidence interval; empty where there is none."""
    if figure["ci"] is None:
        return ""
    return " … ".join(_number(bound, figure["unit"]) for bound in figure["ci"])


def _number(number: float, unit: str) -> str:
    if unit.startswith("fraction"):
        # A daily mean of a few basis points would read as zero with two decimals.
        return f"{number:.2%}" if abs(number) >= 0.001 or number == 0 else f"{number:.4%}"
    if unit in {"count", "sessions"}:
        return f"{number:,.0f}"
    return f"{number:.3f}" if unit == "probability" else f"{number:,.2f}"
