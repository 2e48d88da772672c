"""What a model's evaluation says, as plain data, and its page, which is drawn from that alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.models.evaluate import compare, evaluate
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, GREY, SCHEMA
from finstrat.report.document import Document, Opening
from finstrat.risk.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from finstrat.models.answers import Answers
    from finstrat.models.evaluate import Comparison, Evaluation, Figures
    from finstrat.text.card import ModelCard

STANDING = "Measured on texts with labels; it says nothing of returns"
"""The first line of an evaluation's page."""


def evaluation_json(
    cards: Mapping[str, ModelCard],
    answers: Mapping[str, Answers],
    labels: Sequence[str],
    *,
    classes: tuple[str, ...],
    slices: Mapping[str, Sequence[str]],
    files: Sequence[str],
    left_out: Mapping[str, int],
    seed: int,
) -> dict[str, Any]:
    """The evaluation of one model, or of two on the same texts, as plain data."""
    truth = np.array([classes.index(each) for each in labels], dtype=np.int64)
    found = {
        name: evaluate(each, truth, classes=classes, slices=slices, seed=seed)
        for name, each in answers.items()
    }
    both = None
    if len(answers) == 2:
        first, second = answers.values()
        both = _comparison(compare(first, second, truth, seed=seed))
    return {
        "task": "classification",
        "n": len(labels),
        "classes": list(classes),
        "files": list(files),
        "left_out": dict(left_out),
        "seed": seed,
        "order": list(found),
        "models": {
            name: {**_evaluation(each), "card": cards[name].model_dump(mode="json")}
            for name, each in found.items()
        },
        "comparison": both,
    }


def _evaluation(found: Evaluation) -> dict[str, Any]:
    return {
        "figures": told_figures(found.figures),
        "confusion": found.confusion.tolist(),
        "by_class": {name: told_figures(each) for name, each in found.by_class.items()},
        "slices": {
            kind: {value: told_figures(each) for value, each in values.items()}
            for kind, values in found.slices.items()
        },
        "reliability": [
            {"n": n, "confidence": confidence, "right": right}
            for n, confidence, right in found.reliability
        ],
    }


def _comparison(both: Comparison) -> dict[str, Any]:
    return {
        "only_first": both.only_first,
        "only_second": both.only_second,
        "difference": both.difference.to_dict(),
        "p": both.p.to_dict(),
    }


def told_figures(figures: Figures) -> list[Any]:
    """Labels and figures as plain data."""
    return [[label, figure.to_dict()] for label, figure in figures]


def compared(told: dict[str, Any]) -> str:
    """The comparison in a sentence."""
    first, second = told["order"]
    both = told["comparison"]
    p = both["p"]["value"]
    why = f"; McNemar's p {p:.3g}." if p is not None else f": {both['p']['reason_if_null']}."
    return (
        f"{first} alone is right about {both['only_first']:,} texts, {second} alone about "
        f"{both['only_second']:,}{why}"
    )


def document_of(told: dict[str, Any]) -> Document:
    """The page of what `evaluation_json` told."""
    names = told["order"]
    first = told["models"][names[0]]
    headline = tuple((label, figure_of(each)) for label, each in first["figures"])
    sentences = [
        f"{told['n']:,} texts of {', '.join(told['files'])}; classes {', '.join(told['classes'])}.",
        "Intervals are of texts like these; texts that tell of one event make them too narrow.",
    ]
    if told["comparison"]:
        sentences.append(compared(told))
    title = f"{headline[0][1].value or 0.0:.1%} of the texts answered right"
    blocks = tuple(block for name in names for block in _blocks(name, told))
    return evaluation_document(told, title, sentences, headline=headline, blocks=blocks)


def evaluation_document(
    told: dict[str, Any],
    title: str,
    sentences: Sequence[str],
    *,
    headline: tuple[tuple[str, Figure], ...],
    blocks: tuple[Block, ...],
) -> Document:
    """The page of an evaluation, of classes or of numbers; `headline` is the first model's."""
    return Document(
        kind="evaluation",
        name=" against ".join(told["order"]),
        kicker="Evaluation of a model",
        standing=STANDING,
        span={"start": "", "end": "", "texts": told["n"]},
        opening=Opening("inconclusive", title, tuple(sentences)),
        blocks=blocks,
        headline=headline,
        provenance={"seed": told["seed"], "left out": told["left_out"]},
    )


def _blocks(name: str, told: dict[str, Any]) -> list[Block]:
    model = told["models"][name]
    classes = told["classes"]
    several = len(told["models"]) > 1
    suffix = f" of {name}" if several else ""
    place = told["order"].index(name)
    card = model["card"]
    figures = tuple((label, figure_of(each)) for label, each in model["figures"])
    counts = model["confusion"]
    return [
        Block(
            id=f"answers-{place}",
            title=f"Answers{suffix}",
            figures=figures if several else (),
            tables=(
                Table(
                    "By class",
                    ("Class", "Texts", "Precision", "Recall", "F1"),
                    tuple(
                        (label, figures[0][1]["n"], *(each["value"] for _, each in figures))
                        for label, figures in model["by_class"].items()
                    ),
                ),
                Table(
                    "Confusion",
                    ("True class", *(f"said {each}" for each in classes), "unknown"),
                    tuple((label, *row) for label, row in zip(classes, counts, strict=True)),
                ),
            ),
            charts=(_reliability(model["reliability"]),) if model["reliability"] else (),
        ),
        slices_block(
            model["slices"],
            id=f"slices-{place}",
            title=f"By slice{suffix}",
            columns=("Accuracy", "Macro-F1"),
        ),
        card_block(card, id=f"card-{place}", title=f"Model card{suffix}"),
    ]


def slices_block(
    slices: dict[str, dict[str, Any]],
    *,
    id: str,  # noqa: A002 - Block's own
    title: str,
    columns: tuple[str, str],
) -> Block:
    """Two measures of each part of the texts, the first with its interval."""
    return Block(
        id=id,
        title=title,
        text=() if slices else ("The texts have no parts to tell apart.",),
        tables=tuple(
            Table(
                f"By {kind}",
                (kind.capitalize(), "Texts", columns[0], "From", "To", columns[1]),
                tuple(
                    (
                        value,
                        each[0][1]["n"],
                        each[0][1]["value"],
                        *(each[0][1]["ci"] or (None, None)),
                        each[1][1]["value"],
                    )
                    for value, each in values.items()
                ),
                note="A dash: too few texts." if _holes(values) else "",
            )
            for kind, values in slices.items()
        ),
    )


def card_block(card: dict[str, Any], *, id: str, title: str) -> Block:  # noqa: A002 - Block's own
    """What a model's card says of where it comes from, and of its limits."""
    return Block(
        id=id,
        title=title,
        text=(card["summary"],),
        tables=(
            Table(
                "Card",
                ("What", "Says"),
                (
                    ("Version", card["version"]),
                    ("Trained until", card["training_cutoff"] or "unknown"),
                    ("Why", card["cutoff_reason"]),
                    ("Licence", card["licence"]),
                    ("Training data", "; ".join(card["training_data"])),
                    ("Limits", " ".join(card["limits"]) or "none stated"),
                ),
            ),
        ),
    )


def _holes(values: dict[str, Any]) -> bool:
    return any(each[0][1]["value"] is None for each in values.values())


def figure_of(told: dict[str, Any]) -> Figure:
    """The figure that plain data tell."""
    ci = told["ci"]
    return Figure(
        **{
            **told,
            "ci": None if ci is None else tuple(ci),
            "reason_if_null": told["reason_if_null"] or "",
        }
    )


def _reliability(bins: list[dict[str, Any]]) -> Chart:
    """Share right over confidence, with the line on which they are equal."""
    axis = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"format": ".0%"}}
    points = [
        {"confidence": round(b["confidence"], 4), "right": round(b["right"], 4), "texts": b["n"]}
        for b in bins
    ]
    spec = {
        "$schema": SCHEMA,
        "width": "container",
        "height": 260,
        "layer": [
            {
                "data": {"values": [{"at": 0}, {"at": 1}]},
                "mark": {"type": "line", "color": GREY, "strokeDash": [4, 4]},
                "encoding": {
                    "x": {"field": "at", **axis, "title": "confidence"},
                    "y": {"field": "at", **axis, "title": "share right"},
                },
            },
            {
                "data": {"values": points},
                "mark": {"type": "line", "color": BLUE, "point": {"color": BLUE, "size": 60}},
                "encoding": {
                    "x": {"field": "confidence", **axis},
                    "y": {"field": "right", **axis},
                    "tooltip": [
                        {"field": "confidence", "type": "quantitative", "format": ".1%"},
                        {"field": "right", "type": "quantitative", "format": ".1%"},
                        {"field": "texts", "type": "quantitative"},
                    ],
                },
            },
        ],
    }
    told = "; ".join(f"{b['confidence']:.0%} sure, {b['right']:.0%} right" for b in bins)
    return Chart("Confidence and truth", spec, f"Share right over confidence: {told}.")
