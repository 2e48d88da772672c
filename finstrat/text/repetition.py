"""How often a text was posted before, by people or by machines.

Copies count, and so do posts made from one template: the same words with other tickers, numbers or
links, as bots write them. It knows no author; who posts a new text each time isn't noticed.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from finstrat.errors import DataError
from finstrat.text.clean import clean

if TYPE_CHECKING:
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
    moments = documents.visible_at.astype(np.int64)
    reach = int(days * 86_400e9)
    copies = np.zeros(len(documents), dtype=np.int64)
    templates = documents.wording.once("templates", lambda texts: [template(t) for t in texts])
    places = documents.wording.places.tolist()
    recent: dict[str, deque[int]] = {}
    seen: dict[tuple[str, str], None] = {}
    for row in documents.in_time.tolist():
        name = (documents.ids[row], documents.texts[row])
        if name in seen:
            copies[row] = -1
            continue
        seen[name] = None
        earlier = recent.setdefault(templates[places[row]], deque())
        while earlier and earlier[0] < moments[row] - reach:
            earlier.popleft()
        copies[row] = len(earlier)
        earlier.append(int(moments[row]))
    return copies
