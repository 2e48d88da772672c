"""Texts without what tells a model whom and when they are about.

Names, tickers, cashtags, handles and dates give way to words that say nothing. It knows the names
of a table and of the forms below: people, and companies that the table lacks and that stand without
a cashtag or legal form, keep their names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from finstrat.data.entities import Alias, Entities
from finstrat.text.clean import clean
from finstrat.text.entities import Index

if TYPE_CHECKING:
    from collections.abc import Iterable

COMPANY, SOMEONE, DAY = "the company", "someone", "that day"
"""What stands for a name, a handle and a date."""

_SHORTEST = 3
"""Letters of a ticker that counts without its dollar sign; shorter ones are mostly words."""
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"\b(?:{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d\d){{1,2}}"
    rf"|(?:q[1-4]|[1-4]q)\s?'?(?:{_YEAR}|\d\d)"
    rf"|{_MONTH}\s+(?:{_ORDINAL}(?:,?\s+{_YEAR})?|{_YEAR})"
    rf"|{_ORDINAL}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?|{_YEAR})\b",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<!\w)@\w+")


class Mask:
    """Replaces the names of `entities`, and those of `assets` by their tickers, in texts."""

    def __init__(self, entities: Entities, assets: Iterable[str] = ()) -> None:
        tickers = tuple(
            Alias(name, name) for name in assets if name.isupper() and len(name) >= _SHORTEST
        )
        self._index = Index(Entities((*entities.aliases, *tickers), entities.groups))

    def masked(self, text: str) -> str:
        """The text, cleaned, without names, handles and dates; the same where it has none."""
        text = clean(text)
        parts, free = [], 0
        for mention in self._index.mentions(text):
            parts += [text[free : mention.start], COMPANY]
            free = mention.stop
        named = "".join([*parts, text[free:]])
        return _DATE.sub(DAY, _HANDLE.sub(SOMEONE, named))
