"""How much a filing differs from the one it is to be compared with.

An annual report is compared with the last year's, a quarterly one with that of the same quarter a
year before. Firms that change what they repeat every year have, on average, something to tell.

Source: Cohen, Malloy and Nguyen (2020), "Lazy Prices", Journal of Finance 75(3), whose cosine and
Jaccard similarities these are, here over words without stop words.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from finstrat.text.readability import prose
from finstrat.text.words import sentences, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.text.filing import Filing

RISK_ITEMS = {"10-K": "1A", "10-Q": "II-1A"}
"""Where a form tells of risks; in a 10-Q only what has changed since the last 10-K."""

TOLERANCE = dt.timedelta(days=35)
"""How far from a year two periods may lie apart and still be the same one."""

NEW_BELOW = 0.5
"""A sentence is new if no earlier one shares this many of their distinct words (Jaccard)."""


@dataclass(frozen=True)
class Change:
    """What a filing has beside the comparable one before it; NaN where there are no words.

    Attributes:
        cosine: similarity of the counts of words, 1 = the same.
        jaccard: distinct words in common over all distinct words.
        risks_added: share of the words under "risk factors" that stand in new sentences; NaN where
            one of the two has no such item.
    """

    cosine: float
    jaccard: float
    risks_added: float


def change(now: Filing, before: Filing) -> Change:
    """The change from one filing to another of the same form."""
    here, there = (Counter(words("\n".join(prose(each.text)))) for each in (now, before))
    common = here.keys() & there.keys()
    product = sum(here[word] * there[word] for word in common)
    lengths = math.sqrt(_squares(here) * _squares(there))
    union = len(here.keys() | there.keys())
    key = RISK_ITEMS.get(now.form, "")
    risks, earlier = now.body(key), before.body(key)
    return Change(
        cosine=product / lengths if lengths else math.nan,
        jaccard=len(common) / union if union else math.nan,
        risks_added=math.nan if risks is None or earlier is None else _added(risks, earlier),
    )


def comparable(filing: Filing, earlier: Sequence[Filing]) -> int | None:
    """Which of the earlier filings a filing is to be compared with: the same form, a year before.

    By the ends of their periods; the last in the order given where several fit. None where no
    cover says so, and for amendments, which are compared with nothing and nothing with them.
    """
    if filing.amended or filing.period_end is None or filing.form not in RISK_ITEMS:
        return None
    year_before = filing.period_end - dt.timedelta(days=365)
    fitting = [
        place
        for place, other in enumerate(earlier)
        if other.form == filing.form
        and not other.amended
        and other.period_end is not None
        and abs(other.period_end - year_before) <= TOLERANCE
    ]
    return fitting[-1] if fitting else None


def added_sentences(now: str, before: str) -> list[str]:
    """The sentences of a text that are new beside an earlier one, in their order."""
    found = [each for line in prose(now) for each in sentences(line) if words(each)]
    known = [each for line in prose(before) for each in sentences(line)]
    if not found:
        return []
    column: dict[str, int] = {}
    here, there = (_sets(texts, column) for texts in (found, known))
    width = max(len(column), 1)
    mine, theirs = _table(here, width), _table(there, width)
    common = (mine @ theirs.T).tocoo()
    sizes = np.array([len(each) for each in here])
    others = np.array([len(each) for each in there], dtype=np.int64)
    overlap = common.data / (sizes[common.row] + others[common.col] - common.data)
    best = np.zeros(len(found))
    np.maximum.at(best, common.row, overlap)
    return [each for each, most in zip(found, best.tolist(), strict=True) if most < NEW_BELOW]


def _added(now: str, before: str) -> float:
    """The share of a text's words that stand in new sentences."""
    total = sum(len(words(line)) for line in prose(now))
    new = sum(len(words(each)) for each in added_sentences(now, before))
    return new / total if total else math.nan


def _squares(counts: Counter[str]) -> int:
    return sum(count * count for count in counts.values())


def _sets(texts: Sequence[str], column: dict[str, int]) -> list[list[int]]:
    """The distinct words of each text as numbers; `column` grows."""
    return [sorted({column.setdefault(word, len(column)) for word in words(t)}) for t in texts]


def _table(sets: Sequence[Sequence[int]], width: int) -> sparse.csr_array:
    """One row a text, 1 where it has the word."""
    sizes = [len(each) for each in sets]
    columns = np.array([each for one in sets for each in one], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return sparse.csr_array((np.ones(len(columns)), columns, starts), shape=(len(sets), width))
