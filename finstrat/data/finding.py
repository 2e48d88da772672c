"""One thing noticed about data: what every source and check counts, and runs carry along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing noticed about the data: a check's name, how often, and what was done."""

    source: str
    check: str
    count: int
    detail: str
    severity: Severity = "info"
