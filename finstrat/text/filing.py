"""What a filing with the SEC consists of: its form, its period, and where its items are.

It reads a 10-K, 10-Q or 8-K as HTML, Markdown or plain text, and finds headings by number, wording
and order. It knows no company and no moment: when a filing became known is its document's to say.
Exhibits, which have no items, are filings of form "other".
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from finstrat.text.filing_items import FORMS
from finstrat.text.visible import visible_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from finstrat.text.filing_items import FormItem

PARSER_VERSION = "1"
"""Raise it when the same filing would come out differently."""


@dataclass(frozen=True)
class Item:
    """One item: `text[start:end]` of its filing, the heading included.

    Attributes:
        key: "1A" in a 10-K, "II-1A" in a 10-Q, "2.02" in an 8-K.
        heading: as the filing words it, on one line.
        start: offset in the filing's text.
        end: likewise.
    """

    key: str
    heading: str
    start: int
    end: int

    @property
    def length(self) -> int:
        """Characters, the heading included."""
        return self.end - self.start


@dataclass(frozen=True)
class Filing:
    """A filing's visible text and its parts.

    Attributes:
        form: "10-K", "10-Q", "8-K" or "other".
        amended: whether it says that it amends an earlier one.
        period_end: the end of the period that the cover names, or None.
        text: a line for each paragraph, heading, or row of a table.
        items: in the order of the text.
        size: characters of the file, markup included.
    """

    form: str
    amended: bool
    period_end: dt.date | None
    text: str
    items: tuple[Item, ...]
    size: int

    @cached_property
    def by_key(self) -> dict[str, Item]:
        """The items by their keys."""
        return {item.key: item for item in self.items}

    def body(self, key: str) -> str | None:
        """An item's text below its heading, or None where the filing has no such item."""
        item = self.by_key.get(key)
        if item is None:
            return None
        return self.text[item.start : item.end].removeprefix(item.heading).lstrip(" \n.:—–-")


def parse_filing(raw: str) -> Filing:
    """The filing in a file's text: HTML, Markdown, plain text, or EDGAR's envelope around them.

    An item that the filing doesn't head isn't guessed; its text belongs to the item before it.
    Tables of contents don't count, and a heading repeated on every page counts once. Of several
    headings of one item that remain, those are taken that follow the form's order and have the
    most text below them, by the sum of its lengths' square roots: many items with some text are
    more than one with all of it.
    """
    named, content = _first_document(raw)
    text = visible_lines(content).text
    form, amended = _form(named, text[:_COVER])
    items = _items(text, FORMS[form]) if form in FORMS else ()
    period_end = _period_end(text[:_COVER]) if form in _PERIODIC else None
    return Filing(form, amended, period_end, text, items, len(raw))


_COVER = 6_000
"""Characters in which a filing says what it is."""

_PERIODIC = frozenset({"10-K", "10-Q"})

_ENVELOPE = re.compile(r"<TYPE>\s*(\S+)", re.IGNORECASE)
_BODY = re.compile(r"<TEXT>(.*?)(?:</TEXT>|\Z)", re.IGNORECASE | re.DOTALL)
_FORM = re.compile(
    r"(?P<line>^[#*|\s]*)?\bform\s*(?P<form>(?:10\W{0,3}[KQ]|8\W{0,3}K))"
    r"(?:405|T|SB)?\s*(?P<amended>/\s?A\b|\(?\s*amendment\s+no)?",
    re.IGNORECASE | re.MULTILINE,
)
_AGENCY = "exchange commission"
_TYPE = re.compile(r"(?P<form>10-?K|10-?Q|8-?K)[A-Z0-9]*(?P<amended>/A)?$", re.IGNORECASE)
_AMENDED = re.compile(r"^\W*\(?amendment\s+no\W*\s*\d", re.IGNORECASE | re.MULTILINE)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_PERIOD = re.compile(
    rf"(?:ended|period)[^\n]{{0,60}}?[:\s]\s*({_MONTHS})\s+(\d{{1,2}})\s*,\s*(\d{{4}})",
    re.IGNORECASE,
)

_HEADING = re.compile(
    r"^[#*|> ]*(?:part +[iv]+[ .,:—–-]{1,3})?"
    r"items? *(?P<number>\d{1,2}\.\d\d(?!\w)|(?:\d{1,2}(?: ?[A-C])?|X)(?![\w(]))"
    r"(?:(?: *(?:,|and|&) *\d{1,2}(?:\.\d\d|[A-C])?)*)(?P<mark>[*| .:—–-]*)(?P<title>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST_HEADING = 260
_RUN_IN = re.compile(r"[A-Z][^\n.:—–]{3,200}[.:—–](?=\s)")
_APART = 4_000
_SHORT_LINE = 160
_FEWEST = 3
_SIGNATURE = re.compile(
    r"^[#*|\s]*(?:signatures?[*\s.:]*$"
    r"|pursuant to the requirements? of (?:section 1[35]|the securities exchange act))",
    re.IGNORECASE | re.MULTILINE,
)
_FURNITURE = re.compile(
    r"^[#*|\s]*(?:part\s+[iv]+\b[^\n]{0,60}|table of contents|section\s+\d[^\n]{0,80}"
    r"|(?:page\s*)?[-–—\s]*(?:\d{1,4}|[ivxl]+)[-–—\s]*)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Heading:
    """One line that may head an item: where it stands, what it says, and how much follows it."""

    start: int
    end: int
    number: str
    title: str
    follows: int = 0


def _first_document(raw: str) -> tuple[str | None, str]:
    """The type and content of the first document in EDGAR's envelope, or None and the text."""
    start = raw[:20_000]
    named = _ENVELOPE.search(start)
    body = _BODY.search(raw) if named else None
    if named is None or body is None:
        return None, raw
    return named[1], body[1]


def _form(named: str | None, cover: str) -> tuple[str, bool]:
    """Which form it is, and whether an amendment."""
    if named:
        found = _TYPE.match(named)
    else:
        # In a press release the words are part of a sentence.
        after = cover.lower().find(_AGENCY)
        heads = (each for each in _FORM.finditer(cover) if each["line"] is not None)
        found = next(heads, None) or (_FORM.search(cover, after) if after >= 0 else None)
    if found is None:
        return "other", False
    letters = re.sub(r"\W", "", found["form"]).upper()
    return f"{letters[:-1]}-{letters[-1]}", bool(found["amended"] or _AMENDED.search(cover))


def _period_end(cover: str) -> dt.date | None:
    """The first date that a cover names as a period's end."""
    for month, day, year in _PERIOD.findall(cover):
        try:
            number = _MONTHS.lower().split("|").index(month.lower()) + 1
            return dt.date(int(year), number, int(day))
        except ValueError:
            continue
    return None


def _items(text: str, form: Sequence[FormItem]) -> tuple[Item, ...]:
    """The items of a form in a text."""
    found = list(_headings(text))
    contents = _contents(text, found, form)
    headings = [each for each, listed in zip(found, contents, strict=True) if not listed]
    listings = [each.start for each, listed in zip(found, contents, strict=True) if listed]
    chosen = _best_chain(_without_repetitions(headings), form)
    items = []
    for place, (heading, item) in enumerate(chosen):
        if place + 1 < len(chosen):
            end = chosen[place + 1][0].start
            end = min((start for start in listings if heading.end < start < end), default=end)
        else:
            signature = _SIGNATURE.search(text, heading.end)
            end = signature.start() if signature else len(text)
        end = _before_furniture(text, heading.end, end)
        line = " ".join(text[heading.start : heading.end].split())
        items.append(Item(item.key, line, heading.start, end))
    return tuple(items)


def _headings(text: str) -> Iterator[_Heading]:
    """Every line that may head an item; a title may stand in the line below its number."""
    for found in _HEADING.finditer(text):
        title, end = found["title"].strip(), found.end()
        if end - found.start() > _LONGEST_HEADING:
            # A paragraph that begins with its heading: "Item 8.01 Other Events. On March 29, …"
            run_in = _RUN_IN.match(text, found.start("title"))
            told = found["mark"].strip(" *|") or "." in found["number"]
            if run_in is None or not told:
                continue
            title, end = run_in[0].strip(), run_in.end()
        elif not title:
            line_end = text.find("\n", end + 1)
            below = text[end + 1 : line_end if line_end >= 0 else len(text)]
            if len(below) <= _LONGEST_HEADING and not _HEADING.match(below):
                title, end = below.strip(), end + 1 + len(below)
        elif not (found["mark"].strip() or title[0].isupper() or title[0] in "(["):
            continue  # "Item 7 of this report", in the middle of a sentence
        yield _Heading(found.start(), end, found["number"].replace(" ", "").upper(), title)


def _contents(text: str, headings: Sequence[_Heading], form: Sequence[FormItem]) -> list[bool]:
    """Which headings are lines of a table of contents.

    A table is a run of three or more in the form's order, with nothing but short lines between
    them, and most of them come again later. Those that don't are no part of it.
    """
    listed = [False] * len(headings)
    start, place = 0, -1
    for stop in range(len(headings) + 1):
        if stop < len(headings):
            before = headings[stop - 1].end if stop > start else headings[stop].start
            following = _place_after(form, place, headings[stop].number)
            if following is not None and _is_list(text[before : headings[stop].start]):
                place = following
                continue
        later = {each.number for each in headings[stop:]}
        again = [each.number in later for each in headings[start:stop]]
        if stop - start >= _FEWEST and 2 * sum(again) > stop - start:
            listed[start:stop] = again
        start = stop
        if stop < len(headings):
            place = _place_after(form, -1, headings[stop].number) or 0
    return listed


def _place_after(form: Sequence[FormItem], place: int, number: str) -> int | None:
    """The next place in a form at which an item has this number, or None."""
    places = (at for at in range(place + 1, len(form)) if form[at].number == number)
    return next(places, None)


def _is_list(between: str) -> bool:
    """Whether there are only short lines between two headings, and not many of them."""
    return len(between) <= _APART and all(len(line) <= _SHORT_LINE for line in between.splitlines())


def _without_repetitions(headings: Sequence[_Heading]) -> list[_Heading]:
    """The first of each run of headings of one number, with the text that follows the run."""
    first = [
        heading
        for place, heading in enumerate(headings)
        if place == 0 or heading.number != headings[place - 1].number
    ]
    ends = [heading.start for heading in (*first[1:], *first[-1:])]
    return [
        replace(heading, follows=max(end - heading.end, 0))
        for heading, end in zip(first, ends, strict=True)
    ]


def _best_chain(
    headings: Sequence[_Heading], form: Sequence[FormItem]
) -> list[tuple[_Heading, FormItem]]:
    """The headings that follow the form's order, with the most text below them."""
    options = [
        (heading, place)
        for heading in headings
        for place, item in enumerate(form)
        if item.number == heading.number and item.wording.match(_plain(heading.title))
    ]
    if not options:
        return []
    best: list[tuple[float, int]] = []  # (weight of the chain that ends here, the option before)
    for number, (heading, place) in enumerate(options):
        earlier = (
            (best[other][0], other)
            for other in range(number)
            if options[other][1] < place and options[other][0].start < heading.start
        )
        weight, before = max(earlier, default=(0.0, -1))
        best.append((weight + 1.0 + math.sqrt(heading.follows), before))
    at = max(range(len(best)), key=lambda number: best[number][0])
    chain = []
    while at >= 0:
        chain.append((options[at][0], form[options[at][1]]))
        at = best[at][1]
    return chain[::-1]


def _plain(title: str) -> str:
    """A title in lower case, from its first letter or bracket on."""
    return re.sub(r"^[^\w\[(]+", "", title.lower())


def _before_furniture(text: str, start: int, end: int) -> int:
    """`end`, or where page numbers and headings of parts before it begin."""
    while end > start:
        line_start = text.rfind("\n", start, end - 1) + 1 or start
        if line_start <= start or not _FURNITURE.match(text[line_start:end].strip("\n")):
            break
        end = line_start
    return end
