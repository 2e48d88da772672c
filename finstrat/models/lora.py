"""Fine-tuning of a text encoder: a low-rank adapter (LoRA) and a head, trained together.

Training uses peft; what is stored is a directory in peft's own format, which `finstrat.text`
merges into the encoder without peft. It knows texts, labels and one encoder, and nothing of where
the texts come from. Source: Hu et al. (2021), "LoRA: Low-Rank Adaptation of Large Language Models".
"""

from __future__ import annotations

import json
import math
import warnings
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional

from finstrat.errors import ConfigError, DataError
from finstrat.models.heads import Head, class_numbers, fitted_temperature
from finstrat.text.adapter import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from finstrat.text.encode import load_encoder, resolve_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_HEAD_SCALE = 10.0  # unit vectors make small logits; the head learns on this multiple of them


@dataclass(frozen=True)
class LoraSettings:
    """How an adapter is trained.

    Attributes:
        rank: of every update; 16 on all linear layers of MiniLM make 1.3 MB in fp16.
        alpha: the updates are scaled by alpha / rank.
        targets: names of the linear layers, as they end.
        epochs: passes over the data.
        learning_rate: its peak for the adapter; warmed up over a tenth of the steps, then to zero
            along a cosine.
        head_learning_rate: the same for the head.
        weight_decay: AdamW's.
        label_smoothing: share of the target spread over all classes.
        batch: texts a step.
        max_tokens: longer texts are cut there for training.
    """

    rank: int = 16
    alpha: int = 32
    targets: tuple[str, ...] = (
        "query",
        "key",
        "value",
        "intermediate.dense",
        "output.dense",
    )
    epochs: int = 3
    learning_rate: float = 1e-3
    head_learning_rate: float = 5e-3
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    batch: int = 32
    max_tokens: int = 96


@dataclass(frozen=True, eq=False)
class Tuned:
    """A trained adapter and its head.

    Attributes:
        head: calibrated where a held-out set was given.
        tensors: the adapter's matrices in fp16, by peft's names.
        config: the adapter's configuration, as peft writes it.
    """

    head: Head
    tensors: dict[str, torch.Tensor]
    config: dict[str, Any]

    def save(self, directory: Path) -> None:
        """Write the head, its card and the adapter into `directory`."""
        self.head.save(directory)
        save_file(self.tensors, directory / ADAPTER_WEIGHTS)
        text = json.dumps(self.config, indent=2, sort_keys=True) + "\n"
        (directory / ADAPTER_CONFIG).write_text(text, encoding="utf-8")


def fine_tune(
    encoder: Path,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    classes: Sequence[str],
    settings: LoraSettings,
    seed: int,
    weights: Sequence[float] | None = None,
    held_out: tuple[Sequence[str], Sequence[str]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tuned:
    """An adapter for the encoder in a directory, and a head, for `labels` out of `texts`.

    Runs on the CPU, in bf16 where the hardware multiplies it, on batches of similar length. The
    temperature is fitted on `held_out` (texts, labels), which training doesn't see; without it the
    head isn't calibrated. `weights` say how much each text counts, on any scale. `progress` is told
    the steps done and their number.

    Raises:
        DataError: labels are unknown, rare, or not as many as texts.
        ConfigError: peft is not installed.
    """
    truth = class_numbers(labels, classes, rows=len(texts))
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model, config = _with_adapter(encoder, settings)
    tokens = _tokens(encoder, texts, limit=settings.max_tokens)
    head = torch.nn.Linear(int(model.config.hidden_size), len(classes))
    adapter = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": adapter, "lr": settings.learning_rate},
            {"params": head.parameters(), "lr": settings.head_learning_rate},
        ],
        weight_decay=settings.weight_decay,
    )
    steps = settings.epochs * math.ceil(len(texts) / settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps=steps))
    importance = torch.tensor([1.0] * len(texts) if weights is None else list(weights))
    importance /= importance.mean()
    done = 0
    model.eval()  # no dropout: on a CPU its random numbers take 40 % of a step
    for _ in range(settings.epochs):
        for rows in _shuffled_batches([len(ids) for ids in tokens], settings.batch, rng=rng):
            logits = head(_HEAD_SCALE * _embedded(model, [tokens[row] for row in rows]))
            losses = functional.cross_entropy(
                logits,
                torch.from_numpy(truth[rows]),
                label_smoothing=settings.label_smoothing,
                reduction="none",
            )
            optimizer.zero_grad()
            loss = (losses * importance[torch.from_numpy(rows)]).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_([*adapter, *head.parameters()], 1.0)
            optimizer.step()
            schedule.step()
            done += 1
            if progress is not None:
                progress(done, steps)
    weight = head.weight.detach().double() * _HEAD_SCALE
    bias = head.bias.detach().double()
    temperature = 1.0
    if held_out is not None:
        held = _held_out_logits(encoder, model, weight, bias, texts=held_out[0])
        temperature = fitted_temperature(held, class_numbers(held_out[1], classes, rows=len(held)))
    return Tuned(
        head=Head(
            weight=weight / temperature,
            bias=bias / temperature,
            classes=tuple(classes),
            card={
                "training": {
                    **asdict(settings),
                    "seed": seed,
                    "texts": len(texts),
                    "temperature": temperature,
                }
            },
        ),
        tensors=_half(model),
        config=config,
    )


def _with_adapter(encoder: Path, settings: LoraSettings) -> tuple[Any, dict[str, Any]]:
    """The encoder with trainable updates around it, and peft's configuration as JSON data."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise ConfigError(
            "training an adapter needs peft; install finstrat with its extra: pip install "
            "'finstrat[train]'"
        ) from error
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=list(settings.targets),
    )
    frozen = load_encoder(encoder).to(torch.bfloat16 if _bf16_is_quick() else torch.float32)
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 by a name that is on its way out
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing")
        model = get_peft_model(frozen, config)  # whose updates are float32 all the same
    written = {
        "peft_type": "LORA",
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "target_modules": sorted(settings.targets),
        "bias": "none",
    }
    return model, written


def _tokens(encoder: Path, texts: Sequence[str], *, limit: int) -> list[list[int]]:
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    if not all(ids):
        raise DataError(f"text {[*map(bool, ids)].index(False)} has no tokens; drop empty texts")
    return ids


def _embedded(model: Any, batch: Sequence[Sequence[int]]) -> torch.Tensor:  # noqa: ANN401 - peft's
    """Unit vectors `[rows, H]` float32 of padded rows; the mean is over each row's own tokens."""
    longest = max(map(len, batch))
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in batch])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in batch])
    with torch.autocast("cpu", dtype=torch.bfloat16) if _bf16_is_quick() else nullcontext():
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    share = mask[:, :, None].float()
    return functional.normalize((hidden.float() * share).sum(dim=1) / share.sum(dim=1))


def _bf16_is_quick() -> bool:
    return resolve_dtype("auto", device=torch.device("cpu")) == "bf16"


def _held_out_logits(
    encoder: Path,
    model: Any,  # noqa: ANN401 - peft's
    weight: torch.Tensor,
    bias: torch.Tensor,
    *,
    texts: Sequence[str],
) -> NDArray[np.float64]:
    tokens = _tokens(encoder, texts, limit=int(model.config.max_position_embeddings) // 2)
    with torch.inference_mode():
        rows = torch.cat([_embedded(model, [ids]) for ids in tokens]).double()
        found: NDArray[np.float64] = (rows @ weight.T + bias).numpy()
    return found


def _shuffled_batches(
    lengths: Sequence[int], size: int, *, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Batches in random order, each of texts of similar length, different in every epoch."""
    noisy = np.asarray(lengths) * rng.uniform(0.8, 1.25, len(lengths))
    order = np.argsort(noisy, kind="stable")
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def _rate(step: int, *, steps: int) -> float:
    """The share of the peak learning rate at a step."""
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _half(model: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401 - peft's
    from peft import get_peft_model_state_dict

    return {
        name: tensor.detach().to(torch.float16).contiguous()
        for name, tensor in sorted(get_peft_model_state_dict(model).items())
    }
