"""The form of a text that is hashed and scored, and a count of what was changed to get there.

Cleaning removes what no reader sees (markup, invisible characters) and what only addresses the
reader (web addresses, retweet markers, a news wire's credits). It knows nothing of tickers or
models, and it never shortens a text to fit one.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from typing import Any, NamedTuple

from finstrat.text.visible import visible_text

CLEAN_VERSION = "2"
"""Raise it when the same raw text would come out differently; it is part of every fingerprint."""

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Controls other than white space, zero-width and bidirectional marks, soft hyphens, variation
# selectors, blank Hangul fillers, tag characters, and lone surrogates (which UTF-8 can't carry).
_INVISIBLE = re.compile(
    f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    f"\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb{_BIDI}"
    "\ud800-\udfff\U000e0001\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)
_BIDI_MARK = re.compile(f"[{_BIDI}]")
# Anything but white space and printable ASCII, and the two characters that begin markup.
_SPECIAL = re.compile(r"[^\t\n\r -%'-;=-~]")

# As HTML has them, but a name needs its semicolon: "S&notes" is no "S¬es".
_ENTITY = re.compile(
    r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]{1,31};"
    r"|(?:amp|lt|gt|quot|nbsp|AMP|LT|GT|QUOT)\b)"
)
_AMPERSANDS = re.compile(r"&(?:amp;|AMP;|#38;|#[xX]26;)+")
_ROUNDS = 8

_URL = re.compile(r"(?:https?://|www\.|pic\.twitter\.com/)\S*", re.IGNORECASE)
# Where a tweet was cut off: "http:…", of which NFKC makes three dots.
_CUT_URL = re.compile(r"\bht{1,2}(?:ps?:?/?)?\.\.\.$", re.IGNORECASE)
_RETWEET = re.compile(r"(?:[RM]T (?:@\w+|AT_USER) ?:? ?)+", re.IGNORECASE)
# As in "NEW YORK, March 3 (Reuters) - ", "KEARNEY, NE -- (BUSINESS WIRE) -- " or "(Bloomberg) -- ".
# The place is in capitals, or else "Apple buys Beats (Reuters) - ..." would lose its news.
_DATELINE = re.compile(
    r"(?:[A-Z][A-Z .'/-]{1,40}(?:, ?[\w. ]{1,24}){0,3} ?-{0,2} ?|[A-Z][a-z]{2,8}\.? \d{1,2} )?"
    r"[(/](?i:Reuters|AP|AFP|Bloomberg|Dow Jones|Business Wire|PR ?Newswire|Globe ?Newswire"
    r"|Marketwired?|Accesswire)[)/] ?[-–—]{1,2} ?(?=\S)"
)
_TAIL = 400
_ENDING_HINTS = ("via @", "reserved", "read more", "click here", "continue reading", "full story")
_ENDING = re.compile(
    r"(?:"
    r"\((?:additional )?(?:reporting|writing|editing|compiled) by [^()]{1,300}\)"
    r"|(?:©|\(c\)|copyright)[^©]{0,120}all rights reserved\.?"
    r"|\(?via @\w{1,30}\)?"
    r"|(?:read more|click here|continue reading|read the full story)(?: at| here| on)?[ :>.→*-]*"
    r")$",
    re.IGNORECASE,
)

# Letters of other scripts that look like a Latin one, from Unicode's confusables (UTS 39).
_LOOKALIKES = (
    "АВЕІЇЈКМНОРСТУХЅҮԌԜаеорсухіїјѕһԁԛԝү"  # Cyrillic
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυ"  # Greek
    "ՕՍԼհոսց"  # Armenian
)
_MIXED = re.compile(rf"\b(?=\w*[A-Za-z])\w*[{_LOOKALIKES}]\w*")


class Cleaned(NamedTuple):
    """A cleaned text and what was done to it.

    Attributes:
        text: what is hashed and scored; "" where nothing readable was left.
        entities: HTML entities resolved (`&amp;`), counted once a level.
        tags: HTML tags removed, with what they hid.
        invisible: characters removed, bidirectional marks among them.
        bidi: those that could make a reader see another order than a model reads.
        urls: web addresses removed.
        retweets: 1 where leading "RT @name:" markers were removed.
        boilerplate: datelines, credits, notices and calls to click removed.
        normalised: whether NFKC changed anything (ligatures, full-width forms, odd spaces).
        mixed_script: words in which a look-alike of another script stands among Latin letters, as
            in a forged name; they are flagged, not changed.
    """

    text: str
    entities: int = 0
    tags: int = 0
    invisible: int = 0
    bidi: int = 0
    urls: int = 0
    retweets: int = 0
    boilerplate: int = 0
    normalised: bool = False
    mixed_script: int = 0

    @property
    def changed(self) -> bool:
        """Whether more than white space was changed."""
        removed = self.tags + self.invisible + self.urls + self.retweets + self.boilerplate
        return self.normalised or self.entities + removed > 0


def cleaned(text: str) -> Cleaned:
    """The cleaned text with its counts of changes; a cleaned text comes back as it is.

    Markup, entities, Unicode NFKC and invisible characters go until none of them changes anything
    (`&amp;lt;` is `<` in the end, and escaped markup is markup), then white space to one space,
    web addresses, and markers at either end. A retweet therefore scores as the tweet it repeats.
    """
    counts = _Counts()
    if _SPECIAL.search(text) is None:
        text = _trimmed(" ".join(text.split()), counts)
        return Cleaned(text, **counts) if counts else Cleaned(text)
    for _ in range(_ROUNDS):
        before = text
        text = _trimmed(_readable(text, counts), counts)
        if text == before or not ("<" in text or "&" in text):
            break
    else:
        # Only a text made to be endless comes here.
        plain = text.replace("<", " ").replace("&", " ")
        text = _trimmed(" ".join(plain.split()), counts)
    if not text.isascii():
        counts.add("mixed_script", len(_MIXED.findall(text)))
    return Cleaned(text, **counts)


class _Counts(dict[str, Any]):
    """What was found so far, by attribute of `Cleaned`; most texts have nothing of most kinds."""

    def add(self, name: str, number: int) -> None:
        if number:
            self[name] = self.get(name, 0) + number


def clean(text: str) -> str:
    """The cleaned text alone; see `cleaned`."""
    return cleaned(text).text


def text_key(text: str) -> bytes:
    """The SHA-256 of a text that is already clean: 32 bytes, its address in the score cache."""
    return hashlib.sha256(text.encode("utf-8")).digest()


def raw_digest(text: str) -> bytes:
    """The SHA-256 of a text as it came, 32 bytes; a lone surrogate counts as its three bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _readable(text: str, counts: _Counts) -> str:
    """One round of markup, entities and invisible characters; white space to one space."""
    text = before = _normalised(text, counts)
    if "<" in text:
        visible = visible_text(text)
        text = visible.text
        counts.add("tags", visible.tags)
    if "&" in text:
        text = _unescaped(text, counts)
    if text is not before:
        text = _normalised(text, counts)
    return " ".join(text.split())


def _normalised(text: str, counts: _Counts) -> str:
    """NFKC, without invisible characters; the two until neither changes anything."""
    before = None
    while text != before:
        before = text
        if text.isascii():
            if text.isprintable():
                break
        elif not unicodedata.is_normalized("NFKC", text):
            text = unicodedata.normalize("NFKC", text)
            counts["normalised"] = True
        shown, removed = _INVISIBLE.subn("", text)
        if removed:
            counts.add("invisible", removed)
            counts.add("bidi", len(_BIDI_MARK.findall(text)))
            text = shown
    return text


def _unescaped(text: str, counts: _Counts) -> str:
    """Entities resolved by one level, except that any number of escaped `&` is one."""

    def collapsed(match: re.Match[str]) -> str:
        counts.add("entities", match[0].count(";"))
        return "&"

    def resolved(match: re.Match[str]) -> str:
        character = html.unescape(match[0])
        counts.add("entities", int(character != match[0]))
        return character

    return _ENTITY.sub(resolved, _AMPERSANDS.sub(collapsed, text))


def _trimmed(text: str, counts: _Counts) -> str:
    """Without web addresses, and without markers and boilerplate at either end."""
    lower = text.lower()
    if "http" in lower or "www." in lower or "pic." in lower:
        text, urls = _URL.subn(" ", text)
        text = " ".join(text.split())
        lower = text.lower()
        counts.add("urls", urls)
    # Quick looks: most texts have nothing of the kind, and finding that out would take longest.
    forwarded = "rt @" in lower or "mt @" in lower or "at_user" in lower
    dated = "(" in text or "/" in text
    closed = ("(" in text and " by " in lower) or any(hint in lower for hint in _ENDING_HINTS)
    if not (forwarded or dated or closed or text.endswith("...")):
        return text
    start, end = 0, len(text)
    while True:
        before = (start, end)
        if forwarded and (lead := _RETWEET.match(text, start, end)):
            start = lead.end()
            counts["retweets"] = 1
        if dated and (lead := _DATELINE.match(text, start, end)):
            start = lead.end()
            counts.add("boilerplate", 1)
        if text.endswith("...", start, end) and (
            cut := _CUT_URL.search(text, max(start, end - 12), end)
        ):
            end = cut.start()
            counts.add("urls", 1)
        if closed and (tail := _ENDING.search(text, max(start, end - _TAIL), end)):
            end = tail.start()
            counts.add("boilerplate", 1)
        while end > start and text[end - 1] == " ":
            end -= 1
        if (start, end) == before:
            return text[start:end]
