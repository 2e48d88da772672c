"""The text that a reader of an HTML document sees.

It tells markup from angle brackets that mean something else (a Reuters code, a comparison), drops
what a browser doesn't show, and keeps the words of neighbouring blocks apart. It knows nothing of
pages: navigation and adverts are visible, so they stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|img|input|ins|kbd|label|mark|nobr|q|"
    "s|samp|small|span|strike|strong|sub|sup|svg|time|tt|u|var|wbr"
)
_BLOCK = (
    "address|article|aside|blockquote|body|br|button|caption|center|dd|details|dialog|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|"
    "legend|li|link|main|menu|meta|nav|noscript|ol|option|p|pre|script|section|select|style|"
    "summary|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|ul"
)
# In HTML's grammar these are opened again in every paragraph until they are closed.
_FORMATTING = re.compile(r"a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u")
# Their end tags may be left out, or must be: they say nothing about nesting.
_UNPAIRED = re.compile(
    r"br|hr|img|input|link|meta|wbr|p|li|dd|dt|td|th|tr|tbody|thead|tfoot|option|frame"
)
# An attribute needs its "=": "a<b and c>d" is arithmetic.
_MARKUP = re.compile(
    rf"<(?:!doctype\b|/?(?:{_INLINE}|{_BLOCK}|ix:\w+)(?:\s*/?>|\s+[\w:-]+\s*=|\s+hidden[\s>]))",
    re.IGNORECASE,
)
_ROW_TAG = re.compile(rf"<(?=/?(?!t[dh][\s/>])(?:{_BLOCK})[\s/>])", re.IGNORECASE)
_PAGE = re.compile(r"<(?:html|body|p|tr)[\s>]", re.IGNORECASE)
_PREFORMATTED = re.compile(r"(<pre[\s>].*?</pre>)", re.IGNORECASE | re.DOTALL)
_PREFORMATTED_END = re.compile(r"</pre>", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_LINE_END = re.compile(r"[\n\r\f\v\x85\u2028\u2029]+")
_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_BLOCK_TAG = re.compile(rf"<(?=/?(?:{_BLOCK})[\s/>])", re.IGNORECASE)
_TAG = re.compile(r"<[/!]?[A-Za-z-][^<>]*>")
_TAG_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:]*)")
_CODE = re.compile(r"<(?=[A-Za-z0-9]*[.=^][A-Za-z0-9.=^]*>)")
_UNSEEN = frozenset(
    {"head", "script", "style", "template", "noscript", "iframe", "object", "ix:header"}
)
_SUSPECTS = ", ".join((*(name.replace(":", r"\:") for name in _UNSEEN), "[hidden]", "[style]"))
_UNSEEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)

_MANY_TAGS = 5_000
_DEEPEST = 5_000
_MOST_REOPENED = 5_000_000


@dataclass(frozen=True)
class Visible:
    """What is seen of a document, and the number of tags in it (0: it was no HTML)."""

    text: str
    tags: int


def visible_text(text: str) -> Visible:
    """The visible text of HTML; a text without a tag that HTML knows comes back as it is.

    Dropped: comments, the head, scripts, styles, templates, frames, and elements hidden by
    attribute or inline style, or in the header of inline XBRL. Style sheets aren't applied.
    A code in angle brackets like `<AAPL.O>` stays.
    """
    if not _is_marked_up(text):
        return Visible(text, 0)
    return _seen(_BLOCK_TAG.sub(" <", _CODE.sub("&lt;", text)), tags=len(_TAG.findall(text)))


def visible_lines(text: str) -> Visible:
    """The same with a line for each block: paragraphs, headings, rows of tables.

    Cells of a row stay in its line. Runs of blanks are one space, and no line is empty. Line breaks
    of the source count where a browser keeps them, in preformatted parts, and in a text that isn't
    a page of HTML at all, like Markdown or the plain text of older filings.
    """
    tags = 0
    if _is_marked_up(text):
        tags = len(_TAG.findall(text))
        page = _CODE.sub("&lt;", text)
        if _PAGE.search(page):
            page = _outside_preformatted(page, _BLANKS, " ")
        text = _seen(_ROW_TAG.sub("\n<", _BLOCK_TAG.sub(" <", page)), tags=tags).text
    lines = (" ".join(line.split()) for line in _LINE_END.split(text.translate(_INVISIBLE)))
    return Visible("\n".join(line for line in lines if line), tags)


def _outside_preformatted(text: str, found: re.Pattern[str], replacement: str) -> str:
    """The text with a pattern replaced everywhere but in preformatted parts."""
    # Behind the last end tag nothing is looked for: unclosed tags would each search all the rest.
    last = max((end.end() for end in _PREFORMATTED_END.finditer(text)), default=0)
    parts = [*_PREFORMATTED.split(text[:last]), "", text[last:]]
    parts[::2] = [found.sub(replacement, part) for part in parts[::2]]
    return "".join(parts)


def _is_marked_up(text: str) -> bool:
    comment = 0 <= text.find("<!--") < text.rfind("-->")
    return comment or bool(_MARKUP.search(text))


def _seen(spaced: str, *, tags: int) -> Visible:
    """What is seen of HTML whose blocks are kept apart already."""
    if _parses_slowly(spaced):
        return Visible(_without_tags(spaced), tags)
    tree = LexborHTMLParser(spaced)
    # Children before their parents: a parent takes its children with it.
    for node in reversed(tree.css(_SUSPECTS)):
        if node.tag in _UNSEEN or _is_hidden(node.attributes):
            node.decompose()
    shown = tree.body or tree.root
    return Visible(shown.text() if shown is not None else "", max(tags, 1))


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    return "hidden" in attributes or bool(_UNSEEN_STYLE.search(attributes.get("style") or ""))


def _parses_slowly(text: str) -> bool:
    """Whether tags are left open so often that an HTML parser would take minutes or gigabytes.

    The time of parsing is quadratic in the depth of nesting, and a formatting element that is never
    closed comes back in each paragraph. No document for readers comes near these bounds.
    """
    if text.count("<") < _MANY_TAGS:
        return False
    depth = deepest = open_formatting = most_formatting = tags = 0
    for end, given in _TAG_NAME.findall(text):
        tags += 1
        name = given.lower()
        if _UNPAIRED.fullmatch(name):
            continue
        step = -1 if end else 1
        depth = max(0, depth + step)
        deepest = max(deepest, depth)
        if _FORMATTING.fullmatch(name):
            open_formatting = max(0, open_formatting + step)
            most_formatting = max(most_formatting, open_formatting)
    return deepest > _DEEPEST or most_formatting * tags > _MOST_REOPENED


def _without_tags(text: str) -> str:
    """The text between tags, scripts and styles left out, in one pass that knows no nesting."""
    lower = text.lower()
    parts = []
    at = 0
    while True:
        starts = [place for name in ("<script", "<style") if (place := lower.find(name, at)) >= 0]
        if not starts:
            break
        start = min(starts)
        parts.append(text[at:start])
        end = lower.find("</script" if lower.startswith("<script", start) else "</style", start)
        if end < 0:
            at = len(text)
            break
        at = end
    parts.append(text[at:])
    return _TAG.sub("", "".join(parts))
