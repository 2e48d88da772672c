"""An encoder that has read nothing: a WordPiece vocabulary of a corpus, and random weights.

What comes out of its training knows the corpus alone, and so no date after the corpus's last.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import BertWordPieceTokenizer, Tokenizer
from transformers import BertConfig, BertForMaskedLM

from finstrat.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD_WIDTH = 32  # MiniLM's
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@dataclass(frozen=True)
class Shape:
    """Of a BERT.

    Attributes:
        vocabulary: tokens at most; a small corpus makes fewer.
        layers: transformer blocks.
        width: numbers of a vector, a multiple of 32; a head of attention takes 32.
    """

    vocabulary: int = 8_000
    layers: int = 4
    width: int = 256

    def __post_init__(self) -> None:
        if self.width % _HEAD_WIDTH or self.width < _HEAD_WIDTH:
            raise ConfigError(
                f"width {self.width}: expected a multiple of {_HEAD_WIDTH}, the width of a head"
            )


def trained_tokenizer(texts: Sequence[str], *, vocabulary: int) -> Tokenizer:
    """A WordPiece tokenizer of lower-case words, learnt from `texts` alone; the same every time.

    Characters beyond the commonest, a quarter of the vocabulary, are unknown to it.
    """
    maker = BertWordPieceTokenizer(lowercase=True)
    seen = Counter(c for text in texts for c in maker.normalize(text) if not c.isspace())
    commonest = sorted(seen, key=lambda c: (-seen[c], c))[: vocabulary // 4]
    # What continues a word is numbered as a hash table happens to hold it, and ties of merges go by
    # numbers: they get theirs here, as if they were special, which the second tokenizer forgets.
    maker.train_from_iterator(
        iter(texts),
        vocab_size=vocabulary,
        special_tokens=[*_SPECIAL, *(f"##{c}" for c in commonest)],
        initial_alphabet=commonest,
        limit_alphabet=len(commonest),
        show_progress=False,
    )
    made = BertWordPieceTokenizer(maker.get_vocab(with_added_tokens=True), lowercase=True)
    return Tokenizer.from_str(made.to_str())


def untrained(tokenizer: Tokenizer, shape: Shape, *, positions: int, seed: int) -> Any:  # noqa: ANN401
    """A BERT of this shape with weights drawn by `seed`, for inputs of `positions` tokens."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.width // _HEAD_WIDTH,
        intermediate_size=4 * shape.width,
        max_position_embeddings=positions,
        pad_token_id=tokenizer.token_to_id("[PAD]"),
    )
    return BertForMaskedLM(config)
