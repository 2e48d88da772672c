"""Amounts that a text compares, read by rule, since a word-piece model can't subtract.

"Sales were EUR 9.1 mn, compared with EUR 8.7 mn" becomes "Sales were EUR 9.1 mn (up), compared
with EUR 8.7 mn". Only the direction of the numbers is written; whether it is good news is for the
model to say. It knows nothing of the model.
"""

from __future__ import annotations

import re

AMOUNTS_VERSION = "1"
"""Raise it when the same text would come out differently; it is part of the fingerprint."""

_CURRENCY = r"(?:EUR|USD|US\$|SEK|NOK|DKK|GBP|CHF|JPY|CAD|PLN|Rs\.?|[$€£¥])"
_SCALE = (
    r"(?:%|per ?cent\b|pct\b|(?:million|billion|trillion|thousand|crore|mln|mn|bn|m|b)\b"
    r"(?: (?:euros?|dollars|roubles|pounds|kronor)\b)?|cents\b|points\b)"
)
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"


def _amount(name: str) -> str:
    return (
        rf"(?<![\w.,])(?P<{name}_currency>{_CURRENCY})?\s?-?(?P<{name}>{_NUMBER})(?![\d,.]*\d)"
        rf"\s?(?P<{name}_scale>{_SCALE})?"
    )


# Between the amounts: no other number and no end of a sentence.
_GAP = r"[^.;()\d]{0,60}?"
_VERSUS = r"(?:compared (?:with|to)|comparison (?:with|to)|versus|vs\.?|against|from)"
_LATER_FIRST = re.compile(
    rf"{_amount('now')}(?:,? {_GAP}\b{_VERSUS} {_GAP}|,? \((?:{_VERSUS} )?{_GAP}){_amount('then')}",
    re.IGNORECASE,
)
_EARLIER_FIRST = re.compile(rf"\bfrom {_amount('then')} {_GAP}\bto {_amount('now')}", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
# "A profit of 3 against a loss of 2": the words say it, and the numbers would mislead.
_TURN = re.compile(r"loss|profit", re.IGNORECASE)


def with_directions(text: str) -> str:
    """The text with "(up)", "(down)" or "(flat)" after the later of two compared amounts."""
    if sum(map(str.isdigit, text)) < 2:
        return text
    return _LATER_FIRST.sub(_directed, _EARLIER_FIRST.sub(_directed, text))


def _directed(match: re.Match[str]) -> str:
    whole = match[0]
    if _TURN.search(whole) or not _comparable(match):
        return whole
    now, then = (float(match[name].replace(",", "")) for name in ("now", "then"))
    word = "up" if now > then else "down" if now < then else "flat"
    end = match.end("now_scale" if match["now_scale"] else "now") - match.start()
    return f"{whole[:end]} ({word}){whole[end:]}"


def _comparable(match: re.Match[str]) -> bool:
    """Whether the units agree, as far as both are written, and neither amount is a year."""
    for part in ("currency", "scale"):
        now, then = match[f"now_{part}"], match[f"then_{part}"]
        if now and then and now.lower() != then.lower():
            return False
    return not any(
        _YEAR.fullmatch(match[name])
        for name in ("now", "then")
        if not match[f"{name}_currency"] and not match[f"{name}_scale"]
    )
