"""Valences of words in context: negation, direction, and what they are about.

A list of good and bad words misses most of what headlines say, since "rose" is neither: profit
that rose is good, cost that rose is bad, a loss that narrowed is good. This module turns the words
of a text into signed counts by a few rules. It knows no company, event or probability.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEXICON_VERSION = "2"
"""Raise it when the same text would come out differently; part of the fingerprint."""

_WORD = re.compile(r"[A-Z]+(?:'[A-Z]+)?|[.;:!?](?=\s|$)|[()]")
_NEGATORS = frozenset(
    ("NO", "NOT", "NONE", "NOR", "NEITHER", "NEVER", "NOBODY", "CANNOT", "WITHOUT", "LACK", "LACKS")
)
_NEGATION_REACH = 3
_DIRECTION_REACH = 6


def _forms(stems: str) -> frozenset[str]:
    """Words of the form "ROSE RISE/S/N" as a set: ROSE, RISE, RISES, RISEN."""
    found = set()
    for entry in stems.split():
        stem, *ends = entry.split("/")
        found |= {stem, *(stem + end for end in ends)}
    return frozenset(found)


_UP = _forms(
    "UP HIGHER ROSE RISE/S/N RISING INCREASE/S/D INCREASING GREW GROW/S/N/ING CLIMB/S/ED/ING "
    "JUMP/S/ED/ING SURGE/S/D SURGING SOAR/S/ED/ING RAISE/S/D RAISING LIFT/S/ED/ING DOUBLE/S/D "
    "TRIPLE/S/D EXCEED/S/ED/ING TOP/S/PED BEAT/S BEATING EXPAND/S/ED/ING ACCELERATE/S/D "
    "RALLY RALLIES RALLIED SPIKE/S/D UPGRADE/S/D WIDEN/S/ED/ING SWELL/S/ED"
)
_DOWN = _forms(
    "DOWN LOWER/S/ED/ING FELL FALL/S/EN/ING DECREASE/S/D DECREASING DROP/S/PED/PING "
    "DECLINE/S/D DECLINING SLUMP/S/ED/ING SLID SLIDE/S SLIDING PLUNGE/S/D PLUNGING "
    "TUMBLE/S/D TUMBLING SANK SINK/S SINKING SHRANK SHRINK/S/ING CUT/S CUTTING REDUCE/S/D REDUCING "
    "TRIM/S/MED/MING SLASH/ES/ED/ING NARROW/S/ED/ING DIP/S/PED HALVE/S/D EASE/S/D EASING "
    "WEAKEN/S/ED/ING DOWNGRADE/S/D CRASH/ES/ED SLIP/S/PED MISS/ES/ED SHED/S SAG/S/GED"
)
_STRONG = _forms(
    "SOAR/S/ED/ING SURGE/S/D SURGING JUMP/S/ED/ING RALLY RALLIES RALLIED CLIMB/S/ED/ING "
    "SLUMP/S/ED/ING PLUNGE/S/D PLUNGING TUMBLE/S/D TUMBLING CRASH/ES/ED SANK SINK/S SINKING"
)
_GOOD_WHEN_UP = _forms(
    "PROFIT/S SALES REVENUE/S EARNINGS INCOME TURNOVER EBIT EBITDA EPS MARGIN/S ORDER/S BACKLOG "
    "DIVIDEND/S DEMAND OUTLOOK GUIDANCE FORECAST/S ESTIMATE/S EXPECTATIONS TARGET/S RATING/S "
    "SHARE/S STOCK/S OUTPUT PRODUCTION VOLUME/S GROWTH PROFITABILITY PRODUCTIVITY EFFICIENCY "
    "CASH LIQUIDITY DELIVERIES BOOKINGS SUBSCRIBERS TRAFFIC JOBS HIRING CONFIDENCE RESULT/S"
)
_BAD_WHEN_UP = _forms(
    "LOSS/ES COST/S EXPENSE/S EXPENDITURE/S DEBT/S DEFICIT/S UNEMPLOYMENT JOBLESS LAYOFF/S "
    "IMPAIRMENT/S WRITEDOWN/S DEFAULT/S DELINQUENCIES LEVERAGE LIABILITIES RISK/S CLAIMS "
    "BANKRUPTCIES DAMAGES PENALTIES CHURN VACANCY VACANCIES"
)


@dataclass(frozen=True)
class WordLists:
    """Words in capitals that are good or bad by themselves."""

    positive: frozenset[str]
    negative: frozenset[str]


@dataclass(frozen=True)
class Tally:
    """What was found in a text: words of the lists and directions, each good or bad in context."""

    words: int
    positive: int
    negative: int


def tally(text: str, lists: WordLists) -> Tally:
    """The good and bad mentions in a text of `words` words.

    - A listed word counts as its list says. Within three words after a negator in the same clause,
      a good one counts as bad ("no gains"), and a bad one not at all ("without losses"): the
      absence of harm is no good news by itself (Loughran and McDonald, 2011, turn only good ones).
    - A word of direction ("rose", "cuts", "lower") counts by what moved, the nearest of a few dozen
      quantities within six words of it in the same clause: good where more of it is better and it
      rose, or less of it is better and it fell (after Malo et al., 2014, "Good debt or bad debt").
      Both are consumed, with an adverb beside the word: "loss narrowed sharply" is one mention.
      Without such a quantity only strong words ("soars", "plunges") count, by themselves.
    - A clause ends at . ; : ! ? and at a bracket.
    """
    words = good = bad = 0
    for clause in _clauses(text):
        words += len(clause)
        for sign in _signs(clause, lists):
            good += sign > 0
            bad += sign < 0
    return Tally(words, good, bad)


def _clauses(text: str) -> Iterator[list[str]]:
    clause: list[str] = []
    for token in _WORD.findall(text.replace("’", "'").upper()):
        if token[0].isalpha():
            clause.append(token.removesuffix("'S"))
        elif clause:
            yield clause
            clause = []
    if clause:
        yield clause


def _signs(clause: Sequence[str], lists: WordLists) -> Iterator[int]:
    """+1 or -1 for each mention of a clause."""
    used: set[int] = set()
    for place, word in enumerate(clause):
        way = (word in _UP) - (word in _DOWN)
        about = _quantity_near(clause, place, used) if way else None
        if about is not None:
            used |= {place, about, *_degree_beside(clause, place)}
            sign = way if clause[about] in _GOOD_WHEN_UP else -way
            yield -sign if _negated(clause, min(place, about)) or _negated(clause, place) else sign
        elif word in _STRONG:
            used |= {place, *_degree_beside(clause, place)}
            yield -way if _negated(clause, place) else way
    for place, word in enumerate(clause):
        if place in used:
            continue
        if word in lists.negative:
            if not _negated(clause, place):
                yield -1
        elif word in lists.positive:
            yield -1 if _negated(clause, place) else 1


def _quantity_near(clause: Sequence[str], place: int, used: set[int]) -> int | None:
    """The place of the nearest quantity that isn't spoken for; the earlier of two equally near."""
    reach = range(max(0, place - _DIRECTION_REACH), min(len(clause), place + _DIRECTION_REACH + 1))
    free = [each for each in reach if each not in used and each != place]
    found = [each for each in free if clause[each] in _GOOD_WHEN_UP | _BAD_WHEN_UP]
    return min(found, key=lambda each: (abs(each - place), each), default=None)


def _degree_beside(clause: Sequence[str], place: int) -> list[int]:
    """Places of adverbs beside a word: how "sharply" profit rose isn't bad news of its own."""
    beside = (place - 1, place + 1)
    return [each for each in beside if 0 <= each < len(clause) and clause[each].endswith("LY")]


def _negated(clause: Sequence[str], place: int) -> bool:
    before = clause[max(0, place - _NEGATION_REACH) : place]
    return any(word in _NEGATORS or word.endswith("N'T") for word in before)
