"""A page in the report's style about something else than a run: an explanation, advice, a watch.

Its first line says whether anybody approved it. Like a report it is plain data first, and the page
is drawn from that alone. Nothing here knows what the blocks say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from finstrat.report.build import SCHEMA_VERSION, conventions_in, labelled, plain
from finstrat.report.html import render_html

if TYPE_CHECKING:
    from finstrat.report.assess import Labelled
    from finstrat.report.block import Block

Tone = Literal["supported", "inconclusive", "refuted"]
"""How the opening is coloured: well, open, badly."""

TONES: dict[str, Tone] = {
    "supported": "supported",
    "inconclusive": "inconclusive",
    "refuted": "refuted",
}


@dataclass(frozen=True)
class Part:
    """A piece of a passage, and how much it moved the score; 0 where it didn't.

    `level` 1 to 3 says how strongly it is coloured.
    """

    text: str
    effect: float = 0.0
    level: Literal[1, 2, 3] = 1


@dataclass(frozen=True)
class Passage:
    """A text in parts, under an id that links may lead to, and where it comes from."""

    id: str
    parts: tuple[Part, ...]
    source: str


@dataclass(frozen=True)
class Line:
    """A sentence, and the id of what it rests on, which it links to; "" where it is its own."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Lines:
    """Sentences about one thing."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Opening:
    """What the page says first."""

    tone: Tone
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A page's content.

    Attributes:
        standing: who approved it, or that nobody did; the page's first line.
        kicker: what kind of page it is, in a few words.
        span: `{"start", "end", "sessions"}` of what it rests on.
        passages: texts shown in the block of that id.
        lines: sentences shown there.
    """

    kind: str
    name: str
    kicker: str
    standing: str
    span: dict[str, Any]
    opening: Opening
    blocks: tuple[Block, ...]
    headline: Labelled = ()
    passages: dict[str, tuple[Passage, ...]] = field(default_factory=dict)
    lines: dict[str, tuple[Lines, ...]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)


def page(document: Document) -> str:
    """The page, complete in one string."""
    opening = document.opening
    report: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": document.kind,
        "name": document.name,
        "kicker": document.kicker,
        "standing": document.standing,
        "span": document.span,
        "verdict": {
            "outcome": opening.title,
            "tone": opening.tone,
            "title": opening.title,
            "sentences": list(opening.sentences),
        },
        "headline": labelled(document.headline),
        "blocks": [
            {
                **plain(block),
                "figures": labelled(block.figures),
                "passages": plain(document.passages.get(block.id, ())),
                "lines": plain(document.lines.get(block.id, ())),
            }
            for block in document.blocks
        ],
        "provenance": plain(document.provenance),
    }
    report["conventions"] = conventions_in(report)
    return render_html(report, template="document.html")
