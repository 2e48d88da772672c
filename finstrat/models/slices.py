"""Parts of a set of texts that a model may answer differently: length, source, year, language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError
from finstrat.models.labelled import moments
from finstrat.text.language import language

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

FEWEST = 20
"""Texts of a part below which a measure says too little to be printed."""

MOST = 12
"""Values of a slice that are told apart; rarer ones are `REST`."""

REST = "other"


def slices_of(frame: pd.DataFrame) -> dict[str, list[str]]:
    """The part of each text of `frame`, by kind of slice; kinds with a single part are left out.

    Length is in thirds of the words; source is a column `source`, or else the file; year needs a
    column of times (see `labelled.moments`); language is what CLD2 is sure of.
    """
    words = np.array([len(text.split()) for text in frame["text"]])
    low, high = np.quantile(words, [1 / 3, 2 / 3]).astype(int)
    thirds = [f"1 to {low} words", f"{low + 1} to {high} words", f"{high + 1} words or more"]
    found = {"length": [thirds[int(n > low) + int(n > high)] for n in words]}
    source = next(name for name in ("source", "from_file", "file") if name in frame)
    found["source"] = [str(each) for each in frame[source]]
    try:
        times = moments(frame)
    except DataError:  # a column that is called like a time and holds none
        times = None
    if times is not None:
        found["year"] = [str(each.year) for each in times]
    found["language"] = [language(text) or "not told" for text in frame["text"]]
    return {kind: _common(values) for kind, values in found.items() if len(set(values)) > 1}


def in_order(values: Iterable[object]) -> list[str]:
    """The parts in `values`, each once: by the number they begin with, by name, "other" last."""
    return sorted({str(each) for each in values}, key=_place)


def _place(value: str) -> tuple[bool, int, str]:
    number = value.split(" ", 1)[0]
    return (value == REST, int(number) if number.isdigit() else -1, value)


def _common(values: list[str]) -> list[str]:
    counts = {name: values.count(name) for name in set(values)}
    kept = sorted(counts, key=lambda name: (-counts[name], name))[:MOST]
    return [each if each in kept else REST for each in values]
