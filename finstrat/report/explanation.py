"""The page of an explanation: the way from an order back to the texts, one block a step.

It draws what `finstrat.lineage` told and computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat.report.block import Block, Table
from finstrat.report.document import TONES, Document, Opening, Part, Passage

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKED = 0.1
"""Words with less of the largest effect than this aren't marked: every word moves a model a bit."""


def document_of(told: dict[str, Any], *, standing: str, span: dict[str, Any]) -> Document:
    """The document of what `finstrat.lineage.explain` told."""
    passages = {
        _id(signal): tuple(passage(each) for each in signal["documents"])
        for signal in told["signals"]
        if signal.get("documents")
    }
    return Document(
        kind="explanation",
        name=f"{told['asset']} on {told['date']}",
        kicker=f"Explanation · {told['run']}",
        standing=standing,
        span=span,
        opening=Opening(
            tone=TONES[told["verdict"]["outcome"]],
            title=summary(told),
            sentences=(
                f"The run it belongs to: {told['verdict']['sentence']}",
                "Effects are differences to what comes out without the one thing, not causes.",
            ),
        ),
        blocks=tuple(_blocks(told)),
        passages=passages,
        provenance={"run": told["run"]},
    )


def summary(told: dict[str, Any]) -> str:
    """The position and when it was decided, in a line."""
    return (
        f"{told['weight']['target']:.2%} of the account in {told['asset']}, decided at the close "
        f"of {told['decided_on']}"
    )


def passage(document: dict[str, Any]) -> Passage:
    """A document's text with the words behind its score marked."""
    text, parts, at = document["text"], [], 0
    words = document.get("words", ())
    least = MARKED * max((abs(word["effect"]) for word in words), default=0.0)
    for word in words:
        if abs(word["effect"]) < least:
            continue
        parts += [
            Part(text[at : word["start"]]),
            Part(text[word["start"] : word["end"]], word["effect"]),
        ]
        at = word["end"]
    parts.append(Part(text[at:]))
    return Passage(
        id=f"document-{document['id']}",
        parts=tuple(part for part in parts if part.text),
        source=f"{document['id']} · known {document['known_at'][:16].replace('T', ' ')} UTC · "
        f"moved the signal by {document['effect']:+.4g}",
    )


def _id(signal: dict[str, Any]) -> str:
    return f"signal-{signal['output'].replace('.', '-')}"


def _blocks(told: dict[str, Any]) -> Iterator[Block]:
    """Order, weight, optimizer, then the signals inwards, then prices."""
    orders = told["orders"]
    yield Block(
        id="orders",
        title="Orders",
        text=() if orders else ("The decision led to no fill: what was held was enough.",),
        tables=(_table("Fills of this decision", orders),) if orders else (),
    )
    weight = dict(told["weight"])
    limits = weight.pop("limits")
    yield Block(
        id="weight",
        title="Weight",
        tables=(_pairs("Fractions of net asset value", weight), _pairs("Limits", limits)),
    )
    yield Block(
        id="optimizer",
        title="Strategy and optimizer",
        tables=(_pairs("Who decided, and how much of it is text", told["optimizer"]),),
    )
    for signal in told["signals"]:
        yield _signal_block(signal)
    prices = told["prices"]
    past = {f"return over {key} sessions": each for key, each in prices["past_returns"].items()}
    yield Block(
        id="prices",
        title="Prices",
        tables=(_pairs("On the day", {"close": prices["close"], **past}),),
    )


def _signal_block(signal: dict[str, Any]) -> Block:
    nested = {"documents", "facts", "documents_method", "signal"}
    shown = {key: each for key, each in signal.items() if key not in nested}
    tables = [_pairs("On the day", {**shown, **signal["signal"]})]
    text = []
    if "documents" in signal:
        text.append(
            f"{signal['documents_counted']} documents counted; those that moved it most are below, "
            f"the words behind their scores marked. How that is known: "
            f"{signal['documents_method']}."
        )
        tables.append(
            _table(
                "Documents",
                [
                    {
                        "id": each["id"],
                        "known at": each["known_at"][:16],
                        "effect": each["effect"],
                        **each.get("scores", {}),
                    }
                    for each in signal["documents"]
                ],
            )
        )
    if signal.get("facts"):
        tables.append(_table("Facts known on the day", signal["facts"]))
    return Block(
        id=_id(signal), title=f"Signal {signal['output']}", text=tuple(text), tables=tuple(tables)
    )


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    return Table(
        title, columns, tuple(tuple(_cell(row.get(key)) for key in columns) for row in rows)
    )


def _pairs(title: str, pairs: dict[str, Any]) -> Table:
    return Table(
        title,
        ("what", "value"),
        tuple((key.replace("_", " "), _text(each)) for key, each in pairs.items()),
    )


def _cell(value: Any) -> str | float | int | None:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _text(value)


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}".replace("-", "\u2212")
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(each) for each in value)
    return str(value)
