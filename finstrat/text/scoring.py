"""Scores of many raw texts: cleaned once, each distinct text scored once, ever.

This is the one place where raw text becomes clean text: a scorer always receives cleaned, non-empty
and distinct texts. It knows nothing of time or assets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from finstrat.errors import PluginError
from finstrat.text.cache import rounded
from finstrat.text.clean import cleaned, text_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.components import Scorer
    from finstrat.text.cache import ScoreCache

Progress = Callable[[int, int], None]
"""Told (distinct texts done, distinct texts in all)."""

CHUNK = 1024
"""Texts scored between two writes to the cache: what a kill can lose."""


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of D documents, and how they came about.

    Attributes:
        values: `[D, K]` float32 on the CPU, one row a document; NaN = unknown (an empty text).
        texts: documents, D.
        empty: documents with nothing left to read after cleaning.
        changed: documents that cleaning changed (more than white space).
        unique: distinct texts among the others.
        cached: distinct texts found in the cache.
        scored: distinct texts scored now; `unique = cached + scored`.
    """

    values: torch.Tensor
    texts: int
    empty: int
    changed: int
    unique: int
    cached: int
    scored: int


def score_documents(
    scorer: Scorer,
    texts: Sequence[str],
    *,
    cache: ScoreCache | None = None,
    progress: Progress | None = None,
) -> Scored:
    """The scores of raw `texts`, in their order, with as little work as possible.

    Cleans, hashes and deduplicates; looks the distinct texts up; scores what is missing, shorter
    texts first (so that batches of one length fill up), writing each chunk as it finishes. A
    score depends on its text alone, so neither order nor cache changes a value.

    Raises:
        PluginError: the scorer's answer isn't float32 `[D, K]`.
    """
    width = len(scorer.outputs)
    row_of: dict[str, int] = {}
    rows = []
    empty = changed = 0
    for raw in texts:
        result = cleaned(raw)
        changed += result.changed
        empty += result.text == ""
        # -1 is the table's last row, which stays NaN.
        rows.append(row_of.setdefault(result.text, len(row_of)) if result.text else -1)

    unique = list(row_of)
    table = np.full((len(unique) + 1, width), np.nan, dtype=np.float32)
    keys = [text_key(text) for text in unique]
    kept = scorer.precision
    known = cache.get_many(scorer.fingerprint, keys, width=width, precision=kept) if cache else {}
    missing = []
    for row, key in enumerate(keys):
        if key in known:
            table[row] = known[key]
        else:
            missing.append(row)
    missing.sort(key=lambda row: len(unique[row]))

    for done in range(0, len(missing), CHUNK):
        if progress is not None:
            progress(len(known) + done, len(unique))
        chunk = missing[done : done + CHUNK]
        table[chunk] = _checked(scorer, [unique[row] for row in chunk])
        if cache:
            cache.put_many(
                scorer.fingerprint,
                {keys[row]: table[row] for row in chunk},
                precision=kept,
                label=f"{scorer.name} {scorer.version}",
            )
    if progress is not None:
        progress(len(unique), len(unique))
    return Scored(
        values=torch.from_numpy(table[rows]),
        texts=len(texts),
        empty=empty,
        changed=changed,
        unique=len(unique),
        cached=len(known),
        scored=len(missing),
    )


def _checked(scorer: Scorer, texts: list[str]) -> NDArray[np.float32]:
    """The scorer's answer, once its shape, type and place are right."""
    scores = scorer.score(texts)
    expected = [len(texts), len(scorer.outputs)]
    if list(scores.shape) != expected or scores.dtype != torch.float32 or not scores.is_cpu:
        raise PluginError(
            f'scorer "{scorer.name}": expected float32 {expected} on the CPU, '
            f"got {scores.dtype} {list(scores.shape)} on {scores.device}"
        )
    return rounded(scores.detach().numpy(), scorer.precision)
