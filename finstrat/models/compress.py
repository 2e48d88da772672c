"""A finished model made smaller: rounded weights, weights left out, or a student of fewer layers.

The result is a model directory with an encoder of its own, which `load_trained` opens. What
learns (a student; what is left of a pruned encoder) imitates the model's vectors and probabilities
on texts that need no labels. Sources: Hinton et al. (2015), "Distilling the Knowledge in a Neural
Network"; Zhu and Gupta (2017), "To prune, or not to prune"; Sanh et al. (2019), "DistilBERT".
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from finstrat.errors import ConfigError, DataError
from finstrat.models.contrastive import mean_pooled
from finstrat.models.heads import Head, as_json, measure
from finstrat.models.masked import padded
from finstrat.models.pretrain import BESIDE
from finstrat.models.steps import length_batches
from finstrat.text.adapter import is_merged
from finstrat.text.encode import load_encoder, resolve_dtype
from finstrat.text.packed import rounded, save_packed, sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.models.trained import Trained

Method = Literal["int8", "prune", "distil"]


@dataclass(frozen=True)
class Settings:
    """How a model is made smaller.

    Attributes:
        method: `int8`: matrices rounded to 8 bits, a scale a row; `prune`: the smallest weights of
            each linear layer become zero; `distil`: a student of some of the layers.
        share: of each linear layer's weights that `prune` leaves out.
        layers: of the student; evenly spaced ones of the model's, its last among them.
        epochs: passes over the texts, if there are any. batch: texts a step.
        learning_rate: AdamW's peak; falls along a line to zero.
        max_tokens: longer texts are cut there while it learns.
        seed: of the texts' order.
    """

    method: Method
    share: float = 0.5
    layers: int = 3
    epochs: int = 3
    batch: int = 32
    learning_rate: float = 1e-4
    max_tokens: int = 96
    seed: int = 0


def compress(
    model: Trained,
    settings: Settings,
    directory: Path,
    *,
    texts: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the encoder of `model`, made smaller, and its tokenizer into `directory`.

    From `texts` a pruned encoder recovers and a student learns; `progress` is told steps done and
    their number.

    Raises:
        ConfigError: a share or a number of layers that can't be, or a student without texts.
        DataError: the model's adapter can't be merged into its encoder.
    """
    require_compressible(model)
    encoder = load_encoder(model.encoder, adapter=model.adapter)
    if not hasattr(encoder, "encoder") or not hasattr(encoder.encoder, "layer"):
        raise DataError(f"{model.encoder}: expected an encoder like BERT, with encoder.layer")
    zeros: dict[str, torch.Tensor] = {}
    if settings.method == "prune":
        zeros = _pruned(encoder, settings.share)
    elif settings.method == "distil":
        if not texts:
            raise ConfigError("a student learns from texts; give files by --texts, labels or not")
        _keep_layers(encoder, settings.layers)
    if texts and settings.method == "int8":
        raise ConfigError("int8 only rounds; leave --texts out, or choose prune or distil")
    if texts:
        _imitate(
            model, encoder, texts=list(texts), settings=settings, zeros=zeros, progress=progress
        )
    tensors = {
        name: tensor
        for name, tensor in encoder.state_dict().items()
        if not name.startswith("pooler.")
    }
    small = settings.method == "int8"
    directory.mkdir(parents=True, exist_ok=True)
    save_packed(
        {
            name: rounded(each) if small and each.dim() == 2 else sparse(each)
            for name, each in tensors.items()
        },
        directory,
    )
    encoder.config.save_pretrained(directory)
    for name in BESIDE:
        if (model.encoder / name).is_file():
            shutil.copyfile(model.encoder / name, directory / name)


@dataclass(frozen=True, eq=False)
class Measured:
    """A model on labelled texts, on this machine.

    Attributes:
        size: bytes of weights: encoder, adapter and head. speed: texts a second of processor time.
        probabilities: `[D, K]`. quality: see `heads.measure`, plain data.
    """

    size: int
    speed: float
    probabilities: NDArray[np.float64]
    quality: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """What a card says of it."""
        kept = {key: self.quality[key] for key in ("n", "accuracy", "macro_f1")}
        return {"bytes": self.size, "texts_per_cpu_second": round(self.speed, 1), **kept}


def measured(model: Trained, texts: Sequence[str], truth: NDArray[np.int64]) -> Measured:
    """`model` on clean `texts` whose class codes are `truth` `[D]`; the best of three passes."""
    places = {model.directory, model.encoder, *([model.adapter] if model.adapter else [])}
    return timed(
        lambda lines: model.probabilities(lines).numpy(),
        texts,
        truth,
        files=[file for each in places for file in each.glob("*.safetensors")],
    )


def timed(
    probabilities: Callable[[Sequence[str]], NDArray[np.float64]],
    texts: Sequence[str],
    truth: NDArray[np.int64],
    *,
    files: Sequence[Path],
) -> Measured:
    """The same of anything that gives probabilities; `files` are its weights."""
    probabilities(texts[:64])  # loads it
    spent = []
    for _ in range(3):
        start = time.process_time()
        chances = probabilities(texts)
        spent.append(time.process_time() - start)
    size = sum(file.stat().st_size for file in files)
    return Measured(size, len(texts) / min(spent), chances, as_json(measure(chances, truth)))


def comparison(before: Measured, after: Measured) -> dict[str, Any]:
    """What compression did, as a card carries it."""
    gap = np.abs(after.probabilities - before.probabilities)
    flips = before.probabilities.argmax(axis=1) != after.probabilities.argmax(axis=1)
    return {
        "before": before.told(),
        "after": after.told(),
        "largest_difference": round(float(gap.max()), 4),
        "answers_changed": int(flips.sum()),
    }


def save_head(model: Trained, card: dict[str, Any], directory: Path) -> None:
    """Write the head of `model` with another card."""
    replace(model.head, card=card).save(directory)


def require_compressible(model: Trained) -> None:
    """Refuse a regression, and what was added to an encoder and can't be merged into it.

    Raises:
        ConfigError, DataError: as said.
    """
    if model.task == "regression":
        raise ConfigError(f"{model.directory}: a regression; only models of classes are compressed")
    if model.adapter is not None and not is_merged(model.adapter):
        raise DataError(
            f"{model.directory}: its bottlenecks or prefix can't be merged into an encoder; "
            "compress a model that was tuned in full or by LoRA"
        )


def _pruned(encoder: Any, share: float) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """Zero the smallest weights of each linear layer; which they are `[out, in]`, by name."""
    if not 0 < share < 1:
        raise ConfigError(f"--share {share}: expected a share between 0 and 1")
    zeros = {}
    for name, layer in encoder.encoder.named_modules():
        if isinstance(layer, torch.nn.Linear):
            size = layer.weight.detach().abs()
            least = torch.kthvalue(size.flatten(), max(1, int(share * size.numel()))).values
            zeros[f"encoder.{name}.weight"] = size <= least
            with torch.no_grad():
                layer.weight[size <= least] = 0.0
    return zeros


def _keep_layers(encoder: Any, layers: int) -> None:  # noqa: ANN401
    depth = len(encoder.encoder.layer)
    if not 1 <= layers < depth:
        raise ConfigError(f"--layers {layers}: the model has {depth}; expected 1 to {depth - 1}")
    kept = [depth * (place + 1) // layers - 1 for place in range(layers)]
    encoder.encoder.layer = torch.nn.ModuleList([encoder.encoder.layer[each] for each in kept])
    encoder.config.num_hidden_layers = layers


def _imitate(
    teacher: Trained,
    student: Any,  # noqa: ANN401 - transformers' own
    *,
    texts: list[str],
    settings: Settings,
    zeros: dict[str, torch.Tensor],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Train `student` toward the vectors and probabilities of `teacher`; `zeros` stay zero."""
    torch.manual_seed(settings.seed)
    vectors = teacher.vectors(texts)
    chances = teacher.head.probabilities(vectors).float()
    tokenizer = Tokenizer.from_file(str(teacher.encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(settings.max_tokens)
    tokens = [np.array(each.ids, dtype=np.int64) for each in tokenizer.encode_batch(texts)]
    held = dict(student.named_parameters())
    learnt = [each for name, each in held.items() if not name.startswith("pooler.")]
    optimizer = torch.optim.AdamW(learnt, lr=settings.learning_rate, fused=True)
    batches = length_batches(
        [len(each) for each in tokens], settings.batch, epochs=settings.epochs, seed=settings.seed
    )
    student.set_attn_implementation("eager")
    quick = resolve_dtype(teacher.dtype, device=torch.device("cpu")) == "bf16"
    pad = int(student.config.pad_token_id or 0)
    for step, rows in enumerate(batches):
        optimizer.param_groups[0]["lr"] = settings.learning_rate * (1 - step / len(batches))
        batch = padded([tokens[row] for row in rows], pad=pad)
        with torch.autocast("cpu", torch.bfloat16, enabled=quick):
            states = student(**batch).last_hidden_state
        found = mean_pooled(states, batch["attention_mask"])
        chosen = torch.from_numpy(rows)
        loss = (1 - (found * vectors[chosen]).sum(dim=1)).mean()
        if isinstance(teacher.head, Head):
            logits = found @ teacher.head.weight.float().T + teacher.head.bias.float()
            loss = loss + functional.kl_div(
                logits.log_softmax(dim=1), chances[chosen], reduction="batchmean"
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        with torch.no_grad():
            for name, zero in zeros.items():
                held[name][zero] = 0.0
        if progress is not None:
            progress(step + 1, len(batches))
    student.eval()
