"""Sentences of company news with known sentiment, made from the grammar in `press.toml`.

A sentence's label is that of the rule it came from, so comparisons ("12.3 million, compared with
9.8 million") are labelled by the numbers drawn for them. It knows only what the grammar says.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_GRAMMAR = Path(__file__).with_name("press.toml")
_HOLE = re.compile(
    r"\{(?P<slot>\w+)\}|<(?P<choice>[^<>\[\]{}]*(?:\{\w+\}[^<>\[\]{}]*)*)>|\[(?P<option>[^\[\]]*)\]"
)
# How newsrooms and companies write an amount; `#` is the number.
_UNITS = (
    *("EUR # mn", "EUR # mln", "EUR # million", "EUR#m", "EUR # bn", "# million euros"),
    *("€# million", "# mln euro", "SEK # mn", "SEK # million", "NOK #m", "DKK # mn"),
    *("$# million", "$#m", "USD # mn", "US$#bn", "USD # billion", "# billion dollars"),
    *("£# million", "£#m", "GBP # mn", "CHF # million", "CAD # million", "PLN # mn"),
    *("Rs # crore", "# million roubles", "JPY # bn", "#m"),
)


class _Figures:
    """The numbers of one sentence: two amounts in one unit, and what lies between them."""

    def __init__(self, rng: Random) -> None:
        scale = 10 ** rng.uniform(0, 2.9)
        ratio = 1 + 10 ** rng.uniform(-1.7, 0.3)
        digits = rng.choice((0, 1, 1, 1, 2)) if scale < 100 else rng.choice((0, 0, 1))
        low = round(scale, digits)
        high = round(max(scale * ratio, low + 10**-digits), digits)
        unit = rng.choice(_UNITS)
        per_cent = rng.choice(("%", "%", " %", " percent", " per cent", " pct"))

        def amount(value: float) -> str:
            return unit.replace("#", f"{value:,.{digits}f}")

        count = round(10 ** rng.uniform(1.3, 4.6))
        more = round(count * ratio) + 1
        grouped = rng.choice(("{:,}", "{:,}", "{}"))
        self.texts = {
            "high": amount(high),
            "low": amount(low),
            "high_bare": f"{high:,.{digits}f}",
            "low_bare": f"{low:,.{digits}f}",
            "amount": amount(low),
            "change": f"{(high / low - 1) * 100:.{rng.choice((0, 1, 1))}f}{per_cent}",
            "percent": f"{rng.uniform(1, 60):.1f}{per_cent}",
            "count": grouped.format(count),
            "low_count": grouped.format(count),
            "high_count": grouped.format(more),
        }


def press_sentences(count: int, *, rng: Random) -> list[tuple[str, str]]:
    """`count` pairs of label and sentence; rules are drawn by their weights."""
    grammar = tomllib.loads(_GRAMMAR.read_text(encoding="utf-8"))
    slots, rules = grammar["slots"], grammar["rule"]
    weights = [rule["weight"] for rule in rules]
    made: list[tuple[str, str]] = []
    for rule in rng.choices(rules, weights, k=count):
        figures = _Figures(rng).texts
        text = _expanded(rng.choice(rule["texts"]), slots=slots, figures=figures, rng=rng)
        made.append((rule["label"], _dressed(text, slots=slots, figures=figures, rng=rng)))
    return made


def _expanded(
    text: str, *, slots: dict[str, list[str]], figures: dict[str, str], rng: Random
) -> str:
    def filled(hole: re.Match[str]) -> str:
        if hole["slot"] is not None:
            name = hole["slot"]
            return figures[name] if name in figures else rng.choice(slots[name])
        if hole["choice"] is not None:
            return rng.choice(hole["choice"].split("|"))
        return hole["option"] if rng.random() < 0.4 else ""

    while _HOLE.search(text):
        text = _HOLE.sub(filled, text)
    return text


def _dressed(
    text: str, *, slots: dict[str, list[str]], figures: dict[str, str], rng: Random
) -> str:
    """The sentence with who said it, before or after, and a capital and a stop, or not."""
    way = rng.random()
    if way < 0.12:
        text = f"{_expanded('{opening}', slots=slots, figures=figures, rng=rng)} {text}"
    elif way < 0.24:
        text = f"{text}, {_expanded('{said}', slots=slots, figures=figures, rng=rng)}"
    text = re.sub(r"\s+([,.;)])", r"\1", " ".join(text.split()))
    text = text[0].upper() + text[1:]
    return text if rng.random() < 0.2 or text.endswith(".") else text + "."
