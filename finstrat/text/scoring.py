"""Scores of many raw texts: cleaned once, each distinct text scored once, ever.

This is the one place where raw text becomes clean text: a scorer always receives cleaned, non-empty
and distinct texts. It knows nothing of time or assets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from finstrat.errors import PluginError
from finstrat.text.cache import rounded
from finstrat.text.clean import cleaned, text_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from finstrat.components import Scorer
    from finstrat.text.cache import ScoreCache

Progress = Callable[[int, int], None]
"""Told (distinct texts done, distinct texts in all)."""

WINDOW = 16_384
"""Documents of a stream that are looked at together: what its memory is for."""
_FIRST_CHUNK, _CHUNKS = 64, (16, 4096)
_CHUNK_S = 2.0
"""Texts scored between two writes to the cache, and about how long: what a kill can lose."""


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of D documents, and how they came about.

    Attributes:
        values: `[D, K]` float32 on the CPU, one row a document; NaN = unknown (an empty text).
        texts: documents, D.
        empty: documents with nothing left to read after cleaning.
        changed: documents that cleaning changed (more than white space).
        unique: distinct texts among the others; in a stream those not met in the same window yet.
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


@dataclass(frozen=True, eq=False)
class ScoredBatch:
    """A record batch as it came, and the scores of its rows."""

    batch: pa.RecordBatch
    scored: Scored


def score_documents(
    scorer: Scorer,
    texts: Sequence[str],
    *,
    cache: ScoreCache | None = None,
    progress: Progress | None = None,
) -> Scored:
    """The scores of raw `texts`, in their order, with as little work as possible.

    Cleans, hashes and deduplicates; looks the distinct texts up; scores what is missing, shorter
    texts first, and writes every few seconds what is finished. A score depends on its text
    alone, so neither order nor cache changes a value.

    Raises:
        PluginError: the scorer's answer isn't float32 `[D, K]`.
    """
    return _score_window(scorer, [texts], cache=cache, progress=progress)[0]


def score_stream(
    scorer: Scorer,
    batches: Iterable[pa.RecordBatch],
    *,
    column: str = "text",
    cache: ScoreCache | None = None,
    window: int = WINDOW,
) -> Iterator[ScoredBatch]:
    """`score_documents` over any number of record batches, in memory for one window of them.

    Batches come out as they went in, with the same scores that all of them together would get; a
    missing text counts as an empty one. A text that comes again in a later window is found in the
    cache; without one it is scored again, to the same bits.

    Args:
        scorer: what to score with.
        batches: read as far ahead as `window` documents; a batch isn't divided.
        column: of strings.
        cache: where scores are kept.
        window: documents to deduplicate, look up and sort together.
    """
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= window:
            yield from _score_batches(scorer, waiting, column, cache)
            waiting, rows = [], 0
    if waiting:
        yield from _score_batches(scorer, waiting, column, cache)


def _score_batches(
    scorer: Scorer, batches: list[pa.RecordBatch], column: str, cache: ScoreCache | None
) -> Iterator[ScoredBatch]:
    texts = [[text or "" for text in batch.column(column).to_pylist()] for batch in batches]
    scored = _score_window(scorer, texts, cache=cache)
    yield from map(ScoredBatch, batches, scored)


def _score_window(
    scorer: Scorer,
    batches: Sequence[Sequence[str]],
    *,
    cache: ScoreCache | None,
    progress: Progress | None = None,
) -> list[Scored]:
    """The scores of each batch; a distinct text is counted where it comes first."""
    row_of: dict[str, int] = {}
    rows: list[int] = []
    # Documents, empty ones, changed ones and distinct texts before each batch, and after the last.
    tallies = [(0, 0, 0, 0)]
    empty = changed = 0
    for texts in batches:
        for raw in texts:
            result = cleaned(raw)
            changed += result.changed
            if result.text:
                rows.append(row_of.setdefault(result.text, len(row_of)))
            else:
                empty += 1
                rows.append(-1)  # the table's last row, which stays NaN
        tallies.append((len(rows), empty, changed, len(row_of)))

    unique = list(row_of)
    table = np.full((len(unique) + 1, len(scorer.outputs)), np.nan, dtype=np.float32)
    cached = _fill(table, scorer, unique, cache=cache, progress=progress)
    found = []
    for before, after in pairwise(tallies):
        documents, empties, changes, distinct = np.subtract(after, before).tolist()
        hits = int(cached[before[3] : after[3]].sum())
        found.append(
            Scored(
                values=torch.from_numpy(table[rows[before[0] : after[0]]]),
                texts=documents,
                empty=empties,
                changed=changes,
                unique=distinct,
                cached=hits,
                scored=distinct - hits,
            )
        )
    return found


def _fill(
    table: NDArray[np.float32],
    scorer: Scorer,
    texts: list[str],
    *,
    cache: ScoreCache | None,
    progress: Progress | None,
) -> NDArray[np.bool_]:
    """Fill the first rows of `table` with the scores of clean, distinct `texts`.

    Returns `[len(texts)]`: which of them were in the cache.
    """
    keys = [text_key(text) for text in texts]
    width, kept = table.shape[1], scorer.precision
    known = cache.get_many(scorer.fingerprint, keys, width=width, precision=kept) if cache else {}
    cached = np.zeros(len(texts), dtype=bool)
    missing = []
    for row, key in enumerate(keys):
        value = known.get(key)
        if value is None:
            missing.append(row)
        else:
            table[row] = value
            cached[row] = True
    missing.sort(key=lambda row: len(texts[row]))

    done, size = 0, _FIRST_CHUNK
    while done < len(missing):
        if progress is not None:
            progress(len(known) + done, len(texts))
        chunk = missing[done : done + size]
        began = time.monotonic()
        table[chunk] = _checked(scorer, [texts[row] for row in chunk])
        if cache:
            final = scorer.unknown_is_final
            kept_now = [row for row in chunk if final or not np.isnan(table[row]).all()]
            cache.put_many(
                scorer.fingerprint,
                {keys[row]: table[row] for row in kept_now},
                precision=kept,
                label=f"{scorer.name} {scorer.version}",
            )
        done += len(chunk)
        # A quick scorer wants many texts at once, a slow one must not lose an hour to a kill.
        took = time.monotonic() - began
        size = int(np.clip(2 * size if took < _CHUNK_S else size // 2, *_CHUNKS))
    if progress is not None:
        progress(len(texts), len(texts))
    return cached


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
