"""A text model as one function from token embeddings to outputs, in float32 and with gradients.

Scoring packs texts and rounds to bf16, through which no gradient runs; this is the same model on
transformers' own path. It knows nothing of what gradients are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer

from finstrat.errors import DataError
from finstrat.text.encode import load_encoder, longest_window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_BLANKS = ("[MASK]", "<mask>", "[UNK]", "<unk>", "[PAD]", "<pad>")
"""Tokens that say nothing, the first of them that a vocabulary has; pads move positions in some."""


@dataclass(frozen=True)
class Tokens:
    """A text as the model reads it.

    Attributes:
        text: after what the scorer writes into it; tokens point into this one.
        ids: L token ids, the model's own tokens included.
        spans: `text[start:stop]` of each token; empty for the model's own.
        own: whether a token is the model's own ([CLS] and the like).
        cut: whether the text has more tokens than one input of the model holds.
    """

    text: str
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    own: tuple[bool, ...]
    cut: bool


class Differentiable(torch.nn.Module):
    """Outputs `[B, K]` float64 of token ids `[B, L]`, of which a mask `[B, L]` says the real ones.

    Attributes:
        network: what makes the outputs.
        embeddings: its layer from ids to vectors.
        outputs: K names.
        blank: the id of a token that says nothing.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        embeddings: torch.nn.Module,
        *,
        directory: Path,
        outputs: Sequence[str],
        max_tokens: int,
        prepared: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.embeddings = embeddings
        self.outputs = tuple(outputs)
        self._prepared = prepared
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        known = [self._tokenizer.token_to_id(each) for each in _BLANKS]
        found = [each for each in known if each is not None]
        if not found:
            raise DataError(f"{directory}: tokenizer.json: expected one of {', '.join(_BLANKS)}")
        self.blank: int = found[0]

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The outputs."""
        made: torch.Tensor = self.network(ids, mask)
        return made

    def read(self, text: str) -> Tokens:
        """A clean text as tokens, with what the scorer writes into it before it reads it."""
        text = text if self._prepared is None else self._prepared(text)
        found = self._tokenizer.encode(text)
        return Tokens(
            text=text,
            ids=tuple(found.ids),
            spans=tuple(found.offsets),
            own=tuple(bool(each) for each in found.special_tokens_mask),
            cut=bool(found.overflowing),
        )

    def values(self, rows: Sequence[Sequence[int]], *, height: int = 64) -> torch.Tensor:
        """The outputs `[D, K]` float64 of token ids, shorter rows filled up and masked."""
        made = torch.full((len(rows), len(self.outputs)), torch.nan, dtype=torch.float64)
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        for at in range(0, len(order), height):
            part = order[at : at + height]
            longest = len(rows[part[-1]])
            ids = torch.full((len(part), longest), self.blank)
            mask = torch.zeros_like(ids)
            for place, row in enumerate(part):
                ids[place, : len(rows[row])] = torch.tensor(rows[row])
                mask[place, : len(rows[row])] = 1
            with torch.inference_mode():
                made[part] = self(ids, mask).double()
        return made


class _HeadOnEncoder(torch.nn.Module):
    """Mean pooling, unit length and a head, as `finstrat.text.encode` and a head define them."""

    def __init__(self, encoder: Any, head: Callable[[torch.Tensor], torch.Tensor]) -> None:  # noqa: ANN401
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        real = mask[..., None].to(hidden.dtype)
        means = (hidden * real).sum(dim=1) / real.sum(dim=1)
        return self.head(torch.nn.functional.normalize(means))


class _Probabilities(torch.nn.Module):
    """The softmax of a sequence classifier's logits, in the scorer's order."""

    def __init__(self, model: Any, order: Sequence[int]) -> None:  # noqa: ANN401
        super().__init__()
        self.model = model
        self.order = list(order)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits = self.model(input_ids=ids, attention_mask=mask).logits
        chances: torch.Tensor = logits.double().softmax(dim=1)[:, self.order]
        return chances


class _WithScore(torch.nn.Module):
    """Probabilities, and P(positive) - P(negative) after them."""

    def __init__(self, network: torch.nn.Module, outputs: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.positive, self.negative = outputs.index("positive"), outputs.index("negative")

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        chances = self.network(ids, mask)
        score = chances[:, self.positive] - chances[:, self.negative]
        return torch.cat([chances, score[:, None]], dim=1)


def head_on_encoder(
    directory: Path,
    *,
    adapter: Path | None,
    head: Callable[[torch.Tensor], torch.Tensor],
    outputs: Sequence[str],
    prepared: Callable[[str], str] | None = None,
) -> Differentiable:
    """The encoder in `directory`, with what a tuning added, under `head` from unit vectors.

    `head` gives the `outputs` but for a "score" after classes, which is made of theirs; `prepared`
    is what the scorer writes into a clean text.
    """
    encoder = load_encoder(directory, adapter=adapter)
    bare = getattr(encoder, "model", encoder)  # a prefix lies around its encoder
    return Differentiable(
        _scored(_HeadOnEncoder(encoder, head), outputs),
        bare.get_input_embeddings(),
        directory=directory,
        outputs=outputs,
        max_tokens=longest_window(directory, encoder),
        prepared=prepared,
    )


def sequence_classifier(
    model: Any,  # noqa: ANN401 - transformers' own
    *,
    directory: Path,
    order: Sequence[int],
    outputs: Sequence[str],
    max_tokens: int,
) -> Differentiable:
    """A sequence classifier of transformers; `order` puts its classes in that of `outputs`."""
    return Differentiable(
        _scored(_Probabilities(model, order), outputs),
        model.get_input_embeddings(),
        directory=directory,
        outputs=outputs,
        max_tokens=max_tokens,
    )


def _scored(network: torch.nn.Module, outputs: Sequence[str]) -> torch.nn.Module:
    with_score = len(outputs) > 1 and outputs[-1] == "score"
    return _WithScore(network, outputs) if with_score else network
