"""How often a text was posted before, by people or by machines.

Copies count, and so do posts made from one template: the same words with other tickers, numbers or
links, as bots write them. It knows no author; who posts a new text each time isn't noticed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.errors import DataError
from finstrat.text.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.data import Documents

# What a template fills in: tickers, mentions, numbers with their units.
_FILLED = re.compile(r"[$@#]\w+|[-+]?\d[\w.,:%]*|[^\w\s]")


def template(text: str) -> str:
    """A raw text without what a bot would fill in: cashtags, hashtags, names, numbers, marks."""
    plain = clean(text).casefold()
    bare = " ".join(_FILLED.sub(" ", plain).split())
    # A text that is nothing but fillings is its own template.
    return bare or plain


def earlier_copies(documents: Documents, *, days: float = 7.0) -> NDArray[np.int64]:
    """How many earlier documents of the last `days` share each one's template, int64 `[D]`.

    Whatever asset they are about. A document filed under several assets has several rows: the
    first is the document, every other is -1. Earlier is as in `Documents.in_time`.

    Raises:
        DataError: `days` isn't positive.
    """
    if not days > 0:
        raise DataError(f"earlier_copies: days must be positive, got {days}")
    wording = documents.wording
    templates = wording.once("templates", _templates)[wording.places]
    texts = wording.once("equal texts", lambda each: pd.factorize(np.array(each, object))[0])
    in_time = documents.in_time
    rows = pd.DataFrame(
        {
            "row": in_time,
            "id": documents.id_codes[in_time],
            "text": texts[wording.places][in_time],
            "template": templates[in_time],
            "moment": documents.visible_at.astype(np.int64)[in_time],
        }
    )
    copies = np.full(len(documents), -1, dtype=np.int64)
    once = rows[~rows.duplicated(["id", "text"])].sort_values("template", kind="stable")
    # Templates apart and moments in order, so that one search finds the first that is not too old.
    moments = np.unique(once["moment"])
    whole = once["template"].to_numpy() * (len(moments) + 1)
    since = np.searchsorted(moments, once["moment"] - int(days * 86_400e9))
    place = whole + np.searchsorted(moments, once["moment"])
    copies[once["row"]] = np.arange(len(once)) - np.searchsorted(place, whole + since)
    return copies


def _templates(texts: Sequence[str]) -> NDArray[np.int64]:
    """The template of each text, as a number."""
    codes = pd.factorize(np.array([template(each) for each in texts], dtype=object))[0]
    return codes.astype(np.int64)
