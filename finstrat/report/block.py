"""What a report is made of, as plain data that goes into `report.json`.

Every number is a `Figure` with its unit and convention; a number that can't be had is null with
the reason. Nothing here knows how a block is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from finstrat.risk.figure import Figure


@dataclass(frozen=True)
class Table:
    """Rows under named columns; a cell is text, a number or None."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification with its data inside; `alt` says in words what it shows."""

    title: str
    spec: dict[str, Any]
    alt: str


@dataclass(frozen=True)
class Block:
    """One section of a report.

    `figures` pairs a label with a figure; `status` colours the section's heading.
    """

    id: str
    title: str
    text: tuple[str, ...] = ()
    figures: tuple[tuple[str, Figure], ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    status: Literal["", "pass", "warning", "fail", "not run"] = field(default="")
