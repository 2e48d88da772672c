"""The forward pass of BERT and its kin on a CPU, over many texts in one matrix.

Linear layers don't care where a text ends, so texts of any lengths lie one after another in a
matrix of fixed height, and only attention is told where each begins. Weights are fused, converted
and laid out for the processor once. It knows neither files nor tokenizers.

Every product has one shape whatever the texts, and every other step works row by row or text by
text; so a text's numbers can't depend on its company. Source: Devlin et al. (2019), "BERT".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import gelu, layer_norm, linear

from finstrat.text.attention import attend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KIN = frozenset({"bert", "roberta", "xlm-roberta", "camembert"})


@dataclass(frozen=True, eq=False)
class _Linear:
    """A linear layer whose weights lie as the processor likes them, where torch can do that."""

    weight: torch.Tensor
    bias: torch.Tensor
    packed: bool

    @classmethod
    def of(cls, *layers: Any, dtype: torch.dtype, height: int) -> _Linear:  # noqa: ANN401
        """One layer with the outputs of all `layers` side by side, for inputs `[height, K]`."""
        weight = torch.cat([each.weight.detach() for each in layers]).to(dtype)
        bias = torch.cat([each.bias.detach() for each in layers]).to(dtype)
        packed = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
        packed = packed and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        if packed:
            weight = torch.ops.mkldnn._reorder_linear_weight(weight, height)  # noqa: SLF001
        return cls(weight, bias, packed)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if self.packed:
            return self._fused(x, "none", "")
        return linear(x, self.weight, self.bias)

    def gelu(self, x: torch.Tensor) -> torch.Tensor:
        """The activation of Wx + b."""
        return self._fused(x, "gelu", "none") if self.packed else gelu(self(x))

    def plus(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Wx + b + other."""
        if self.packed:
            fused: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(  # noqa: SLF001
                x, other, self.weight, self.bias, "add"
            )
            return fused
        return self(x) + other

    def _fused(self, x: torch.Tensor, activation: str, algorithm: str) -> torch.Tensor:
        fused: torch.Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            x, self.weight, self.bias, activation, [], algorithm
        )
        return fused


@dataclass(frozen=True, eq=False)
class _Norm:
    """Layer normalisation, computed in float32 whatever comes in."""

    weight: torch.Tensor
    bias: torch.Tensor
    epsilon: float

    @classmethod
    def of(cls, layer: torch.nn.LayerNorm) -> _Norm:
        return cls(layer.weight.detach().float(), layer.bias.detach().float(), layer.eps)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)


@dataclass(frozen=True, eq=False)
class _Layer:
    heads: int
    attention_in: _Linear
    attention_out: _Linear
    attention_norm: _Norm
    inner: _Linear
    outer: _Linear
    norm: _Norm


class PackedBert:
    """The encoder of a transformers model, for matrices of `height` tokens.

    Args:
        model: a `BertModel` or one of the RoBERTa family with float32 weights; it isn't needed
            afterwards.
        dtype: of weights and activations; norms and sums are float32.
        height: tokens in a matrix.
    """

    def __init__(self, model: Any, *, dtype: torch.dtype, height: int) -> None:  # noqa: ANN401
        self.height = height
        self.dtype = dtype
        embeddings = model.embeddings
        self._words = embeddings.word_embeddings.weight.detach().float()
        self._places = (
            embeddings.position_embeddings.weight.detach().float()[first_place(model) :]
            + embeddings.token_type_embeddings.weight.detach().float()[0]
        )
        self._norm = _Norm.of(embeddings.LayerNorm)
        self._layers = []
        for layer in model.encoder.layer:
            own = layer.attention.self
            self._layers.append(
                _Layer(
                    int(own.num_attention_heads),  # a layer's own, for some may be pruned
                    _Linear.of(own.query, own.key, own.value, dtype=dtype, height=height),
                    _Linear.of(layer.attention.output.dense, dtype=dtype, height=height),
                    _Norm.of(layer.attention.output.LayerNorm),
                    _Linear.of(layer.intermediate.dense, dtype=dtype, height=height),
                    _Linear.of(layer.output.dense, dtype=dtype, height=height),
                    _Norm.of(layer.output.LayerNorm),
                )
            )

    def __call__(
        self,
        ids: torch.Tensor,
        places: torch.Tensor,
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> torch.Tensor:
        """The last hidden state of every token, `[height, H]`.

        Args:
            ids: `[height]` token numbers, texts one after another; anything valid beyond the last.
            places: `[height]` each token's place in its own text, from 0.
            starts: the first row of each text.
            lengths: the tokens of each text.
        """
        x = self._norm(self._words[ids] + self._places[places]).to(self.dtype)
        for layer in self._layers:
            mixed = attend(layer.attention_in(x), starts, lengths, heads=layer.heads)
            x = layer.attention_norm(layer.attention_out.plus(mixed, x))
            x = layer.norm(layer.outer.plus(layer.inner.gelu(x), x))
        return x


def first_place(model: Any) -> int:  # noqa: ANN401 - transformers' own
    """The row of the position embeddings that belongs to the first token of a text.

    RoBERTa and its like count from behind the padding token's number.
    """
    embeddings = getattr(model, "embeddings", None)
    unused = getattr(getattr(embeddings, "position_embeddings", None), "padding_idx", None)
    return 0 if unused is None else int(unused) + 1


def serves(config: Any, *, device: torch.device) -> bool:  # noqa: ANN401 - transformers' own
    """Whether `PackedBert` computes what the model of this `config` defines, on `device`."""
    return (
        device.type == "cpu"
        and config.model_type in _KIN
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", "absolute") in {"absolute", None}
        and not config.is_decoder
        and config.hidden_size % config.num_attention_heads == 0
    )
