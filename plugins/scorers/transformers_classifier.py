"""Scorer `transformers-classifier`: any sequence classifier that transformers can load.

It reads a local directory or a pinned model of the hub, safetensors only, and runs no code of the
model's own. What it can't know is until when the model had read the world: that is declared.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads the annotation at run time
import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from finstrat.components import Scorer, Settings
from finstrat.errors import ConfigError
from finstrat.text import CLEAN_VERSION, ModelCard
from finstrat.text.checkpoint import Pretrained, checkpoint_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from finstrat.text.classify import Classifier
    from finstrat.text.differentiable import Differentiable

_ORDER = ("negative", "neutral", "positive")


class TransformersClassifier(Scorer):
    """Probabilities of the model's classes, and their polarity as score where it has one.

    The outputs are the model's labels in lower case, or what `labels` maps them to: negative,
    neutral and positive first, then score = P(positive) - P(negative) where there are both. A text
    longer than the model's input counts by its beginning. The model is loaded when the first text
    is scored.

    Attributes:
        outputs: names of the classes, and "score" where there is one.
        device: where the model runs; see `to`.
    """

    name = "transformers-classifier"
    version = "1"

    class Config(Pretrained):
        """Which model, what its labels mean, and what is known of it."""

        labels: dict[str, str] = Field({}, description="the model's label to the output's name")
        dtype: Literal["auto", "fp32", "bf16"] = Field(
            "auto", description="of the weights; auto = bf16 where the hardware multiplies it"
        )
        training_cutoff: dt.date | None = Field(
            None, description="latest date that the model may have read; unknown if left out"
        )
        licence: str = Field("not stated", description="of the model, for the report")

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        from finstrat.text.classify import model_labels

        super().__init__(config)
        self.device = torch.device("cpu")
        self._classifier: Classifier | None = None
        self._checkpoint = self.config.checkpoint()
        self._classes = _mapped(model_labels(self._checkpoint), self.config.labels)
        known = [name for name in _ORDER if name in self._classes]
        ordered = (*known, *(name for name in self._classes if name not in _ORDER))
        self._columns = [self._classes.index(name) for name in ordered]
        scored = {"negative", "positive"} <= set(ordered)
        self.outputs = (*ordered, "score") if scored else ordered

    def to(self, device: torch.device | str) -> None:
        """Run on `device` from now on."""
        if torch.device(device) != self.device:
            self.device = torch.device(device)
            self._classifier = None

    @cached_property
    def _digest(self) -> str:
        return checkpoint_digest(self._checkpoint)

    @property
    def fingerprint(self) -> str:
        """The model's files, its labels' names, dtype, device, and the versions of the code."""
        from finstrat.text.classify import classifier_fingerprint_parts

        how = classifier_fingerprint_parts(device=self.device, dtype=self.config.dtype)
        parts = (self.name, self.version, CLEAN_VERSION, self._digest, *self.outputs, *how)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def card(self) -> ModelCard:
        """What was declared of the model; nothing else is known."""
        called = self.config.hub or self._checkpoint.name
        pinned = f" at {self.config.revision}" if self.config.revision else ""
        cutoff = self.config.training_cutoff
        return ModelCard(
            name=self.name,
            version=self.version,
            summary=f"{called}{pinned}: {', '.join(self.outputs)}; files sha256 {self._digest}",
            training_data=("not known to finstrat: see the model's own card",),
            licence=self.config.licence,
            training_cutoff=cutoff,
            cutoff_reason=(
                "declared by the option `training_cutoff`"
                if cutoff
                else "not declared (option `training_cutoff`), so it may have read everything"
            ),
            limits=("longer texts count by their beginning",),
        )

    def differentiable(self) -> Differentiable | None:
        """The model in float32; None for a GGUF file, which has no tokenizer.json."""
        from finstrat.text.classify import Classifier
        from finstrat.text.differentiable import sequence_classifier

        if self._checkpoint.is_file():
            return None
        loaded = Classifier(self._checkpoint, device="cpu", dtype="fp32")
        return sequence_classifier(
            loaded.model,
            directory=self._checkpoint,
            order=self._columns,
            outputs=self.outputs,
            max_tokens=loaded.max_tokens,
        )

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, K]` float32; NaN for a blank text."""
        if self._classifier is None:
            from finstrat.text.classify import Classifier

            self._classifier = Classifier(
                self._checkpoint, device=self.device, dtype=self.config.dtype
            )
        chances = self._classifier.probabilities(texts)[:, self._columns]
        if self.outputs[-1] != "score":
            return chances
        places = [self.outputs.index(name) for name in ("positive", "negative")]
        return torch.cat([chances, chances[:, places[:1]] - chances[:, places[1:]]], dim=1)


def _mapped(own: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    """The model's labels under their output names.

    Raises:
        ConfigError: a label that the model doesn't have, names that say nothing, or one name twice.
    """
    strange = sorted(set(names) - set(own))
    if strange:
        raise ConfigError(f'labels: the model has no label "{strange[0]}"; it has {", ".join(own)}')
    mapped = tuple(names.get(label, label.lower()) for label in own)
    nameless = [name for name in mapped if name.startswith("label_")]
    if nameless:
        example = ", ".join(f'{label} = "…"' for label in own)
        raise ConfigError(
            f"the model calls its classes {', '.join(own)}, which doesn't say what they mean; "
            f"name them with the option `labels`: {{ {example} }}"
        )
    if len(set(mapped)) < len(mapped) or "score" in mapped:
        raise ConfigError(f"labels: expected different names other than score, got {list(mapped)}")
    return mapped
