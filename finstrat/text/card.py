"""The card of a model: what it was trained on, under which licence, and until when.

`training_cutoff` is the one line that decides what a backtest with the model can prove.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict


class ModelCard(BaseModel):
    """Where a scorer's numbers come from.

    `training_cutoff` is the latest date over encoder, head, prompt examples, calibration set and
    rules; None means unknown, which counts as having seen everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    summary: str
    training_data: tuple[str, ...]
    licence: str
    training_cutoff: dt.date | None
    cutoff_reason: str
    metrics: dict[str, Any] = {}
    limits: tuple[str, ...] = ()
