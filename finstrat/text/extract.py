"""Everything that can be read off documents, in one table: what `finstrat text extract` shows.

A row uses what was known when its document became known, nothing later: novelty looks at the same
asset's earlier documents, keywords at the document frequencies of earlier days (UTC), aliases at
the names of the day. Summary and event types look at the one text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.text.clean import clean
from finstrat.text.entities import link
from finstrat.text.events import event_types
from finstrat.text.keywords import Keyword, candidates, embedding_keywords, term_weights
from finstrat.text.novelty import novelty
from finstrat.text.summary import embedded_summary, summary
from finstrat.text.words import sentences as sentences_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.data import Documents
    from finstrat.data.entities import Entities
    from finstrat.text.entities import Mention

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]
"""Unit vectors `[n, H]` of n raw texts; NaN for one without text."""

_AT_ONCE = 1000
"""Documents whose phrases and sentences are embedded together."""


@dataclass(frozen=True, eq=False)
class Extraction:
    """What was read off D documents.

    Attributes:
        frame: one row a document, in their order: id, asset, known_at, novelty (NaN = nothing to
            compare), nearest (id of the most similar earlier document, or None), keywords and
            keyword_weights, assets (named without ambiguity), ambiguous and unmapped (names),
            events, summary.
        coverage: how much was mapped to assets; see `finstrat.text.entities.Links.coverage`.
    """

    frame: pd.DataFrame
    coverage: dict[str, int | float | None]


def extract(
    documents: Documents,
    *,
    entities: Entities,
    embed: Embed | None = None,
    keywords: int = 5,
    sentences: int = 2,
    days: float = 7.0,
) -> Extraction:
    """Keywords, named assets, novelty, event types and a summary of every document.

    With `embed`, keywords, novelty and summaries go by meaning instead of by words.

    Args:
        documents: D of them.
        entities: whose names are looked for.
        embed: an encoder.
        keywords: at most so many a document.
        sentences: of a summary, at most.
        days: back to which novelty looks.
    """
    texts = documents.texts
    vectors = None if embed is None else embed(texts)
    new = novelty(documents, days=days, vectors=vectors)
    links = link(documents, entities)
    if embed is None or vectors is None:
        visible = np.maximum(documents.event_at, documents.known_at)
        periods = visible.astype("datetime64[D]").astype(np.int64)
        found = term_weights(texts, periods).keywords(count=keywords)
        gists = [summary(text, count=sentences) for text in texts]
    else:
        found, gists = _by_meaning(texts, vectors, embed, keywords=keywords, sentences=sentences)
    ids = documents.ids
    frame = pd.DataFrame(
        {
            "id": ids,
            "asset": documents.assets,
            "known_at": pd.DatetimeIndex(documents.known_at).tz_localize("UTC"),
            "novelty": new.novelty,
            "nearest": [ids[row] if row >= 0 else None for row in new.nearest.tolist()],
            "keywords": [[each.term for each in one] for one in found],
            "keyword_weights": [[each.weight for each in one] for one in found],
            "assets": links.by_document(),
            "ambiguous": [_named(each, ambiguous=True) for each in links.mentions],
            "unmapped": [_named(each, ambiguous=False) for each in links.mentions],
            "events": [list(event_types(text)) for text in texts],
            "summary": gists,
        }
    )
    return Extraction(frame, links.coverage())


def _by_meaning(
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    embed: Embed,
    *,
    keywords: int,
    sentences: int,
) -> tuple[list[tuple[Keyword, ...]], list[str]]:
    """Keywords and summaries by embeddings of the texts' phrases and sentences."""
    found: list[tuple[Keyword, ...]] = []
    gists: list[str] = []
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        phrases = [candidates(text) for text in some]
        parts = [sentences_of(clean(text)) for text in some]
        pieces = list(dict.fromkeys(each for one in (*phrases, *parts) for each in one))
        row_of = {piece: row for row, piece in enumerate(pieces)}
        table = embed(pieces)
        for offset, (phrase, part) in enumerate(zip(phrases, parts, strict=True)):
            rows = table[[row_of[each] for each in phrase]]
            found.append(embedding_keywords(phrase, rows, vectors[start + offset], count=keywords))
            gists.append(
                embedded_summary(part, table[[row_of[each] for each in part]], count=sentences)
            )
    return found, gists


def _named(found: Sequence[Mention], *, ambiguous: bool) -> list[str]:
    """The names that the table lacks, or those that may mean several assets; each once."""
    wanted = (len(each.assets) > 1 if ambiguous else not each.assets for each in found)
    return list(dict.fromkeys(each.name for each, take in zip(found, wanted, strict=True) if take))
