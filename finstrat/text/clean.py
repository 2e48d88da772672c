"""The form of a text that is hashed and scored, and a count of what was changed to get there.

Cleaning removes what no reader sees or what only addresses the reader: invisible characters, web
addresses, a leading retweet marker. It knows nothing of languages, tickers or models, and it
never shortens a text to fit one.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass

CLEAN_VERSION = "1"
"""Raise it when the same raw text would come out differently; it is part of every fingerprint."""

# Controls other than white space, zero-width and bidirectional marks, soft hyphens, variation
# selectors, blank Hangul fillers, tag characters, and lone surrogates (which UTF-8 can't carry).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\ud800-\udfff\U000e0001\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)
_URL = re.compile(r"(?:https?://|www\.|pic\.twitter\.com/)\S*", re.IGNORECASE)
_RETWEET = re.compile(r"^\s*(?:RT\s+(?:@\w+|AT_USER)\s*:?\s*)+", re.IGNORECASE)


@dataclass(frozen=True)
class Cleaned:
    """A cleaned text and what was done to it.

    Attributes:
        text: what is hashed and scored; "" where nothing readable was left.
        entities: HTML entities resolved (`&amp;`), counted once a level.
        invisible: characters removed.
        urls: web addresses removed.
        retweets: 1 where a leading "RT @name:" was removed.
        normalised: whether NFKC changed anything (ligatures, full-width forms, odd spaces).
    """

    text: str
    entities: int = 0
    invisible: int = 0
    urls: int = 0
    retweets: int = 0
    normalised: bool = False

    @property
    def changed(self) -> bool:
        """Whether more than white space was changed."""
        return self.normalised or self.entities + self.invisible + self.urls + self.retweets > 0


def cleaned(text: str) -> Cleaned:
    """The cleaned text with its counts of changes.

    Steps: HTML entities, Unicode NFKC and invisible characters until none of them changes
    anything (`&amp;lt;` is `<` in the end), then web addresses, leading retweet markers, and runs
    of white space to one space. A retweet therefore scores as the tweet it repeats.
    """
    entities = invisible = 0
    normalised = False
    before = None
    while text != before:
        before = text
        unescaped = html.unescape(text) if "&" in text else text
        entities += text.count("&") - unescaped.count("&") if unescaped != text else 0
        if not unescaped.isascii():
            composed = unicodedata.normalize("NFKC", unescaped)
            normalised = normalised or composed != unescaped
        else:
            composed = unescaped
        text, removed = _INVISIBLE.subn("", composed)
        invisible += removed
    text, urls = _URL.subn(" ", text)
    text, retweets = _RETWEET.subn("", text)
    return Cleaned(" ".join(text.split()), entities, invisible, urls, retweets, normalised)


def clean(text: str) -> str:
    """The cleaned text alone; see `cleaned`."""
    return cleaned(text).text


def text_key(text: str) -> bytes:
    """The SHA-256 of a text that is already clean: 32 bytes, its address in the score cache."""
    return hashlib.sha256(text.encode("utf-8")).digest()
