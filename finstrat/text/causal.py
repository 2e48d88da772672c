"""Label probabilities from any causal language model: a few-shot prompt, read off the logits.

The prompt's shared beginning is run once and its keys and values are kept, so that each text costs
its own tokens only. It generates nothing, and knows nothing of what the labels mean.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from transformers import AutoModelForCausalLM, DynamicCache

from finstrat.errors import DataError
from finstrat.text.checkpoint import load_model, load_tokenizer
from finstrat.text.encode import resolve_dtype
from finstrat.text.workers import Job, Result, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.text.encode import DType
    from finstrat.text.prompt import Calibration, Prompt

CAUSAL_VERSION = "2"
"""Raise it when the same text would come out differently; part of the fingerprint."""

CONTENT_FREE = ("N/A", "[MASK]", "")
"""Texts that say nothing, as Zhao et al. use them."""


class LabelReader:
    """Reads how likely each label of a prompt is as the continuation after a text.

    A label is known by the first token of " label", so these must differ. A text's numbers depend
    on it alone, bit for bit on one kind of device: each text is run by itself, since in a batch of
    several the order of its sums would depend on its row, and the prompt's part is computed once.

    Source: Brown et al. (2020), "Language models are few-shot learners"; Zhao et al. (2021),
    "Calibrate before use", section 4, with W = diag(p_content_free)^-1 and b = 0.

    Attributes:
        prompt: what is read around each text.
        device, dtype: where the model runs and in what; `auto` resolved.
        max_tokens: longer texts are cut there; the prompt is never cut.
        bias: `[K]` float64, the labels' log probabilities for texts that say nothing.
    """

    def __init__(
        self,
        checkpoint: Path,
        prompt: Prompt,
        *,
        device: torch.device | str = "cpu",
        dtype: DType = "auto",
        max_tokens: int = 256,
    ) -> None:
        self.prompt = prompt
        self.device = torch.device(device)
        self.dtype = resolve_dtype(dtype, device=self.device)
        self.max_tokens = max_tokens
        self._tokenizer = load_tokenizer(checkpoint)
        self._after = self._plain_tokens(prompt.after)
        self._labels = self._label_tokens()
        self._model = load_model(AutoModelForCausalLM, checkpoint, dtype=self.dtype).to(self.device)
        prefix = self._tokenizer(prompt.prefix)["input_ids"]
        longest = len(prefix) + max_tokens + len(self._after)
        room = int(self._model.config.max_position_embeddings)
        if longest > room:
            raise DataError(
                f"{checkpoint}: prompt and text may take {longest} tokens, the model reads {room}; "
                "use fewer examples, or a smaller max_tokens"
            )
        (self._prefix,) = self._each_on_one_core(self._kept, [torch.tensor([prefix])])
        self.bias = self.log_probabilities(CONTENT_FREE).exp().mean(dim=0).log()

    def probabilities(
        self, texts: Sequence[str], calibration: Calibration | None = None
    ) -> torch.Tensor:
        """Calibrated label probabilities `[D, K]` float64, on the CPU.

        softmax((log p - bias) / T), with bias and T of `calibration`; without one, contextual
        calibration: `self.bias` and T = 1, so that texts that say nothing favour no label.
        """
        bias, temperature = self.bias, 1.0
        if calibration is not None:
            bias = torch.tensor(calibration.bias, dtype=torch.float64)
            temperature = calibration.temperature
        return torch.softmax((self.log_probabilities(texts) - bias) / temperature, dim=1)

    def log_probabilities(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> torch.Tensor:
        """Log probabilities of the labels, given that one of them follows: `[D, K]` float64."""
        tails = [self._plain_tokens(text)[: self.max_tokens] + self._after for text in texts]
        logits = torch.empty((len(tails), len(self._labels)), dtype=torch.float64)
        for done, found in enumerate(self._each_on_one_core(self._label_logits, tails)):
            logits[done] = found
            if progress is not None:
                progress(done + 1)
        return torch.log_softmax(logits, dim=1)

    def log_likelihoods(self, beginnings: Sequence[str], endings: Sequence[str]) -> torch.Tensor:
        """Mean log probability of an ending's tokens after its beginning: `[D]` float64, no prompt.

        A beginning counts by its last `max_tokens` tokens, an ending by its first. NaN for an
        ending without any. Both are read as plain letters, after the model's own first token.
        """
        first = self._tokenizer.bos_token_id
        start = [] if first is None else [int(first)]
        jobs = []
        for beginning, ending in zip(beginnings, endings, strict=True):
            before = start + self._plain_tokens(beginning)[-self.max_tokens :]
            jobs.append((before, self._plain_tokens(ending)[: self.max_tokens]))
        found = list(self._each_on_one_core(self._ending_log_likelihood, jobs))
        return torch.tensor(found, dtype=torch.float64)

    def _ending_log_likelihood(self, job: tuple[list[int], list[int]]) -> float:
        before, after = job
        if not before or not after:
            return float("nan")
        with torch.inference_mode():
            tokens = torch.tensor([before + after], device=self.device)
            logits = self._model(tokens, logits_to_keep=len(after) + 1).logits[0, :-1]
            chances = torch.log_softmax(logits.double(), dim=1)
            told = chances.gather(1, tokens[0, len(before) :, None])
        return float(told.mean().cpu())

    def _each_on_one_core(
        self, work: Callable[[Job], Result], jobs: Iterable[Job]
    ) -> Iterator[Result]:
        """`work` on each job, in order, on a core each where that is the CPU."""
        return side_by_side(work, jobs) if self.device.type == "cpu" else map(work, jobs)

    def _kept(self, prefix: torch.Tensor) -> DynamicCache:
        """Keys and values of the prompt's beginning, `prefix` being its tokens `[1, P]`."""
        with torch.inference_mode():
            answer = self._model(prefix.to(self.device), use_cache=True, logits_to_keep=1)
        kept: DynamicCache = answer.past_key_values
        return kept

    def _label_logits(self, tail: list[int]) -> torch.Tensor:
        """Logits of the labels after one text, `[K]` float64 on the CPU."""
        with torch.inference_mode():
            answer = self._model(
                torch.tensor([tail], device=self.device),
                past_key_values=copy.deepcopy(self._prefix),
                logits_to_keep=1,
            )
            logits: torch.Tensor = answer.logits[0, -1, self._labels]
            return logits.cpu().double()

    def _plain_tokens(self, text: str) -> list[int]:
        """Tokens of a text that can't speak to the model: "<|im_end|>" in it is only letters."""
        tokens = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        return list(tokens["input_ids"])

    def _label_tokens(self) -> list[int]:
        first = {label: self._plain_tokens(f" {label}")[0] for label in self.prompt.labels}
        if len(set(first.values())) < len(first):
            raise DataError(
                f"labels {', '.join(first)}: two begin with the same token, so the model's next "
                "token can't tell them apart; choose words that begin differently"
            )
        return list(first.values())


def causal_fingerprint_parts(*, device: torch.device, dtype: DType, max_tokens: int) -> list[str]:
    """What a `LabelReader`'s numbers depend on besides checkpoint, prompt and text."""
    resolved = resolve_dtype(dtype, device=device)
    return [CAUSAL_VERSION, resolved, device.type, str(max_tokens)]


@dataclass(frozen=True)
class Fit:
    """Bias `[K]` and temperature that make log probabilities fit labelled texts best."""

    bias: tuple[float, ...]
    temperature: float


def fitted_calibration(
    log_probabilities: NDArray[np.float64],
    truth: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None = None,
) -> Fit:
    """The bias and T > 0 for which softmax((log p - bias) / T) has the least log loss on `truth`.

    `log_probabilities` is `[D, K]`, `truth` class numbers `[D]`, `weights` `[D]` how much each text
    counts, all alike if left out. The biases' mean is zero, as only their differences count. Convex
    in 1/T and bias/T, so there is one answer.

    Source: Guo et al. (2017), "On calibration of modern neural networks", section 4.2 (vector
    scaling with one common slope).

    Raises:
        DataError: the likelier the model finds a label, the rarer it is right.
    """
    classes = log_probabilities.shape[1]

    def loss(parameters: NDArray[np.float64]) -> float:
        scores = parameters[0] * log_probabilities + np.append(parameters[1:], 0.0)
        right = log_softmax(scores, axis=1)[np.arange(len(truth)), truth]
        return float(-np.average(right, weights=weights))

    slope, *offsets = minimize(loss, np.array([1.0, *[0.0] * (classes - 1)])).x.tolist()
    if slope <= 0:
        raise DataError(
            "the model's label probabilities say nothing of these labels, or the opposite; check "
            "the labels, or use another prompt or model"
        )
    bias = -np.append(offsets, 0.0) / slope
    return Fit(tuple((bias - bias.mean()).tolist()), 1.0 / slope)
