"""The card of an encoder that was pretrained here: what it read, and until when.

Every model on top of the encoder inherits the cutoff from it: see `cutoff`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from finstrat.models.cutoff import CARD, Cutoff, encoder_cutoff, latest
from finstrat.text.checkpoint import file_digest, model_files

if TYPE_CHECKING:
    from pathlib import Path

    from finstrat.models.corpus import Corpus
    from finstrat.models.pretrain import Pretrained


def encoder_card(corpus: Corpus, made: Pretrained, *, licence: str) -> dict[str, Any]:
    """What is known of an encoder, as plain data; save it by `save_card`.

    The training cutoff is the later of the start's and the corpus's, None where one isn't known.
    """
    read = Cutoff(
        corpus.last,
        "the last date of the texts that it read"
        if corpus.last
        else f"{corpus.undated} of the texts that it read have no date",
    )
    parts = [read]
    if made.start is not None:
        unknown = Cutoff(None, "the encoder that it started from has no card")
        parts.append(encoder_cutoff(made.start) or unknown)
    cutoff = latest(parts)
    settings = made.report["settings"]
    how = {"mlm": "hidden words", "simcse": "telling texts apart"}[settings["objective"]]
    start = "from scratch" if made.start is None else f"on {made.start.name}"
    return {
        "kind": "encoder",
        "summary": f"an encoder pretrained {start} by {how}",
        "training_data": [f"{name}, sha256 {digest}" for name, digest in corpus.files.items()],
        "licence": licence,
        "training_cutoff": cutoff.date.isoformat() if cutoff.date else None,
        "cutoff_reason": cutoff.reason,
        "limits": ["dates are those of the files, believed as they came"],
        "corpus": {
            **corpus.counts,
            "first": corpus.first.isoformat() if corpus.first else None,
            "last": corpus.last.isoformat() if corpus.last else None,
            "undated": corpus.undated,
        },
        "pretraining": made.report,
    }


def save_card(card: dict[str, Any], directory: Path) -> None:
    """Write `card.json` with the hashes of the weights beside it."""
    files = {each.name: file_digest(each) for each in model_files(directory)}
    text = json.dumps({**card, "files": files}, indent=2, ensure_ascii=False) + "\n"
    (directory / CARD).write_text(text, encoding="utf-8")
