"""What each attention head is worth, and which of them may go.

A head's importance is exact, not a gradient's guess: the loss of imitating the whole model when
this head alone says nothing. It knows nothing of how heads are taken out. Sources:
Michel et al. (2019), "Are sixteen heads really better than one?", section 3.2; Voita et al. (2019),
"Analyzing multi-head self-attention".
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.errors import ConfigError
from finstrat.text.attention_heads import bert_layers, columns_of
from finstrat.text.encode import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from finstrat.models.imitate import Imitation


def importance(
    model: Any,  # noqa: ANN401 - transformers' own
    imitation: Imitation,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[NDArray[np.float64]]:
    """The loss of imitation when a head of `model` is silenced, an array of heads a layer.

    `model` is the encoder of the one that is imitated, in float32; texts are read as for scoring.

    Raises:
        DataError: the model isn't like BERT.
    """
    layers = bert_layers(model)
    teacher = imitation.teacher
    reader = Encoder(teacher.encoder, adapter=teacher.adapter, dtype=teacher.dtype)
    found = [np.zeros(int(each.attention.self.num_attention_heads)) for each in layers]
    done, total = 0, sum(map(len, found))
    for layer, row in zip(layers, found, strict=True):
        for head in range(len(row)):
            with silenced(layer, head):
                reader.read_by(model)
                row[head] = imitation.distance(reader.encode(imitation.texts).vectors)
            done += 1
            if progress is not None:
                progress(done, total)
    return found


@contextmanager
def silenced(layer: Any, head: int) -> Iterator[None]:  # noqa: ANN401 - transformers' own
    """For as long as this lasts, nothing of a layer's `head`-th head reaches what comes after."""
    weight = layer.attention.output.dense.weight.data
    columns = columns_of(layer, head)
    kept = weight[:, columns].clone()
    weight[:, columns] = 0.0
    try:
        yield
    finally:
        weight[:, columns] = kept


def most_important(found: list[NDArray[np.float64]], *, share: float) -> list[list[int]]:
    """The places of the heads that stay, a list a layer, when the least important `share` goes.

    They are chosen over all layers; the most important one of each layer stays.

    Raises:
        ConfigError: the share takes no head, or can't leave one in each layer.
    """
    total = sum(map(len, found))
    going = round(share * total)
    spare = total - len(found)
    if not 1 <= going <= spare:
        raise ConfigError(
            f"--share {share:g}: of {total} heads that is {going}; expected 1 to {spare}, so that "
            "each layer keeps one"
        )
    ranked = sorted(
        (value, layer, head)
        for layer, row in enumerate(found)
        for head, value in enumerate(row)
        if head != int(row.argmax())
    )
    gone = {(layer, head) for _, layer, head in ranked[:going]}
    return [
        [head for head in range(len(row)) if (layer, head) not in gone]
        for layer, row in enumerate(found)
    ]
