"""What a tuning has added to an encoder, read from a directory and put to it.

The two files are peft's, and peft isn't needed. A plain LoRA is merged into the weights, W +
(alpha / rank) B A, which keeps the encoder's architecture and so its speed; bottlenecks and
prefixes stay beside them, on transformers' own path. Source: Hu et al. (2021), "LoRA: Low-Rank
Adaptation of Large Language Models", equation 3; see `bottleneck` and `prefix` for theirs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from finstrat.errors import DataError
from finstrat.text.bottleneck import add_bottlenecks
from finstrat.text.prefix import Prefixed, prefix_width

if TYPE_CHECKING:
    from pathlib import Path

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
_PREFIX = "base_model.model."
LORA, BOTTLENECK, PREFIX = "LORA", "BOTTLENECK", "PREFIX_TUNING"
"""What `peft_type` says; the second is ours, for peft has none."""
PREFIX_TENSOR = "prompt_embeddings"
# Variants of LoRA that change the formula; peft writes them as false, null or empty when unused.
_VARIANTS = ("use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "modules_to_save")


def adapter_files(directory: Path) -> list[Path]:
    """The two files of an adapter.

    Raises:
        DataError: one is missing.
    """
    files = [directory / ADAPTER_CONFIG, directory / ADAPTER_WEIGHTS]
    for file in files:
        if not file.is_file():
            raise DataError(
                f"{directory}: expected an adapter in peft's format, found no {file.name}; "
                "train one with `finstrat model tune`"
            )
    return files


def is_merged(directory: Path) -> bool:
    """Whether an encoder with this adapter is still an encoder of its kind, with other weights.

    Raises:
        DataError: a file is missing or damaged.
    """
    return bool(_config(directory).get("peft_type") not in {BOTTLENECK, PREFIX})


def with_adapter(model: Any, directory: Path) -> Any:  # noqa: ANN401 - transformers' own
    """`model`, which must still be float32, with the adapter in `directory`.

    Raises:
        DataError: a file is missing or damaged, the adapter is of no known kind, or it doesn't fit.
    """
    config = _config(directory)
    try:
        tensors = load_file(directory / ADAPTER_WEIGHTS)
        if config.get("peft_type") == BOTTLENECK:
            return _with_bottlenecks(model, tensors, directory)
        if config.get("peft_type") == PREFIX:
            return _with_prefix(model, tensors, directory)
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{directory}: can't read this adapter: {error!r}") from error
    _require_plain(config, directory)
    _merge(model, tensors, directory, rank=rank, scale=alpha / rank)
    return model


def _config(directory: Path) -> dict[str, Any]:
    adapter_files(directory)
    try:
        found = json.loads((directory / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{directory}: can't read this adapter: {error!r}") from error
    return found if isinstance(found, dict) else {}


def _with_bottlenecks(model: Any, tensors: dict[str, torch.Tensor], directory: Path) -> Any:  # noqa: ANN401
    widths = {len(each) for name, each in tensors.items() if name.endswith(".down.weight")}
    made = add_bottlenecks(model, widths.pop()) if len(widths) == 1 else {}
    wanted = {
        f"{name}.{key}": value
        for name, each in made.items()
        for key, value in each.state_dict().items()
        if not key.startswith("layer.")
    }
    if not wanted or {name: each.shape for name, each in wanted.items()} != {
        name: each.shape for name, each in tensors.items()
    }:
        raise DataError(
            f"{directory}: its {len(tensors)} bottleneck tensors don't fit this encoder, which has "
            f"places for {len(wanted)}; was the adapter trained on another one?"
        )
    for name, tensor in wanted.items():
        tensor.copy_(tensors[name])
    return model


def _with_prefix(model: Any, tensors: dict[str, torch.Tensor], directory: Path) -> Any:  # noqa: ANN401
    prefix = tensors[PREFIX_TENSOR].float()
    if prefix.ndim != 2 or prefix.shape[1] != prefix_width(model.config):
        raise DataError(
            f"{directory}: a prefix of {tuple(prefix.shape)}, but this encoder takes "
            f"{prefix_width(model.config)} numbers a token; was it trained on another one?"
        )
    return Prefixed(model, prefix)


def _merge(
    model: torch.nn.Module,
    tensors: dict[str, torch.Tensor],
    directory: Path,
    *,
    rank: int,
    scale: float,
) -> None:
    layers = dict(model.named_modules())
    names = {name.rsplit(".lora_", 1)[0] for name in tensors}
    for name in sorted(names):
        down = tensors.get(f"{name}.lora_A.weight")
        up = tensors.get(f"{name}.lora_B.weight")
        layer = layers.get(name.removeprefix(_PREFIX))
        if down is None or up is None or not isinstance(layer, torch.nn.Linear):
            raise DataError(
                f"{directory}: {name}: expected the pair lora_A and lora_B of a linear layer of "
                "this encoder; was the adapter trained on another one?"
            )
        if down.shape[0] != rank or (up.shape[0], down.shape[1]) != tuple(layer.weight.shape):
            raise DataError(
                f"{directory}: {name}: expected rank {rank} and a layer of "
                f"{tuple(layer.weight.shape)}, found {tuple(up.shape)} times {tuple(down.shape)}"
            )
        with torch.no_grad():
            layer.weight += scale * (up.float() @ down.float())


def _require_plain(config: dict[str, Any], directory: Path) -> None:
    variant = [name for name in _VARIANTS if config.get(name)]
    if config.get("bias", "none") != "none":
        variant.append("bias")
    if config.get("peft_type") != LORA or variant:
        raise DataError(
            f"{directory}: expected a plain LoRA, found {config.get('peft_type')} "
            f"with {', '.join(variant) or 'no variant'}; merge it with peft and use the result "
            "as the encoder's directory"
        )
