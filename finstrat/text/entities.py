"""Which assets a text names: the longest alias wins, and what is ambiguous stays ambiguous.

It reads a table of names (`finstrat.data.entities`) and nothing else: no model, no memory of what
a name came to mean later. What looks like a company but isn't in the table is counted as unmapped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from finstrat.data.entities import LEGAL_FORMS, Alias, Entities
from finstrat.text.clean import clean

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.data import Documents

_TOKEN = re.compile(r"\$[A-Za-z]{1,6}(?:[.-][A-Za-z]{1,2})?(?![A-Za-z])|[^\W_]+|&")
_NAME_WORDS = 4
"""The most words before "Inc" and the like that count as an unknown company's name."""


class Mention(NamedTuple):
    """A name in a text, at `text[start:stop]` of the cleaned text.

    Attributes:
        name: as it stands there.
        assets: one asset; several where the name is ambiguous; none where the table lacks it.
    """

    start: int
    stop: int
    name: str
    assets: tuple[str, ...]


class Index:
    """A table of names, ready to be looked up in texts.

    A cashtag such as $BRK.B names the asset with that ticker in any case. A name of one word must
    stand as in the table or in capitals ("Visa", "VISA", not "visa"); a longer one in any case.
    """

    def __init__(self, entities: Entities) -> None:
        self.entities = entities
        self._tickers = {_ticker(asset): asset for asset in entities.assets}
        named: dict[tuple[str, ...], list[Alias]] = {}
        for alias in entities.aliases:
            if words := _words(alias.name):
                named.setdefault(tuple(word.casefold() for word in words), []).append(alias)
        self._named = named
        starts: dict[str, set[int]] = {}
        for key in named:
            starts.setdefault(key[0], set()).add(len(key))
        self._lengths = {word: sorted(lengths, reverse=True) for word, lengths in starts.items()}

    def mentions(self, text: str, *, on: dt.date | None = None) -> list[Mention]:
        """The names in a clean text from left to right, none within another.

        With `on`, only names that were in use on that day; without, of any time.
        """
        tokens = list(_TOKEN.finditer(text))
        words = [token.group().casefold() for token in tokens]
        found: list[Mention] = []
        free = 0
        place = 0
        while place < len(tokens):
            length, assets = self._longest(tokens, words, place, on)
            if length == 0 and words[place] in LEGAL_FORMS and tokens[place].group()[0].isupper():
                begin = _name_before(text, tokens, place, free)
                if begin < place:
                    found.append(_mention(text, tokens[begin], tokens[place], ()))
                    free = place + 1
            if length:
                found.append(_mention(text, tokens[place], tokens[place + length - 1], assets))
                free = place + length
            place += max(length, 1)
        return found

    def _longest(
        self,
        tokens: list[re.Match[str]],
        words: list[str],
        place: int,
        on: dt.date | None,
    ) -> tuple[int, tuple[str, ...]]:
        """How many tokens from `place` on are a name (0: none), and the assets it may mean."""
        if words[place].startswith("$"):
            asset = self._tickers.get(_ticker(words[place][1:]))
            return 1, () if asset is None else (asset,)
        seen = tokens[place].group()
        for length in self._lengths.get(words[place], ()):
            key = tuple(words[place : place + length])
            if len(key) < length:
                continue
            assets = {
                alias.asset
                for alias in self._named.get(key, ())
                if alias.used_on(on) and (length > 1 or _stands_as_listed(seen, alias))
            }
            if assets:
                return length, tuple(sorted(assets))
        return 0, ()


@dataclass(frozen=True, eq=False)
class Links:
    """Which documents name which assets; every array has one entry a link, M in all.

    Attributes:
        documents: row of the document, rising.
        assets: the asset named, by its name in the table.
        mentions: every document's mentions, ambiguous and unmapped ones included; D lists.
    """

    documents: NDArray[np.int64]
    assets: tuple[str, ...]
    mentions: tuple[tuple[Mention, ...], ...]

    def by_document(self) -> list[list[str]]:
        """The assets that each document names, D lists, in the order of their first mention."""
        named: list[list[str]] = [[] for _ in self.mentions]
        for row, asset in zip(self.documents.tolist(), self.assets, strict=True):
            named[row].append(asset)
        return named

    def coverage(self) -> dict[str, int | float | None]:
        """Counts of documents and mentions, and the shares that weren't mapped.

        A document is mapped if it names at least one asset without ambiguity, ambiguous if it only
        has ambiguous names. `share_unmapped` is over documents, `share_mentions_unmapped` over
        names found: cashtags, listed names, and words that end in a legal form such as "Inc". A
        company named otherwise and absent from the table isn't seen, hence not counted.
        """
        kinds = [[min(len(each.assets), 2) for each in found] for found in self.mentions]
        flat = [kind for each in kinds for kind in each]
        documents = len(kinds)
        mapped = sum(1 in each for each in kinds)
        ambiguous = sum(1 not in each and 2 in each for each in kinds)
        return {
            "documents": documents,
            "documents_mapped": mapped,
            "documents_ambiguous": ambiguous,
            "documents_unmapped": documents - mapped - ambiguous,
            "share_unmapped": (documents - mapped - ambiguous) / documents if documents else None,
            "mentions": len(flat),
            "mentions_mapped": flat.count(1),
            "mentions_ambiguous": flat.count(2),
            "mentions_unmapped": flat.count(0),
            "share_mentions_unmapped": flat.count(0) / len(flat) if flat else None,
        }


def link(documents: Documents, entities: Entities) -> Links:
    """The assets that each document names, by the names in use on the day it became known (UTC).

    An asset counts once a document; ambiguous names link to nothing.
    """
    index = Index(entities)
    days: list[dt.date] = documents.known_at.astype("datetime64[D]").tolist()
    found = [
        tuple(index.mentions(clean(text), on=day))
        for text, day in zip(documents.texts, days, strict=True)
    ]
    return links(found)


def links(mentions: Sequence[tuple[Mention, ...]]) -> Links:
    """The links that the mentions of D documents make."""
    pairs = [
        (row, asset)
        for row, found in enumerate(mentions)
        for asset in dict.fromkeys(each.assets[0] for each in found if len(each.assets) == 1)
    ]
    return Links(
        documents=np.array([row for row, _ in pairs], dtype=np.int64),
        assets=tuple(asset for _, asset in pairs),
        mentions=tuple(mentions),
    )


def _words(name: str) -> list[str]:
    return [token.group() for token in _TOKEN.finditer(name)]


def _stands_as_listed(seen: str, alias: Alias) -> bool:
    """Whether a single word has the alias's capitals, or capitals throughout."""
    (listed,) = _words(alias.name)
    return seen in {listed, listed.upper()}


def _ticker(name: str) -> str:
    return name.upper().replace(".", "-")


def _mention(
    text: str, first: re.Match[str], last: re.Match[str], assets: tuple[str, ...]
) -> Mention:
    return Mention(first.start(), last.end(), text[first.start() : last.end()], assets)


def _name_before(text: str, tokens: list[re.Match[str]], place: int, free: int) -> int:
    """Where the capitalised words that stand right before a legal form begin; `place` if none."""
    begin = place
    while begin > max(free, place - _NAME_WORDS):
        previous, here = tokens[begin - 1], tokens[begin]
        apart = text[previous.end() : here.start()]
        if not (previous.group()[0].isupper() or previous.group() == "&") or apart.strip(" ,.-'"):
            break
        begin -= 1
    return begin
