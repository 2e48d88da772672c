"""The sentences that say most of what a filing's management tells.

Word for word, by `finstrat.text.summary`, out of the management's discussion where there is one;
out of an 8-K, its items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat.text.readability import prose
from finstrat.text.summary import summary

if TYPE_CHECKING:
    from finstrat.text.filing import Filing

DISCUSSION = {"10-K": "7", "10-Q": "I-2"}
"""Where a form has the management's discussion and analysis."""


def filing_summary(filing: Filing, *, count: int = 3) -> str:
    """Up to `count` sentences; "" where there is no prose. Headings and tables are left out."""
    told = filing.body(DISCUSSION.get(filing.form, ""))
    if told is None and filing.items:
        told = "\n".join(filing.body(item.key) or "" for item in filing.items)
    lines = prose(filing.text if told is None else told)
    finished = [line for line in lines if line.rstrip("\"'”’)]").endswith((".", "!", "?"))]
    return summary("\n".join(finished), count=count) if count else ""
