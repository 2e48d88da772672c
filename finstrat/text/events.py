"""What kind of event a text tells of: earnings, guidance, a merger, and so on, by rules.

A text may tell of several, or of none. The rules are phrases of business news written down by
hand; they read English and hold no company's name, so they remember nothing of what happened.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from finstrat.text.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RULES_VERSION = "1"

_RULES: dict[str, tuple[str, ...]] = {
    "earnings": (
        r"earnings|eps|net (?:income|loss|profit)",
        r"(?:quarterly|annual) (?:results|profit|loss)",
        r"(?:first|second|third|fourth|1st|2nd|3rd|4th)[- ]quarter (?:results|report|revenue|net)",
        r"(?:first|second|third|fourth|1st|2nd|3rd|4th)[- ]quarter (?:profit|loss|sales)",
        r"q[1-4] (?:\d{4} )?(?:results|profit|loss|sales|revenue|net|report)",
        r"(?:beats?|miss(?:es|ed)?|tops?|topped) (?:[\w-]+ ){0,3}(?:estimates?|expectations?)",
        r"(?:beats?|miss(?:es|ed)?|tops?|topped) (?:[\w-]+ ){0,3}(?:forecasts?|views)",
        r"(?:profit|revenue|sales) (?:rises?|rose|jumps?|jumped|climbs?|climbed|surges?|surged)",
        r"(?:profit|revenue|sales) (?:falls?|fell|slides?|slid|drops?|dropped|slumps?|slumped)",
        r"(?:profit|revenue|sales) (?:beats?|misses)",
    ),
    "guidance": (
        r"guidance|profit warning|outlook",
        r"(?:raises?|raised|boosts?) (?:[\w-]+ ){0,4}(?:forecasts?|view)",
        r"(?:cuts?|lowers?|lowered|trims?|slashes) (?:[\w-]+ ){0,4}(?:forecasts?|view)",
        r"(?:reaffirms?|maintains?|affirms?) (?:[\w-]+ ){0,4}(?:forecasts?|view)",
        r"(?:sees|expects|forecasts) (?:[\w-]+ ){0,3}(?:profit|revenue|sales|growth)",
    ),
    "merger": (
        r"merger|acquisition|takeover|buyout|m&a|tender offer|spin[- ]?off|divest\w*",
        r"to buy|to acquire|acquires?|acquired|to merge|merges? with",
        r"agrees? to (?:buy|sell)|in talks to (?:buy|sell)|bid for|offer for|stake in",
    ),
    "litigation": (
        r"lawsuits?|sues?|sued|suing|litigation|class action|settle(?:s|d|ment)",
        r"verdict|jury|court|antitrust|patent (?:case|trial|suit|infringement)",
        r"subpoena\w*|indict\w*|pleads? guilty|fraud|fined|penalt(?:y|ies)",
        r"investigat\w+|probes?|probed",
    ),
    "rating": (
        r"upgrad\w+|downgrad\w+|price target|outperform|underperform|overweight|underweight",
        r"(?:initiat\w+|resum\w+|starts?) (?:[\w-]+ ){0,2}coverage",
        r"(?:buy|sell|hold|neutral) rating",
        r"(?:analyst|moody'?s|s&p|fitch) (?:[\w-]+ ){0,3}(?:raises?|cuts?|lowers?|affirms?)",
    ),
    "payout": (r"dividends?|buybacks?|(?:share|stock) repurchase|stock split|special payout",),
    "financing": (
        r"(?:share|stock|bond|debt|note|secondary|public) (?:offering|sale|issue)|ipo",
        r"raises? \$?[\d.]+ ?(?:m|b|mln|bln|million|billion)|credit facility|refinanc\w+",
    ),
    "management": (
        r"(?:names?|appoints?|hires?|ousts?|fires?) (?:[\w-]+ ){0,5}(?:ceo|cfo|coo|chief|chairman)",
        r"(?:names?|appoints?|hires?|ousts?|fires?) (?:[\w-]+ ){0,5}(?:president|director|head)",
        r"(?:ceo|cfo|coo|chairman|chief \w+ officer) (?:[\w-]+ ){0,3}(?:resigns?|steps? down)",
        r"(?:ceo|cfo|coo|chairman|chief \w+ officer) (?:[\w-]+ ){0,3}(?:retires?|departs?|quits?)",
        r"(?:new|interim) (?:ceo|cfo|chairman)",
    ),
    "product": (
        r"launch(?:es|ed)?|unveils?|unveiled|recalls?|recalled",
        r"fda|(?:drug|clinical) trial|phase (?:i{1,3}|[123])|approval|approves?|approved",
    ),
    "labour": (r"layoffs?|job cuts?|cuts? (?:[\d,]+ )?jobs|on strike|walkout|union workers",),
}
EVENTS: tuple[str, ...] = tuple(_RULES)
"""The kinds of event, K of them, in the order of every table here."""

_PATTERNS = tuple(
    re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)") for phrases in _RULES.values()
)


def event_types(text: str) -> tuple[str, ...]:
    """The kinds of event that a raw text tells of, in the order of `EVENTS`; () for none."""
    plain = clean(text).lower().replace("’", "'")
    return tuple(
        name for name, pattern in zip(EVENTS, _PATTERNS, strict=True) if pattern.search(plain)
    )


def event_table(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which kinds of event each raw text tells of, `[D, K]`."""
    table = np.zeros((len(texts), len(EVENTS)), dtype=bool)
    seen: dict[str, tuple[str, ...]] = {}
    for row, text in enumerate(texts):
        if text not in seen:
            seen[text] = event_types(text)
        for name in seen[text]:
            table[row, EVENTS.index(name)] = True
    return table
