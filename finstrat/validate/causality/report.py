"""What a causality check found: which part failed, where the past changed, and both values.

Plain data; nothing here runs a component.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["passed", "failed", "inconclusive", "not applicable"]


@dataclass(frozen=True)
class Change:
    """The first place where what should have stayed the same did not.

    Attributes:
        changed_by: what was done to the data, in words.
        output: of a signal or strategy, or a field of a source.
        at: the session (or moment) of the earliest value that changed.
        asset: the first asset that changed there; None for a market-level value.
        before: the value with the data as they are; None = unknown.
        after: the value with the data changed.
    """

    changed_by: str
    output: str
    at: str
    asset: str | None
    before: float | str | None
    after: float | str | None

    def __str__(self) -> str:
        where = f"{self.at}, {self.asset}" if self.asset else self.at
        return (
            f"{self.output} on {where} was {_shown(self.before)} and became {_shown(self.after)} "
            f"when {self.changed_by}"
        )


@dataclass(frozen=True)
class Check:
    """One part of the check.

    Attributes:
        name: like "prefix".
        outcome: "not applicable" where the component has nothing that this part could try.
        detail: what was tried, or why it could not be, in words.
        tried: how often the component was run for it.
        change: where it failed, the first place found.
    """

    name: str
    outcome: Outcome
    detail: str
    tried: int = 0
    change: Change | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}: {self.change or self.detail}"


@dataclass(frozen=True)
class Report:
    """All parts of the check of one component."""

    kind: str
    name: str
    version: str
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed where any part failed, else inconclusive where any was, else passed."""
        outcomes = {check.outcome for check in self.checks}
        if "failed" in outcomes:
            return "failed"
        return "passed" if outcomes <= {"passed", "not applicable"} else "inconclusive"

    @property
    def failures(self) -> tuple[Check, ...]:
        """The parts that failed."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    def __str__(self) -> str:
        lines = [f'{self.kind} "{self.name}", version {self.version}: {self.outcome}']
        return "\n".join([*lines, *(f"  {check}" for check in self.checks)])

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {**dataclasses.asdict(self), "outcome": self.outcome}


def _shown(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else f"{value:.10g}"
