"""What the run would earn at other values of its options; no verdict rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat.components import Section
from finstrat.report.block import Block, Table
from finstrat.report.heat_map import heat_map
from finstrat.validate.verdict import recorded_figures

if TYPE_CHECKING:
    from finstrat.store import RunResult

OWN = "as it runs"
COLUMNS = {0.5: "× 0.5", 0.8: "× 0.8", 1.0: OWN, 1.25: "× 1.25", 2.0: "× 2"}
NONE_LEFT = 60
"""Lines of what wasn't tried."""


class StabilitySection(Section):
    """Neighbouring values of each option, as a diagnostic."""

    name = "stability"
    version = "1"
    order = 16

    def build(self, result: RunResult) -> Block:
        """The Sharpe ratio by option and value, the run's own in the middle."""
        record = result.checks.get("stability")
        title = "Other values of the options"
        if not isinstance(record, dict):
            told = "The diagnostic was not run; finstrat audit makes it."
            return Block(id=self.name, title=title, text=(told,), status="not run")
        cells = _cells(record)
        drawn = heat_map(
            cells,
            x="change",
            y="option",
            figure="Sharpe",
            also=("value", "mean, bp"),
            title="Sharpe ratio by option and value",
            alt=(
                f"A row an option, a column a change of its value; the run's own Sharpe ratio of "
                f"{record['own']['sharpe'] or 0:.2f} stands in the middle column of every row."
            )
            if cells
            else "",
        )
        return Block(
            id=self.name,
            title=title,
            text=(str(record["evidence"]), "No verdict rests on this."),
            figures=recorded_figures(record),
            charts=(drawn,) if cells else (),
            tables=_tables(record, cells),
        )


def _cells(record: dict[str, Any]) -> list[dict[str, Any]]:
    """One row an option and value, the run's own among them, in rising order of the change."""
    own, rows = record.get("own"), record.get("neighbours") or ()
    if not rows or not own:
        return []
    options = record["options"]
    every = [*rows]
    for option, value in options.items():
        every.append({"option": option, "factor": 1.0, "value": value, **own})
    places = {option: place for place, option in enumerate(options)}
    # By change first, so that the columns of the chart stand in their order.
    every.sort(key=lambda row: (row["factor"], places[row["option"]]))
    return [
        {
            "change": COLUMNS[row["factor"]],
            "option": row["option"],
            "value": row["value"],
            "Sharpe": None if row["sharpe"] is None else round(row["sharpe"], 4),
            "mean, bp": round(row["mean"] * 1e4, 3),
        }
        for row in every
    ]


def _tables(record: dict[str, Any], cells: list[dict[str, Any]]) -> tuple[Table, ...]:
    """The same by option and value, and what wasn't tried."""
    found = []
    if cells:
        rows = sorted(cells, key=lambda cell: (cell["option"], cell["value"]))
        columns = ("option", "value", "Sharpe", "mean, bp", "change")
        found.append(
            Table(
                "Neighbouring values",
                ("Option", "Value", "Sharpe ratio", "Mean a session, bp", "Change"),
                tuple(tuple(cell[name] for name in columns) for cell in rows),
                note="Net of costs, less the text-neutral twin's where text is read; one option "
                f"is changed at a time. Over the last {record['own']['sessions']:,} sessions.",
            )
        )
    if record.get("left_out"):
        listed = tuple((each,) for each in record["left_out"][:NONE_LEFT])
        found.append(Table("Not tried", ("What, and why",), listed))
    return tuple(found)
