"""Masked-language modelling: which tokens are hidden, the head that guesses them, how well it does.

Whole words are hidden, other ones in every pass. It knows tokens and one model at a time; batches
and steps belong to `pretrain`. Sources: Devlin et al. (2019), "BERT", section 3.1; Cui et al.
(2021), "Pre-training with whole word masking".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModelForMaskedLM

from finstrat.errors import DataError
from finstrat.text.checkpoint import loaded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_SHARE = 0.15
"""Of the words that are hidden."""
_SHOWN, _REPLACED = 0.1, 0.1
"""Of the hidden tokens: left as they are, and replaced by any other."""
_ROWS = 64
"""Of a batch that is judged."""


@dataclass(frozen=True, eq=False)
class Window:
    """One input of the model.

    Attributes:
        ids: its tokens, the model's own at both ends, int64 `[L]`.
        words: the number of the word that a token belongs to, -1 for the model's own, int64 `[L]`.
    """

    ids: NDArray[np.int64]
    words: NDArray[np.int64]


@dataclass(frozen=True)
class Perplexity:
    """How many equally likely tokens a guess was between, on average.

    Attributes:
        value: pseudo-perplexity, exp of the mean loss of each token, it alone being hidden.
        low, high: 95 % interval, windows bootstrapped.
        windows, tokens: what it was taken over.
    """

    value: float
    low: float
    high: float
    windows: int
    tokens: int


def windows(tokenizer: Tokenizer, texts: Sequence[str], *, limit: int) -> list[Window]:
    """The texts as inputs of at most `limit` tokens; a longer text makes several."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    found = []
    for encoding in tokenizer.encode_batch(list(texts)):
        for part in (encoding, *encoding.overflowing):
            words = [-1 if each is None else each for each in part.word_ids]
            if max(words, default=-1) >= 0:
                found.append(Window(np.array(part.ids), np.array(words)))
    return found


def hidden(
    window: Window, *, mask: int, vocabulary: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The tokens with some words hidden, and which those are, both `[L]`.

    Each word is hidden with a chance of 15 %, one at least. Of its tokens 80 % become `mask`, 10 %
    any token of the vocabulary, 10 % stay.
    """
    words = np.unique(window.words[window.words >= 0])
    chosen = words[rng.random(len(words)) < _SHARE]
    if not len(chosen):
        chosen = rng.choice(words, 1)
    places = np.isin(window.words, chosen)
    fate = rng.random(len(places))
    ids = np.where(places & (fate >= _SHOWN + _REPLACED), mask, window.ids)
    drawn = rng.integers(0, vocabulary, len(places))
    return np.where(places & (fate < _REPLACED), drawn, ids), places


def load_masked(directory: Path) -> tuple[Any, bool]:
    """The encoder in `directory` with a head that guesses tokens, and whether the head is new.

    A new head is tied to the embeddings of the words: its output layer is their matrix, the square
    layer before it the identity, its biases are 0. It has learnt nothing.

    Raises:
        DataError: the files are missing, or are no encoder that transformers can guess tokens with.
    """
    found = loaded(AutoModelForMaskedLM, directory, dtype="fp32")
    model = found.model
    encoder = f"{model.base_model_prefix}."
    found.require([key for key in found.unfilled if key.startswith(encoder)])
    embeddings = model.get_input_embeddings().weight
    own = dict(model.named_parameters())
    for key in found.unfilled:
        if key in own and own[key] is not embeddings:
            _start(own[key])
    return model, bool(found.unfilled)


def _start(parameter: torch.nn.Parameter) -> None:
    """A square matrix as the identity; a vector stays as transformers made it, 0 or a norm's 1."""
    if parameter.dim() == 2 and parameter.shape[0] == parameter.shape[1]:
        torch.nn.init.eye_(parameter)


def guesses(model: Any, hidden_states: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    """Logits `[M, V]` float32 of hidden states `[M, H]`, of the hidden tokens alone.

    Most of a small model's time goes into logits, and six in seven of them nobody asks for.

    Raises:
        DataError: an architecture whose head isn't known.
    """
    for name in ("cls", "lm_head", "head"):
        head = getattr(model, name, None)
        if head is not None:
            out: torch.Tensor = head(hidden_states)
            if name == "head":  # ModernBERT's head ends before its decoder
                out = model.decoder(out)
            return out.float()
    if hasattr(model, "vocab_transform"):  # DistilBERT
        inner = model.vocab_layer_norm(model.activation(model.vocab_transform(hidden_states)))
        projected: torch.Tensor = model.vocab_projector(inner)
        return projected.float()
    raise DataError(
        f"{type(model).__name__}: expected an encoder like BERT, RoBERTa, DistilBERT or ModernBERT"
    )


def padded(rows: Sequence[NDArray[np.int64]], *, pad: int) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, int64 `[rows, longest]`."""
    longest = max(map(len, rows))
    ids = np.full((len(rows), longest), pad, dtype=np.int64)
    mask = np.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}


def pseudo_perplexity(
    model: Any,  # noqa: ANN401 - transformers' own
    texts: Sequence[Window],
    *,
    mask: int,
    pad: int,
    seed: int,
) -> Perplexity:
    """The model's pseudo-perplexity on `texts`: each token hidden by itself, and guessed.

    Numbers under two vocabularies can't be compared: fewer tokens are easier to guess. Source:
    Salazar et al. (2020), "Masked language model scoring", equation 3.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    losses: list[list[float]] = [[] for _ in texts]
    asked = [
        (text, place)
        for text in np.argsort([len(each.ids) for each in texts], kind="stable").tolist()
        for place in np.flatnonzero(texts[text].words >= 0).tolist()
    ]
    with torch.inference_mode():
        for start in range(0, len(asked), _ROWS):
            now = asked[start : start + _ROWS]
            ids = [texts[text].ids.copy() for text, _ in now]
            for row, (_, place) in zip(ids, now, strict=True):
                row[place] = mask
            batch = {key: each.to(device) for key, each in padded(ids, pad=pad).items()}
            states = model.base_model(**batch).last_hidden_state
            places = torch.tensor([place for _, place in now], device=device)
            logits = guesses(model, states[torch.arange(len(now), device=device), places])
            truth = torch.tensor([int(texts[text].ids[place]) for text, place in now])
            found = functional.cross_entropy(logits, truth.to(device), reduction="none")
            for (text, _), loss in zip(now, found.tolist(), strict=True):
                losses[text].append(loss)
    model.train(was_training)
    sums, counts = np.array([sum(each) for each in losses]), np.array([*map(len, losses)])
    drawn = np.random.default_rng(seed).integers(0, len(texts), (2_000, len(texts)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), (0.025, 0.975))
    return Perplexity(
        value=float(np.exp(sums.sum() / counts.sum())),
        low=float(np.exp(low)),
        high=float(np.exp(high)),
        windows=len(texts),
        tokens=int(counts.sum()),
    )


def unigram_perplexity(
    learnt: Sequence[Window], judged: Sequence[Window], *, vocabulary: int
) -> float:
    """What guessing by the frequency in `learnt` alone (one added to each) reaches on `judged`."""
    counts = np.ones(vocabulary)
    for each in learnt:
        np.add.at(counts, each.ids[each.words >= 0], 1)
    logs = np.log(counts / counts.sum())
    asked = np.concatenate([each.ids[each.words >= 0] for each in judged])
    return float(np.exp(-logs[asked].mean()))
