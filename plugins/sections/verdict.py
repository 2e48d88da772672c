"""The verdict and the checks it rests on. It judges nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from finstrat import risk
from finstrat.components import Section
from finstrat.report.assess import verdict_of
from finstrat.report.block import Block, Table

if TYPE_CHECKING:
    from finstrat.report.assess import Labelled
    from finstrat.store import RunResult

STATUS: dict[str, Literal["pass", "warning", "fail"]] = {
    "supported": "pass",
    "inconclusive": "warning",
    "refuted": "fail",
}


class VerdictSection(Section):
    """What the run shows, and what was not checked."""

    name = "verdict"
    version = "1"
    serves = ("backtest",)
    order = 10

    def build(self, result: RunResult) -> Block:
        """Every check with its evidence, the checks' figures, and how many runs were tried."""
        verdict = verdict_of(result)
        figures: Labelled = tuple(pair for check in verdict.checks for pair in check.figures)
        return Block(
            id=self.name,
            title="Checks behind the verdict",
            figures=(*figures, ("Runs tried", _trials(result))),
            tables=(
                Table(
                    "Checks",
                    ("Check", "Status", "Evidence"),
                    tuple((check.name, check.status, check.evidence) for check in verdict.checks),
                    note="A check that was not run is never a pass.",
                ),
            ),
            status=STATUS[verdict.outcome],
        )


def _trials(result: RunResult) -> risk.Figure:
    """How many runs were tried on this universe and span."""
    total = result.trials.get("total")
    if total is None:
        return risk.unknown("trials.total", n=0, reason="this run was not entered in a ledger")
    return risk.known("trials.total", total, n=int(total))
