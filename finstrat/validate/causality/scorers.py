"""Whether a score depends on its text alone, whatever its companions and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from finstrat.text.clean import cleaned
from finstrat.validate.causality.report import Change, Check, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from finstrat.components import Scorer

TEXTS = 48
"""Texts that are scored alone, together and in another order."""

BATCHES = (1, 7)
"""How many at once, beside all together."""


def check_scorer(scorer: Scorer, texts: Sequence[str]) -> Report:
    """Whether `scorer` gives each of some of `texts` one score, bit for bit."""
    return Report(scorer.kind, scorer.name, scorer.version, (scores_alone([scorer], texts),))


def scores_alone(scorers: Iterable[Scorer], texts: Sequence[str]) -> Check:
    """Score some texts in batches of several sizes and orders; nothing may change."""
    distinct = [text for text in dict.fromkeys(cleaned(text).text for text in texts) if text]
    step = max(1, len(distinct) // TEXTS)
    chosen = distinct[::step][:TEXTS]
    detail = f"{len(chosen)} texts scored together, in pieces and in another order"
    if len(chosen) < 2:
        return Check("batches", "inconclusive", "fewer than two texts to score")
    for scorer in scorers:
        together = scorer.score(chosen)
        for words, scores in _otherwise(scorer, chosen):
            differs = (scores != together) & ~(scores.isnan() & together.isnan())
            if differs.any():
                row, k = differs.nonzero()[0].tolist()
                change = Change(
                    words,
                    f"{scorer.name}.{scorer.outputs[k]}",
                    f"text {chosen[row][:60]!r}",
                    None,
                    float(together[row, k]),
                    float(scores[row, k]),
                )
                return Check("batches", "failed", detail, change=change)
    return Check("batches", "passed", detail)


def _otherwise(scorer: Scorer, texts: Sequence[str]) -> Iterator[tuple[str, torch.Tensor]]:
    """How the texts were scored, and their scores in the order of `texts`."""
    for size in BATCHES:
        parts = [scorer.score(texts[i : i + size]) for i in range(0, len(texts), size)]
        yield f"texts were scored {size} at a time", torch.cat(parts)
    yield "texts were scored in the opposite order", scorer.score(texts[::-1]).flip(0)
