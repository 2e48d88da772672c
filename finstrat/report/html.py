"""One self-contained page out of a report's JSON, and out of nothing else.

Every text is escaped, the page may not reach the network (its own policy forbids it), and the
charts' library is inside. It doesn't know `RunResult`: what the JSON lacks, the page can't show.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jinja2
import vl_convert
from markupsafe import Markup

from finstrat.errors import DataError
from finstrat.report.build import SCHEMA_VERSION

_HERE = Path(__file__).parent

_SNIPPET = "window.vegaEmbed = vegaEmbed;"
"""All the page needs of the library."""


def render_html(
    report: dict[str, Any], *, template: Literal["page.html", "document.html"] = "page.html"
) -> str:
    """The page of a report, or of another document, complete in one string.

    Raises:
        DataError: the report was written under another schema version.
    """
    version = report.get("schema_version")
    if version != SCHEMA_VERSION:
        raise DataError(
            f"report.json: schema_version is {version!r}, this finstrat draws {SCHEMA_VERSION}; "
            "run the backtest again, or use the finstrat that wrote it"
        )
    charts = {
        f"{block['id']}-{i}": chart["spec"]
        for block in report["blocks"]
        for i, chart in enumerate(block["charts"])
    }
    return (
        _environment()
        .get_template(template)
        .render(
            report=report,
            charts=charts,
            css=_asset("page.css"),
            script=_asset("page.js"),
            library=_library() if charts else "",
        )
    )


def figure_text(figure: dict[str, Any]) -> str:
    """A figure's value for reading: percent, thousands, two decimals; a dash where it is null.

    A ratio below a tenth has four decimals.
    """
    return number_text(figure["value"], figure["unit"])


def interval_text(figure: dict[str, Any]) -> str:
    """A figure's interval for reading, in the unit of its value; empty where there is none."""
    if not figure["ci"]:
        return ""
    low, high = (number_text(bound, figure["unit"]) for bound in figure["ci"])
    return f"{low} to {high}"


def number_text(value: float | None, unit: str) -> str:
    """A number for reading, by its unit; minus signs are typographic."""
    if value is None:
        return "–"
    if unit == "fraction":
        percent = value * 100
        # A daily mean of a few basis points would read as zero with two decimals.
        text = f"{percent:,.2f} %" if abs(percent) >= 0.1 or percent == 0 else f"{percent:.4f} %"
    elif unit in {"sessions", "count"}:
        text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    elif unit == "currency":
        text = f"{value:,.0f}"
    elif unit == "probability":
        text = f"{value:.3f}"
    elif unit in {"label", "label²"}:
        # In whatever the labels are: small errors of small labels must be told apart.
        text = f"{value:,.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.3g}"
    elif unit == "basis points":
        text = f"{value:,.1f} bp"
    elif unit == "per year":
        text = f"{value:,.2f} × a year"
    else:
        # An information coefficient of a hundredth is no rounding error.
        text = f"{value:,.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.4f}"
    return text.replace("-", "\u2212")


def column_texts(table: dict[str, Any]) -> list[dict[str, Any]]:
    """A table's columns for reading: `name`, `numeric` and `cells`.

    A column of numbers alone (and nulls) is numeric; its fractions have as many decimals as the
    longest of them needs, at most four, so that they stand under each other; counts have none.
    """
    columns = []
    for place, name in enumerate(table["columns"]):
        values = [row[place] for row in table["rows"]]
        numbers = [value for value in values if isinstance(value, int | float)]
        numeric = bool(numbers) and not any(isinstance(value, str) for value in values)
        decimals = max(map(_decimals, numbers), default=0)
        cells = [_cell_text(value, decimals if numeric else _decimals(value)) for value in values]
        columns.append({"name": name, "numeric": numeric, "cells": cells})
    return columns


def _decimals(value: str | float | None) -> int:
    """Decimals that a number needs, at most four."""
    if not isinstance(value, float) or not math.isfinite(value):
        return 0
    return len(f"{value:.4f}".rstrip("0").partition(".")[2])


def _cell_text(value: str | float | None, decimals: int) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{decimals}f}"
    return text.replace("-", "\u2212")


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    """Templates with escaping on for every file, and a failure for every unknown name."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure_text,
        "interval": interval_text,
        "columns": column_texts,
    }
    return environment


@lru_cache(maxsize=1)
def _library() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script, safe inside a script element."""
    return _script(vl_convert.javascript_bundle(_SNIPPET))


def _asset(name: str) -> Markup:
    """A file of this package, safe inside a style or script element."""
    return _script((_HERE / name).read_text(encoding="utf-8"))


def _script(text: str) -> Markup:
    """Trusted text of our own; a closing tag inside it would end its element early."""
    return Markup(re.sub("</(?=script|style)", r"<\\/", text))  # noqa: S704 - no run's input is here
