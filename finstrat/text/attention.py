"""Self-attention within each of many texts that lie one after another in a single matrix.

Texts are never padded to each other's length, and each is computed by itself, so what comes out for
one can't depend on the others. Short texts in bf16 go through a compiled kernel, because a call for
each of them would cost more than their arithmetic; the rest through torch. It knows no model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from finstrat.text.attention_kernel import LANES, LONGEST, attend_shortly

if TYPE_CHECKING:
    from numpy.typing import NDArray


def attend(
    qkv: torch.Tensor,
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    *,
    heads: int,
) -> torch.Tensor:
    """The attention of every token to the tokens of its own text, `[T, H]` like a layer expects.

    Args:
        qkv: `[T, 3H]` on the CPU: queries, keys and values side by side, each with its heads.
        starts: the first row of each text.
        lengths: the rows of each text, at least 1. Rows of no text come out as 0.
        heads: of H / `heads` numbers each.

    A query's weights over the keys are softmax(q·k / sqrt(H / heads)), summed in float32. Source:
    Vaswani et al. (2017), "Attention is all you need", equation 1.
    """
    width = qkv.shape[1] // 3
    size = width // heads
    out = qkv.new_zeros((qkv.shape[0], width))
    by_kernel = lengths <= (LONGEST if serves(qkv.dtype, size=size) else 0)
    if by_kernel.any():
        attend_shortly(
            qkv.view(torch.int16).numpy(),
            starts[by_kernel],
            lengths[by_kernel],
            heads,
            np.float32(size**-0.5),
            out.view(torch.int16).numpy(),
        )
    by_torch = ~by_kernel
    for start, length in zip(starts[by_torch].tolist(), lengths[by_torch].tolist(), strict=True):
        rows = slice(start, start + length)
        q, k, v = qkv[rows].view(1, length, 3, heads, size).permute(2, 0, 3, 1, 4)
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        out[rows] = mixed[0].transpose(0, 1).reshape(length, width)
    return out


def serves(dtype: torch.dtype, *, size: int) -> bool:
    """Whether the kernel can work on numbers of `dtype` and heads of `size`."""
    return dtype == torch.bfloat16 and size % LANES == 0
