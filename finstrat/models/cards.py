"""The card of a model that was trained here: what was told of it, and what could be worked out.

Until when a model may have read is never earlier than its encoder's own cutoff or the last date of
the texts it learnt from: a claim that is, is refused. It knows no training.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from finstrat.errors import ConfigError, DataError
from finstrat.models.cutoff import Cutoff, encoder_cutoff, latest
from finstrat.models.labelled import moments
from finstrat.text.checkpoint import checkpoint_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from finstrat.toml_file import TomlFile

TOLD = ("summary", "training_data", "licence", "training_cutoff", "cutoff_reason", "limits")
"""What a person says of a model."""

OPTIONAL = ("training_cutoff", "cutoff_reason", "limits")


def told_of_model(file: TomlFile) -> dict[str, Any]:
    """What the TOML file about a model says, checked; the cutoff as a date or None.

    Raises:
        ConfigError: a key is missing or unknown, or a value of another kind.
    """
    told = dict(file.data)
    missing = [key for key in TOLD if key not in told and key not in OPTIONAL]
    strange = [key for key in told if key not in TOLD]
    if missing or strange:
        wrong = [*(f"no {key}" for key in missing), *(f"strange {each}" for each in strange)]
        at = file.where((strange[0],)) if strange else file.shown_as
        raise ConfigError(
            f"{at}: {', '.join(wrong)}; expected {', '.join(TOLD)}, of which "
            f"{', '.join(OPTIONAL)} may be left out"
        )
    cutoff = told.get("training_cutoff")
    if cutoff is not None and not isinstance(cutoff, dt.date):
        raise ConfigError(
            f"{file.where(('training_cutoff',))}: training_cutoff: expected a date like "
            f"2015-03-02, got {cutoff!r}"
        )
    for key in ("training_data", "limits"):
        if not isinstance(told.get(key, []), list):
            raise ConfigError(f"{file.where((key,))}: {key}: expected a list of sentences")
    return {"limits": [], **told}


def base_card(
    told: dict[str, Any],
    *,
    method: str,
    encoder: Path,
    frames: Sequence[pd.DataFrame],
    where: str,
) -> dict[str, Any]:
    """What is known of a model before it is trained, plain JSON data.

    `encoder` is the directory of what it stands on, `frames` are the texts that it learns from, as
    `labelled.read_texts` gives them, each with its own column of dates; `where` names the file of
    `told` in errors.

    Raises:
        ConfigError: the cutoff that is claimed is earlier than one that is known.
    """
    first, last = _period(frames)
    under = encoder_cutoff(encoder)
    known = [] if under is None else [under]
    known.append(
        Cutoff(last, "the last date of the texts that it learnt from")
        if last
        else Cutoff(None, "the texts that it learnt from have no dates")
    )
    claimed = told.get("training_cutoff")
    if claimed is None:
        cutoff = latest([*known, *([] if under else [Cutoff(None, "its encoder has no card")])])
    else:
        later = [each for each in known if each.date is not None and each.date > claimed]
        if later:
            raise ConfigError(
                f"{where}: training_cutoff {claimed} is earlier than {later[0].date}, "
                f"{later[0].reason}; a model knows the world as long as any of its parts does"
            )
        cutoff = Cutoff(claimed, str(told.get("cutoff_reason", "declared")))
    return {
        "summary": told["summary"],
        "training_data": list(told["training_data"]),
        "licence": told["licence"],
        "training_cutoff": cutoff.date.isoformat() if cutoff.date else None,
        "cutoff_reason": cutoff.reason,
        "limits": list(told["limits"]),
        "method": method,
        "encoder": {"name": encoder.name, "sha256": checkpoint_digest(encoder)},
        "texts": sum(map(len, frames)),
        "period": [first.isoformat(), last.isoformat()] if first and last else None,
    }


def _period(frames: Sequence[pd.DataFrame]) -> tuple[dt.date | None, dt.date | None]:
    """First and last day of the texts, None where some have no dates."""
    days = []
    for frame in frames:
        try:
            times = moments(frame)
        except DataError:  # a column that is called like a time and holds none
            times = None
        if times is None or times.empty:
            return None, None
        days += [times.min().date(), times.max().date()]
    return min(days), max(days)
