"""Prefix tuning: learnt keys and values that every token of a text attends to, in every layer.

The prefix has no place in the text: positions count from the first real token. The encoder runs on
transformers' own path. Source: Li and Liang (2021), "Prefix-Tuning: Optimizing Continuous Prompts
for Generation", equation 3.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache

from finstrat.errors import DataError
from finstrat.text import bert
from finstrat.text.attention_heads import PRUNED


class Prefixed(torch.nn.Module):
    """A BERT-like encoder behind a prefix.

    Attributes:
        model: the encoder.
        prefix: `[P, layers x 2 x H]`, keys and values of a layer one after the other, as peft
            stores them.
    """

    def __init__(self, model: Any, prefix: torch.Tensor) -> None:  # noqa: ANN401
        super().__init__()
        self.model = model
        self.prefix = torch.nn.Parameter(prefix)

    @property
    def config(self) -> Any:  # noqa: ANN401 - transformers' own
        """The encoder's."""
        return self.model.config

    @property
    def embeddings(self) -> Any:  # noqa: ANN401 - transformers' own
        """The encoder's."""
        return self.model.embeddings

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:  # noqa: ANN401
        """What the encoder gives for `[B, L]` tokens, of which the mask says the real ones."""
        rows, length = input_ids.shape
        config = self.config
        heads = int(config.num_attention_heads)
        size = int(config.hidden_size) // heads
        dtype = self.model.dtype
        if torch.is_autocast_enabled(input_ids.device.type):
            dtype = torch.get_autocast_dtype(input_ids.device.type)
        parts = self.prefix.to(dtype).view(len(self.prefix), -1, heads, size)
        parts = parts.permute(1, 2, 0, 3)[:, None].expand(-1, rows, -1, -1, -1)
        cache = DynamicCache()
        for layer in range(int(config.num_hidden_layers)):
            cache.update(parts[2 * layer], parts[2 * layer + 1], layer)
        seen = torch.cat([attention_mask.new_ones(rows, len(self.prefix)), attention_mask], dim=1)
        places = torch.arange(length, device=input_ids.device) + bert.first_place(self.model)
        return self.model(
            input_ids=input_ids,
            attention_mask=seen[:, None, None, :].bool().expand(-1, 1, length, -1),
            position_ids=places[None].expand(rows, -1),
            past_key_values=cache,
        )


def prefix_width(config: Any) -> int:  # noqa: ANN401 - transformers' own
    """Numbers of one token of a prefix, for the encoder of this `config`.

    Raises:
        DataError: the encoder lacks attention heads, for whose keys and values a prefix has places.
    """
    if getattr(config, PRUNED, None):
        raise DataError(
            "prefix: attention heads were taken out of this encoder, and a prefix needs them all; "
            "choose another method"
        )
    return 2 * int(config.num_hidden_layers) * int(config.hidden_size)
