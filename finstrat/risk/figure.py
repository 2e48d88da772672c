"""A reported number, with everything needed to doubt it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One number of a report.

    Attributes:
        value: the number, or None where it can't be had.
        unit: "fraction", "ratio", "currency", "sessions", "count", "probability", "per year",
            "basis points".
        convention_id: names the definition in `docs/conventions.md`, like "sharpe.arithmetic".
        n: how many observations it rests on.
        ci: lower and upper bound of its confidence interval, or None.
        method: how value and interval were computed, in a few words.
        reason_if_null: why there is no value; empty where there is one.
    """

    value: float | None
    unit: str
    convention_id: str
    n: int
    ci: tuple[float, float] | None = None
    method: str = ""
    reason_if_null: str = ""

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(
                f"{self.convention_id}: {self.value} is not a figure; use null and why"
            )
        if (self.value is None) != bool(self.reason_if_null):
            raise ValueError(f"{self.convention_id}: a null figure, and only that, needs a reason")

    @classmethod
    def null(cls, unit: str, convention_id: str, *, n: int, reason: str) -> Figure:
        """A figure that can't be had, and why."""
        return cls(None, unit, convention_id, n, reason_if_null=reason)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "value": self.value,
            "unit": self.unit,
            "convention_id": self.convention_id,
            "n": self.n,
            "ci": None if self.ci is None else list(self.ci),
            "method": self.method,
            "reason_if_null": self.reason_if_null or None,
        }
