"""Low-rank adapters merged into an encoder's weights: W + (alpha / rank) B A.

A directory in peft's format, without needing peft: plain LoRA on linear layers. Merging keeps the
encoder's architecture, and so its speed and its bits' independence of company. Source: Hu et al.
(2021), "LoRA: Low-Rank Adaptation of Large Language Models", equation 3.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from finstrat.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
_PREFIX = "base_model.model."
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


def merge_adapter(model: torch.nn.Module, directory: Path) -> None:
    """Add the adapter in `directory` to the weights of `model`, which must still be float32.

    Raises:
        DataError: a file is missing or damaged, the adapter is no plain LoRA, or it doesn't fit.
    """
    adapter_files(directory)
    try:
        config = json.loads((directory / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(directory / ADAPTER_WEIGHTS)
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{directory}: can't read this adapter: {error!r}") from error
    _require_plain(config, directory)
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
            layer.weight += (alpha / rank) * (up.float() @ down.float())


def _require_plain(config: dict[str, Any], directory: Path) -> None:
    variant = [name for name in _VARIANTS if config.get(name)]
    if config.get("bias", "none") != "none":
        variant.append("bias")
    if config.get("peft_type") != "LORA" or variant:
        raise DataError(
            f"{directory}: expected a plain LoRA, found {config.get('peft_type')} "
            f"with {', '.join(variant) or 'no variant'}; merge it with peft and use the result "
            "as the encoder's directory"
        )
