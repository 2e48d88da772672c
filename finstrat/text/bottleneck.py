"""Bottleneck adapters: beside a linear layer, a narrow pair of layers that corrects its output.

y = Wx + b becomes y + U gelu(D y). Nothing can be merged, since a nonlinearity lies between; the
encoder runs on transformers' own path. Source: Houlsby et al. (2019), "Parameter-efficient transfer
learning for NLP", figure 2: after attention and after the feed-forward layer, before the sum.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import gelu

WHERE = "output.dense"
"""How the names of the corrected layers end, in BERT and its kin."""


class Bottleneck(torch.nn.Module):
    """A linear layer and its correction, which is nothing at first."""

    def __init__(self, layer: torch.nn.Linear, width: int) -> None:
        super().__init__()
        self.layer = layer
        self.down = torch.nn.Linear(layer.out_features, width)
        self.up = torch.nn.Linear(width, layer.out_features)
        torch.nn.init.zeros_(self.up.weight)
        torch.nn.init.zeros_(self.up.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The corrected output."""
        y: torch.Tensor = self.layer(x)
        corrected: torch.Tensor = y + self.up(gelu(self.down(y)))
        return corrected


def add_bottlenecks(model: Any, width: int) -> dict[str, Bottleneck]:  # noqa: ANN401
    """Put a `Bottleneck` around every layer that has a place for one; by the layers' names.

    Empty for a model without such layers.
    """
    layers = {
        name: layer
        for name, layer in model.named_modules()
        if name.endswith(WHERE) and isinstance(layer, torch.nn.Linear)
    }
    found = {}
    for name, layer in layers.items():
        parent, _, own = name.rpartition(".")
        found[name] = Bottleneck(layer, width)
        setattr(model.get_submodule(parent), own, found[name])
    return found
