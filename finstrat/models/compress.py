"""A finished model made smaller: rounded weights, fewer of them, fewer heads, or fewer layers.

The result is a model directory with an encoder of its own, which `load_trained` opens. What
learns (a student; what is left of a pruned encoder) imitates the model on texts that need no
labels: see `imitate`. Sources: Zhu and Gupta (2017), "To prune, or not to prune"; Sanh et al.
(2019), "DistilBERT"; of heads see `head_importance`.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from finstrat.errors import ConfigError, DataError
from finstrat.models.head_importance import importance, most_important
from finstrat.models.imitate import Imitation, imitate
from finstrat.models.pretrain import BESIDE
from finstrat.text.adapter import is_merged
from finstrat.text.attention_heads import heads_of, keep_heads, say_heads
from finstrat.text.encode import load_encoder
from finstrat.text.packed import rounded, save_packed, sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from finstrat.models.trained import Trained

Method = Literal["int8", "prune", "heads", "distil"]
_WEIGHED_ON = 128
"""Texts by which heads are told apart."""


@dataclass(frozen=True)
class Settings:
    """How a model is made smaller.

    Attributes:
        method: `int8`: matrices rounded to 8 bits, a scale a row; `prune`: the smallest weights of
            each linear layer become zero; `heads`: the attention heads that matter least are taken
            out; `distil`: a student of some of the layers.
        share: of each linear layer's weights, or of all heads, that is left out.
        layers: of the student; evenly spaced ones of the model's, its last among them.
        epochs: passes over the texts, if there are any. batch: texts a step.
        learning_rate: AdamW's peak; falls along a line to zero.
        max_tokens: longer texts are cut there while it learns.
        seed: of the texts' order, and of those that heads are told apart by.
    """

    method: Method
    share: float = 0.5
    layers: int = 3
    epochs: int = 3
    batch: int = 32
    learning_rate: float = 1e-4
    max_tokens: int = 96
    seed: int = 0

    def plan(self, model: Trained, texts: Sequence[str]) -> dict[str, Any]:
        """All that the smaller encoder of `model` follows from, as plain data."""
        return {
            "settings": asdict(self),
            "model": model.fingerprint,
            "texts": hashlib.sha256("\n".join(texts).encode()).hexdigest(),
            "threads": torch.get_num_threads(),  # of which sums on a CPU depend
        }


def compress(
    model: Trained,
    settings: Settings,
    directory: Path,
    *,
    work: Path,
    texts: Sequence[str] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Write the encoder of `model`, made smaller, and its tokenizer into `directory`.

    On `texts` a pruned encoder recovers and a student learns; `work` keeps checkpoints then, for
    the same call to go on from. `progress` is told what is done, how much of it, and of how much.

    Raises:
        ConfigError: a share or a number of layers that can't be, texts that are missing or that
            the method has no use for, or `work` holds another training.
        DataError: the model's adapter can't be merged into its encoder, or it isn't like BERT.
    """
    require_compressible(model)
    _require_texts(settings.method, texts)
    told = progress or (lambda *_: None)
    encoder = load_encoder(model.encoder, adapter=model.adapter)
    if not hasattr(encoder, "encoder") or not hasattr(encoder.encoder, "layer"):
        raise DataError(f"{model.encoder}: expected an encoder like BERT, with encoder.layer")
    zeros: dict[str, torch.Tensor] = {}
    if settings.method == "prune":
        zeros = _pruned(encoder, settings.share)
    elif settings.method == "heads":
        _keep_best_heads(model, encoder, settings, texts, partial(told, "weighing heads"))
    elif settings.method == "distil":
        _keep_layers(encoder, settings.layers)
    if texts:
        imitate(
            Imitation(model, texts, max_tokens=settings.max_tokens),
            encoder,
            settings=settings,
            plan=settings.plan(model, texts),
            work=work,
            zeros=zeros,
            progress=partial(told, "imitating the model"),
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


def _require_texts(method: Method, texts: Sequence[str]) -> None:
    if method == "distil" and not texts:
        raise ConfigError("a student learns from texts; give files by --texts, labels or not")
    if method == "heads" and not texts:
        raise ConfigError(
            "what a head is worth shows on texts; give files by --texts, labels or not"
        )
    if method == "int8" and texts:
        raise ConfigError("int8 only rounds; leave --texts out, or choose prune, heads or distil")


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


def _keep_best_heads(
    model: Trained,
    encoder: Any,  # noqa: ANN401
    settings: Settings,
    texts: Sequence[str],
    progress: Callable[[int, int], None],
) -> None:
    """Take out the heads without which `encoder` imitates `model` best."""
    drawn = np.random.default_rng(settings.seed).permutation(len(texts))[:_WEIGHED_ON]
    some = Imitation(model, [texts[row] for row in drawn], max_tokens=settings.max_tokens)
    had = heads_of(encoder.config)
    stay = most_important(importance(encoder, some, progress=progress), share=settings.share)
    keep_heads(
        encoder,
        [[numbers[n] for n in places] for numbers, places in zip(had, stay, strict=True)],
    )


def _keep_layers(encoder: Any, layers: int) -> None:  # noqa: ANN401
    depth = len(encoder.encoder.layer)
    if not 1 <= layers < depth:
        raise ConfigError(f"--layers {layers}: the model has {depth}; expected 1 to {depth - 1}")
    kept = [depth * (place + 1) // layers - 1 for place in range(layers)]
    heads = heads_of(encoder.config)
    encoder.encoder.layer = torch.nn.ModuleList([encoder.encoder.layer[each] for each in kept])
    encoder.config.num_hidden_layers = layers
    say_heads(encoder.config, [heads[each] for each in kept])
