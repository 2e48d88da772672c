"""Class probabilities from any sequence classifier of transformers that lies in a directory.

It knows the model's own labels only; what they mean is for the caller to say.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from transformers import AutoModelForSequenceClassification

from finstrat.errors import DataError
from finstrat.text.batching import BATCH_TOKENS, exact_length_batches
from finstrat.text.checkpoint import load_model, load_tokenizer
from finstrat.text.encode import resolve_dtype
from finstrat.text.workers import side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from finstrat.text.batching import Batch
    from finstrat.text.encode import DType

CLASSIFY_VERSION = "2"
"""Raise it when the same text would come out differently; part of the fingerprint."""

_NEVER_LONGER = 1 << 20  # tokenizers without a limit claim 10^30 tokens


class Classifier:
    """A sequence classifier with one right answer a text (softmax over the logits).

    Probabilities depend on their text alone, bit for bit on one kind of device: see
    `finstrat.text.batching`. The softmax is taken in float32 whatever the weights are.

    Attributes:
        directory: with `config.json`, a tokenizer and `*.safetensors`.
        device, dtype: where the model runs and in what; `auto` resolved.
        max_tokens: longer texts are cut there.
        labels: K names, as the model's configuration has them.
        model: transformers' own, in evaluation mode.
    """

    def __init__(
        self, directory: Path, *, device: torch.device | str = "cpu", dtype: DType = "auto"
    ) -> None:
        self.directory = directory
        self.device = torch.device(device)
        self.dtype = resolve_dtype(dtype, device=self.device)
        self.labels = model_labels(directory)
        self.model = load_model(AutoModelForSequenceClassification, directory, dtype=self.dtype).to(
            self.device
        )
        if self.model.config.pad_token_id is None:
            # A decoder reads its answer at the last token that isn't a pad; here no token is one.
            self.model.config.pad_token_id = -1
        self._tokenizer = load_tokenizer(directory)
        self.max_tokens = self._longest_input()

    def probabilities(self, texts: Sequence[str]) -> torch.Tensor:
        """Class probabilities `[D, K]` float32 on the CPU, in the order of `labels`.

        NaN for a blank text, about which a model would still have an opinion.
        """
        if not texts:
            return torch.empty((0, len(self.labels)))
        encoded = self._tokenizer(list(texts), truncation=True, max_length=self.max_tokens)
        tokens = [
            ids if text.strip() else []
            for ids, text in zip(encoded["input_ids"], texts, strict=True)
        ]
        chances = torch.full((len(tokens), len(self.labels)), torch.nan, dtype=torch.float32)
        batches = exact_length_batches([len(ids) for ids in tokens])

        def scored(batch: Batch) -> tuple[NDArray[np.int64], torch.Tensor]:
            ids = torch.zeros((batch.height, batch.length), dtype=torch.int64)
            ids[: len(batch.rows)] = torch.tensor([tokens[row] for row in batch.rows])
            ids = ids.to(self.device)
            with torch.inference_mode():
                logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
                return batch.rows, logits.float().softmax(dim=1)[: len(batch.rows)]

        on_cpu = self.device.type == "cpu"
        for rows, part in side_by_side(scored, batches) if on_cpu else map(scored, batches):
            chances[torch.from_numpy(rows)] = part.cpu()
        return chances

    def _longest_input(self) -> int:
        """The least of what tokenizer and positions allow; RoBERTa's first positions are pads."""
        config = self.model.config
        limits = [int(self._tokenizer.model_max_length)]
        positions = getattr(config, "max_position_embeddings", None)
        if positions:
            padded = config.model_type in {"roberta", "xlm-roberta", "camembert"}
            limits.append(int(positions) - (config.pad_token_id + 1 if padded else 0))
        return min([limit for limit in limits if 0 < limit < _NEVER_LONGER], default=512)


def model_labels(directory: Path) -> tuple[str, ...]:
    """The names of the classes, in the order of the logits; reads `config.json` only.

    Raises:
        DataError: it doesn't describe a classifier with one right answer a text.
    """
    file = directory / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        names = {int(place): str(name) for place, name in config.get("id2label", {}).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{file}: expected a model's configuration: {error}") from error
    if len(names) < 2 or sorted(names) != list(range(len(names))):
        raise DataError(
            f"{file}: expected `id2label` with the names of two or more classes, got "
            f"{config.get('id2label')}; is this a sequence classifier?"
        )
    kind = config.get("problem_type")
    if kind not in {None, "single_label_classification"}:
        raise DataError(f"{file}: a {kind} model; expected one with a single right class a text")
    return tuple(names[place] for place in range(len(names)))


def classifier_fingerprint_parts(*, device: torch.device, dtype: DType) -> list[str]:
    """What a `Classifier`'s numbers depend on besides checkpoint and text."""
    return [CLASSIFY_VERSION, resolve_dtype(dtype, device=device), device.type, str(BATCH_TOKENS)]
