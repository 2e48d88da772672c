"""Sentences of public SEC filings, labelled by rules written from what the words mean.

A measure that investors want more of (sales, margins, cash flow) is positive when it rises and
negative when it falls; costs, debt and losses reverse the sign; a sentence without direction,
event or expectation is neutral. Where the rules disagree, or say nothing, the sentence is left out.
"""

from __future__ import annotations

import gzip
import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_INVISIBLE = re.compile(r"(?is)<(script|style|ix:header)\b.*?</\1>")
_BLOCK = re.compile(r"(?i)</?(?:p|div|tr|table|li|h\d|br|td)\b[^>]*>")
_TAG = re.compile(r"<[^>]+>")
_SENTENCE_END = re.compile(r"(?<=[a-z0-9%)\]][.!?])\s+(?=[A-Z\"“])")
_WANTED = re.compile(
    r"(?i)\b(?:sales|revenues?|net income|net earnings|operating income|operating profit|profit|"
    r"margins?|earnings|cash flows?|volumes?|market share|income|comparable|organic|"
    r"cash provided)\b"
)
_UNWANTED = re.compile(
    r"(?i)\b(?:costs?|expenses?|loss(?:es)?|debt|charges?|impairments?|provisions?|tax(?:es)?|"
    r"unfavorable|allowances?|deficit|cash used|delinquenc\w+|charge-offs?)\b"
)
_UP = re.compile(r"(?i)\b(?:increased|rose|grew|improved|climbed|was up|were up|higher than)\b")
_DOWN = re.compile(
    r"(?i)\b(?:decreased|declined|fell|dropped|was down|were down|lower than|weakened)\b"
)
_COMPARISON = re.compile(
    r"\$\s?(?P<now>[\d.,]*\d)\s(?P<unit>million|billion)[^.$]{0,90}?"
    r"(?:compared (?:to|with)|versus|from)[^.$]{0,60}?\$\s?(?P<then>[\d.,]*\d)\s(?P=unit)"
)
_UNCERTAIN = re.compile(
    r"(?i)\b(?:may|might|could|would|if|offset|except|until|excluding|whether|unless|risks?|"
    r"uncertain\w*|fail\w*|harm\w*|advers\w+)\b"
)
_COLOURED = re.compile(
    r"(?i)\b(?:increas\w+|decreas\w+|declin\w+|rose|fell|gr[eo]w\w*|higher|lower|loss\w*|improv\w+|"
    r"charges?|impair\w+|strong\w*|weak\w*|success\w*|leading|best|better|worse|violat\w+|penalt\w+|"
    r"award\w*|expect\w*|believe\w*|enhanc\w+|strengthen\w*|competit\w+|damag\w+|litigation|claims?|"
    r"reduc\w+|gains?|benefit\w*|favorabl\w+|accelerat\w+|shortage\w*|delay\w*|default\w*|adverse\w*)\b"
)


def filing_sentences(files: Sequence[Path]) -> Iterator[str]:
    """The distinct sentences of 6 to 60 words in gzipped HTML or Markdown filings."""
    seen: set[str] = set()
    for file in sorted(files):
        text = gzip.decompress(file.read_bytes()).decode("utf-8", errors="replace")
        text = html.unescape(_TAG.sub("", _BLOCK.sub("\n", _INVISIBLE.sub(" ", text))))
        for line in text.splitlines():
            for sentence in _SENTENCE_END.split(" ".join(line.split())):
                whole = sentence[:1].isupper() and sentence[-1:] in {".", "!"}
                if whole and 6 <= len(sentence.split()) <= 60 and sentence not in seen:
                    seen.add(sentence)
                    yield sentence


def weak_label(sentence: str) -> str | None:
    """The label the rules give a sentence, or None where they are silent or contradict."""
    if _UNCERTAIN.search(sentence):
        return None
    signs = {sign for sign in (_said(sentence), _counted(sentence)) if sign}
    if len(signs) == 1:
        return "positive" if signs.pop() > 0 else "negative"
    return "neutral" if not signs and not _COLOURED.search(sentence) else None


def _said(sentence: str) -> int:
    """+1 or -1 by the first direction word and the measure named before it; 0 if unclear."""
    found = [
        (match.start(), sign)
        for pattern, sign in ((_UP, 1), (_DOWN, -1))
        for match in pattern.finditer(sentence)
    ]
    if len({sign for _, sign in found}) != 1:
        return 0
    start, sign = min(found)
    return sign * _measure(sentence[:start])


def _counted(sentence: str) -> int:
    """+1 or -1 by two amounts of dollars compared in the sentence; 0 without such a comparison."""
    match = _COMPARISON.search(sentence)
    if match is None:
        return 0
    now, then = (float(match[name].replace(",", "")) for name in ("now", "then"))
    return ((now > then) - (now < then)) * _measure(sentence[: match.start()])


def _measure(subject: str) -> int:
    """+1 where the words before a direction name something wanted, -1 unwanted, 0 both or none."""
    wanted, unwanted = _WANTED.search(subject), _UNWANTED.search(subject)
    if bool(wanted) == bool(unwanted):
        return 0
    return 1 if wanted else -1
