"""Encoders like BERT without some of their attention heads: which stay, and the smaller matrices.

`config.json` says it as transformers 4 did: `pruned_heads`, the numbers of the heads that are gone,
by layer. transformers 5 ignores that key, so the matrices are cut here. It knows nothing of why a
head goes. Source: Michel et al. (2019), "Are sixteen heads really better than one?".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

PRUNED = "pruned_heads"


def heads_of(config: Any) -> list[list[int]]:  # noqa: ANN401 - transformers' own
    """The heads that each layer has, by the numbers they had when none was gone.

    Raises:
        DataError: the configuration names a head or layer that there isn't, or leaves a layer none.
    """
    heads, layers = int(config.num_attention_heads), int(config.num_hidden_layers)
    found = [list(range(heads)) for _ in range(layers)]
    gone = getattr(config, PRUNED, None) or {}
    try:
        for layer, numbers in gone.items():
            for number in numbers:
                found[int(layer)].remove(int(number))
    except (AttributeError, IndexError, TypeError, ValueError):
        found = []
    if not all(found) or len(found) != layers:
        raise DataError(
            f"config.json: {PRUNED} {gone}: expected heads 0 to {heads - 1} of layers 0 to "
            f"{layers - 1}, each once, and one left in each layer"
        )
    return found


def say_heads(config: Any, kept: Sequence[Sequence[int]]) -> None:  # noqa: ANN401
    """Make `config` say that layers have the heads `kept` alone."""
    every = set(range(int(config.num_attention_heads)))
    gone = {str(layer): sorted(every - set(stay)) for layer, stay in enumerate(kept)}
    setattr(config, PRUNED, {layer: numbers for layer, numbers in gone.items() if numbers})


def keep_heads(model: Any, kept: Sequence[Sequence[int]]) -> None:  # noqa: ANN401
    """Cut `model` down to the heads `kept` of each layer, in place; its configuration says so.

    Raises:
        DataError: the model has no layers like BERT's.
    """
    for layer, had, stay in zip(bert_layers(model), heads_of(model.config), kept, strict=True):
        _cut(layer, [had.index(each) for each in stay])
    say_heads(model.config, kept)


def cut_as_said(model: Any) -> None:  # noqa: ANN401
    """Cut a model that was made with all its heads down to those that its configuration says.

    Raises:
        DataError: as above.
    """
    if getattr(model.config, PRUNED, None):
        for layer, stay in zip(bert_layers(model), heads_of(model.config), strict=True):
            _cut(layer, stay)


def bert_layers(model: Any) -> list[Any]:  # noqa: ANN401
    """The layers of an encoder like BERT, with `attention.self` and `attention.output`.

    Raises:
        DataError: it has others.
    """
    layers = list(getattr(getattr(model, "encoder", None), "layer", ()))
    own = [getattr(getattr(each, "attention", None), "self", None) for each in layers]
    alike = [isinstance(getattr(each, "query", None), torch.nn.Linear) for each in own]
    if not alike or not all(alike):
        raise DataError(
            f"a {model.config.model_type}: attention heads can be taken out of encoders like BERT "
            "alone, with encoder.layer and attention.self"
        )
    return layers


def columns_of(layer: Any, head: int) -> slice:  # noqa: ANN401
    """Where the output of its `head`-th head lies in what a layer's heads give together."""
    size = int(layer.attention.self.attention_head_size)
    return slice(head * size, (head + 1) * size)


def _cut(layer: Any, stay: Sequence[int]) -> None:  # noqa: ANN401
    """Leave the rows of queries, keys and values, and the columns after them, of places `stay`."""
    own, out = layer.attention.self, layer.attention.output
    places = torch.cat([torch.arange(own.query.out_features)[columns_of(layer, n)] for n in stay])
    for name in ("query", "key", "value"):
        whole = getattr(own, name)
        setattr(own, name, _linear(whole.weight[places], whole.bias[places]))
    out.dense = _linear(out.dense.weight[:, places], out.dense.bias)
    own.num_attention_heads = len(stay)
    own.all_head_size = len(places)


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> torch.nn.Linear:
    made = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    with torch.no_grad():
        made.weight.copy_(weight)
        made.bias.copy_(bias)
    return made
