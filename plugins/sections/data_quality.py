"""What was wrong with the data, and what was dropped, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat import risk
from finstrat.components import Section
from finstrat.report.block import Block, Table

if TYPE_CHECKING:
    from finstrat.store import RunResult


class DataQualitySection(Section):
    """Findings of the sources, and how much entered the run."""

    name = "data-quality"
    version = "1"
    serves = ("backtest", "credit", "returns")
    order = 90

    def build(self, result: RunResult) -> Block:
        """Counts by source and check; warnings first."""
        ordered = sorted(
            result.findings, key=lambda each: (each.severity != "warning", each.source, each.check)
        )
        warnings = sum(finding.severity == "warning" for finding in ordered)
        text = (
            f"{len(ordered)} findings, {warnings} of them warnings."
            if ordered
            else "The sources reported nothing unusual."
        )
        return Block(
            id=self.name,
            title="Data quality",
            text=(text,),
            figures=tuple(
                (key.replace("_", " ").capitalize(), risk.known("data.count", value, n=value))
                for key, value in sorted(result.manifest.get("counts", {}).items())
            ),
            tables=(
                Table(
                    "Findings",
                    ("Source", "Check", "Count", "What was done", "Severity"),
                    tuple((f.source, f.check, f.count, f.detail, f.severity) for f in ordered),
                ),
            )
            if ordered
            else (),
            status="warning" if warnings else "pass",
        )
