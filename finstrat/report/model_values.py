"""What the evaluation of a model of numbers says, as plain data, and its page, drawn from it alone.

The sister of `model`, which does the same for classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finstrat.models.evaluate_values import compare_values, evaluate_values
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, GREY, ORANGE, SCHEMA
from finstrat.report.html import figure_text, interval_text
from finstrat.report.model import (
    card_block,
    evaluation_document,
    figure_of,
    slices_block,
    told_figures,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from finstrat.models.evaluate_values import ValueComparison, ValueEvaluation
    from finstrat.report.document import Document
    from finstrat.text.card import ModelCard

_DIGITS = 4
"""Significant digits of what is drawn; figures are exact."""


def value_evaluation_json(
    cards: Mapping[str, ModelCard],
    said: Mapping[str, NDArray[np.float64]],
    labels: NDArray[np.float64],
    *,
    slices: Mapping[str, Sequence[str]],
    files: Sequence[str],
    left_out: Mapping[str, int],
    seed: int,
) -> dict[str, Any]:
    """The evaluation of one model's numbers `[D]`, or of two on the same texts, as plain data."""
    found = {
        name: evaluate_values(each, labels, slices=slices, seed=seed) for name, each in said.items()
    }
    both = None
    if len(said) == 2:
        first, second = said.values()
        both = _comparison(compare_values(first, second, labels, seed=seed))
    return {
        "task": "regression",
        "n": len(labels),
        "labels": {
            "mean": float(labels.mean()),
            "deviation": float(labels.std()),
            "lowest": float(labels.min()),
            "highest": float(labels.max()),
        },
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


def _evaluation(found: ValueEvaluation) -> dict[str, Any]:
    return {
        "figures": told_figures(found.figures),
        "unknown": found.unknown,
        "slices": {
            kind: {value: told_figures(each) for value, each in values.items()}
            for kind, values in found.slices.items()
        },
        "groups": [{"n": n, "stated": stated, "label": label} for n, stated, label in found.groups],
        "points": [[_short(each) for each in pair] for pair in found.points.tolist()],
    }


def _comparison(both: ValueComparison) -> dict[str, Any]:
    return {
        "n": both.n,
        "nearer_first": both.nearer_first,
        "nearer_second": both.nearer_second,
        "difference": both.difference.to_dict(),
    }


def compared(told: dict[str, Any]) -> str:
    """The comparison in a sentence."""
    first, second = told["order"]
    both = told["comparison"]
    difference = both["difference"]
    if difference["value"] is None:
        return f"{first} and {second} can't be compared: {difference['reason_if_null']}."
    low, high = difference["ci"]
    better = "neither is told from the other"
    if low > 0 or high < 0:
        better = f"{second if low > 0 else first} is the better one"
    return (
        f"Mean squared error of {first} less that of {second}: {figure_text(difference)} "
        f"(90 % interval {interval_text(difference)}), so {better}; nearer to the label on "
        f"{both['nearer_first']:,} and {both['nearer_second']:,} of {both['n']:,} texts."
    )


def value_document_of(told: dict[str, Any]) -> Document:
    """The page of what `value_evaluation_json` told."""
    names = told["order"]
    headline = tuple(
        (label, figure_of(each)) for label, each in told["models"][names[0]]["figures"]
    )
    labels = told["labels"]
    spread = f"{labels['lowest']:.4g} to {labels['highest']:.4g}, mean {labels['mean']:.3g}"
    sentences = [
        f"{told['n']:,} texts of {', '.join(told['files'])}.",
        f"Labels go from {spread}; stating the mean would miss by {labels['deviation']:.3g}.",
        *(
            f"{name} states no number for {told['models'][name]['unknown']:,} texts, which count "
            "in no figure."
            for name in names
            if told["models"][name]["unknown"]
        ),
        "Intervals are of texts like these; texts that tell of one event make them too narrow.",
    ]
    if told["comparison"]:
        sentences.append(compared(told))
    error = headline[0][1]
    title = "No number was stated"
    if error.value is not None:
        title = f"Numbers that miss by {figure_text(error.to_dict())}, root mean squared"
    blocks = tuple(block for name in names for block in _blocks(name, told))
    return evaluation_document(told, title, sentences, headline=headline, blocks=blocks)


def _blocks(name: str, told: dict[str, Any]) -> list[Block]:
    model = told["models"][name]
    several = len(told["models"]) > 1
    suffix = f" of {name}" if several else ""
    place = told["order"].index(name)
    figures = tuple((label, figure_of(each)) for label, each in model["figures"])
    groups = model["groups"]
    return [
        Block(
            id=f"answers-{place}",
            title=f"Numbers{suffix}",
            figures=figures if several else (),
            charts=(_scatter(model, told["n"]),) if groups else (),
            tables=(
                Table(
                    "Tenths of the texts, by the number stated",
                    ("Group", "Texts", "Mean stated", "Mean label", "Difference"),
                    tuple(
                        (
                            str(number),
                            each["n"],
                            _short(each["stated"]),
                            _short(each["label"]),
                            _short(each["stated"] - each["label"]),
                        )
                        for number, each in enumerate(groups, start=1)
                    ),
                    note="Equal numbers stay in one group.",
                ),
            )
            if groups
            else (),
        ),
        slices_block(
            model["slices"],
            id=f"slices-{place}",
            title=f"By slice{suffix}",
            columns=("Root mean squared error", "Rank correlation"),
        ),
        card_block(model["card"], id=f"card-{place}", title=f"Model card{suffix}"),
    ]


def _scatter(model: dict[str, Any], texts: int) -> Chart:
    """Labels over stated numbers, a point a text, with means of tenths and the line of no error."""
    groups, points = model["groups"], model["points"]
    ends = [{"at": end} for end in _common_range(points)]
    axis = {"type": "quantitative", "scale": {"zero": False, "nice": True}}
    x, y = {**axis, "title": "number stated"}, {**axis, "title": "label"}
    spec = {
        "$schema": SCHEMA,
        "width": "container",
        "height": 320,
        "layer": [
            {
                "data": {"values": [{"stated": s, "label": t} for s, t in points]},
                "mark": {"type": "circle", "color": BLUE, "opacity": 0.35, "size": 22},
                "encoding": {"x": {"field": "stated", **x}, "y": {"field": "label", **y}},
            },
            {
                "data": {"values": ends},
                "mark": {"type": "line", "color": GREY, "strokeDash": [4, 4]},
                "encoding": {"x": {"field": "at", **x}, "y": {"field": "at", **y}},
            },
            {
                "data": {
                    "values": [
                        {
                            "stated": _short(g["stated"]),
                            "label": _short(g["label"]),
                            "texts": g["n"],
                        }
                        for g in groups
                    ]
                },
                "mark": {"type": "line", "color": ORANGE, "point": {"color": ORANGE, "size": 60}},
                "encoding": {
                    "x": {"field": "stated", **x},
                    "y": {"field": "label", **y},
                    "tooltip": [
                        {"field": "stated", "type": "quantitative", "title": "mean stated"},
                        {"field": "label", "type": "quantitative", "title": "mean label"},
                        {"field": "texts", "type": "quantitative"},
                    ],
                },
            },
        ],
    }
    drawn = f"{len(points):,} of {texts:,} texts" if len(points) < texts else "each text a point"
    told = "; ".join(f"stated {g['stated']:.3g}, label {g['label']:.3g}" for g in groups)
    return Chart(
        f"Labels over stated numbers ({drawn}), and the means of tenths",
        spec,
        f"Mean label over mean number stated, by tenths: {told}. Without error both are equal.",
    )


def _common_range(points: list[list[float]]) -> tuple[float, float]:
    """Where the line of equality begins and ends: what either axis reaches."""
    stated, labels = zip(*points, strict=True)
    return min(*stated, *labels), max(*stated, *labels)


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
