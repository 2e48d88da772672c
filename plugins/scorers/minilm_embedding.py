"""Scorer `minilm-embedding`: what a text means, as a unit vector of 384 numbers.

Its "scores" are the embedding, so embeddings are cleaned, deduplicated and cached as scores are.
They serve novelty, keywords and summaries; no single number of them means anything.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from finstrat_plugins.scorers.minilm_encoder import OnMiniLM

from finstrat.text import CLEAN_VERSION, ModelCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


WIDTH = 384


class MiniLMEmbedding(OnMiniLM):
    """The embedding of all-MiniLM-L6-v2: mean over tokens, unit length.

    Kept in the cache, and handed on, as float16: 768 bytes a text. The model is loaded when the
    first text is scored.
    """

    name = "minilm-embedding"
    version = "1"
    outputs = tuple(f"d{place}" for place in range(WIDTH))
    precision = "fp16"

    @property
    def fingerprint(self) -> str:
        """Encoder, dtype, kind of device, and the versions of code and cleaning."""
        parts = (self.name, self.version, CLEAN_VERSION, self.encoder_fingerprint)
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
        return self.encoder.encode(texts).vectors
