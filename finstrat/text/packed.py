"""Weights that lie on disk in fewer bytes: int8 rows, or a mask and the numbers that aren't zero.

They are unpacked to float32 when an encoder is loaded, so it computes as any other does, at the
same speed. Encoders that lack attention heads are loaded here too, packed or not, since
transformers wouldn't. It knows nothing of how weights came to be rounded, zero or gone.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel

from finstrat.errors import DataError
from finstrat.text.attention_heads import PRUNED, cut_as_said

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKED = "packed.safetensors"
_INT8, _SCALE = ":int8", ":scale"
_MASK, _VALUES, _SHAPE = ":mask", ":values", ":shape"


def rounded(weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """A matrix `[R, C]` as int8 and a float32 scale a row; off by at most half a scale."""
    scale = weight.float().abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
    return {_INT8: (weight.float() / scale).round().to(torch.int8), _SCALE: scale}


def sparse(tensor: torch.Tensor) -> dict[str, torch.Tensor]:
    """A tensor as one bit a number and the numbers that aren't zero, where that is smaller.

    Exact; a zero comes back as +0.
    """
    flat = tensor.detach().contiguous().flatten()
    kept = flat != 0
    values = flat[kept].clone()
    packed = math.ceil(flat.numel() / 8) + values.numel() * flat.element_size() + 8 * tensor.dim()
    if packed >= flat.numel() * flat.element_size():
        return {"": tensor.detach().contiguous()}
    return {
        _MASK: torch.from_numpy(np.packbits(kept.numpy())),
        _VALUES: values,
        _SHAPE: torch.tensor(tensor.shape),
    }


def save_packed(tensors: Mapping[str, Mapping[str, torch.Tensor]], directory: Path) -> None:
    """Write tensors, each in the parts that `rounded` or `sparse` made, by their names."""
    parts = {
        f"{name}{end}": part for name, each in sorted(tensors.items()) for end, part in each.items()
    }
    save_file(parts, directory / PACKED)


def load_packed(directory: Path) -> dict[str, torch.Tensor]:
    """The tensors in `directory` by their names, in full.

    Raises:
        DataError: the file is missing, damaged, or lacks a part of a tensor.
    """
    path = directory / PACKED
    try:
        parts = load_file(path)
        found = {}
        for key, part in parts.items():
            name, _, end = key.partition(":")
            if not end:
                found[name] = part
            elif f":{end}" == _INT8:
                found[name] = part.float() * parts[name + _SCALE]
            elif f":{end}" == _MASK:
                found[name] = _dense(part, parts[name + _VALUES], parts[name + _SHAPE])
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise DataError(f"{path}: expected packed weights: {error!r}; compress again") from error
    return found


def is_compressed(directory: Path) -> bool:
    """Whether the encoder in `directory` is packed or lacks heads: transformers can't load it."""
    if (directory / PACKED).is_file():
        return True
    try:
        told = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # whoever loads it says what is wrong
    return isinstance(told, dict) and bool(told.get(PRUNED))


def compressed_encoder(directory: Path) -> Any:  # noqa: ANN401 - transformers' own
    """The encoder in `directory`, of which `is_compressed` says that it is, in float32.

    Raises:
        DataError: weights are damaged, missing, or of another shape than `config.json` says.
    """
    packed = (directory / PACKED).is_file()
    tensors = load_packed(directory) if packed else _plain(directory)
    try:
        config = AutoConfig.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
        model = AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, dtype=torch.float32, trust_remote_code=False
        )
        cut_as_said(model)
        loading = model.load_state_dict(tensors, strict=False)
    except (DataError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise DataError(f"{directory}: can't fill this encoder: {error}") from error
    lacking = [key for key in loading.missing_keys if not key.startswith("pooler.")]
    if lacking or loading.unexpected_keys:
        wrong = [*lacking, *loading.unexpected_keys]
        raise DataError(f"{directory}: weights don't fit config.json: {', '.join(wrong[:3])}")
    return model.eval()


def _plain(directory: Path) -> dict[str, torch.Tensor]:
    """The tensors in `directory` as transformers stores them.

    Raises:
        DataError: a file is damaged.
    """
    files = sorted(directory.glob("model*.safetensors"))
    try:
        return {name: each for file in files for name, each in load_file(file).items()}
    except (OSError, SafetensorError) as error:
        raise DataError(f"{directory}: expected weights in safetensors: {error}") from error


def _dense(mask: torch.Tensor, values: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    size = tuple(shape.tolist())
    kept = torch.from_numpy(np.unpackbits(mask.numpy(), count=math.prod(size)).astype(bool))
    flat = torch.zeros(math.prod(size), dtype=values.dtype)
    flat[kept] = values
    return flat.reshape(size)
