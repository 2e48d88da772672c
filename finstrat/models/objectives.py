"""What an encoder is pretrained to do: its batches, its loss, and how well it does it.

One class an objective, with the same three methods. What the numbers mean is in `masked` and
`contrastive`; the order of the batches is `steps`'.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch.nn import functional

from finstrat.errors import ConfigError
from finstrat.models.contrastive import alignment, mean_pooled, twin_loss, uniformity
from finstrat.models.masked import (
    Window,
    guesses,
    hidden,
    padded,
    pseudo_perplexity,
    unigram_perplexity,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from finstrat.models.steps import Batch

Objective = Literal["mlm", "simcse"]


@dataclass(frozen=True)
class Settings:
    """How an encoder is pretrained.

    Attributes:
        objective: "mlm", guess hidden words; "simcse", find the text again through dropout.
        epochs: passes over the texts. batch: texts a step.
        learning_rate: its peak; None = 1e-4 for mlm, 5e-4 from scratch, 3e-5 for simcse.
        max_tokens: of one input; a longer text makes several.
        temperature: of simcse's cosines.
        dropout: of simcse; masked words are noise enough without.
        checkpoint: steps from one checkpoint to the next.
        seed: of the order, the masks, the dropout, and the weights of a new encoder.
    """

    objective: Objective = "mlm"
    epochs: int = 1
    batch: int = 64
    learning_rate: float | None = None
    max_tokens: int = 128
    temperature: float = 0.05
    dropout: float = 0.1
    checkpoint: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if self.objective == "simcse" and self.batch < 2:
            raise ConfigError("--batch 1: a text is told apart from others of its batch; give more")
        if self.temperature <= 0 or not 0 <= self.dropout < 1:
            raise ConfigError("expected a temperature above 0 and a dropout from 0 to below 1")


@dataclass(frozen=True, eq=False)
class Reader:
    """A model to train, with what turns texts into its inputs.

    Attributes:
        pad, mask: the tokens that fill and that hide; None where nothing hides.
        new_head: whether what guesses tokens has learnt nothing yet.
    """

    model: Any
    tokenizer: Tokenizer
    max_tokens: int
    pad: int
    mask: int | None
    new_head: bool


class Masked:
    """Guess hidden words."""

    def __init__(self, reader: Reader, learnt: Sequence[Window], settings: Settings) -> None:
        self._reader, self._learnt, self._settings = reader, learnt, settings
        _set_dropout(reader.model, 0.0)

    def made(self, step: int, rows: NDArray[np.int64]) -> Batch:
        """Rows with words hidden by the step's own numbers; `places` in the flattened batch."""
        rng = np.random.default_rng((self._settings.seed, step))
        vocabulary = self._reader.tokenizer.get_vocab_size()
        pairs = [
            hidden(self._learnt[row], mask=self._reader.mask or 0, vocabulary=vocabulary, rng=rng)
            for row in rows
        ]
        batch = padded([ids for ids, _ in pairs], pad=self._reader.pad)
        longest = batch["input_ids"].shape[1]
        places = [longest * at + np.flatnonzero(chosen) for at, (_, chosen) in enumerate(pairs)]
        told = [self._learnt[row].ids for row in rows]
        truth = [ids[chosen] for ids, (_, chosen) in zip(told, pairs, strict=True)]
        return {
            **batch,
            "places": torch.from_numpy(np.concatenate(places)),
            "truth": torch.from_numpy(np.concatenate(truth)),
        }

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:  # noqa: ANN401
        """The mean cross-entropy of the hidden tokens."""
        states = model.base_model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
        ).last_hidden_state
        chosen = states.flatten(0, 1)[batch["places"]]
        return functional.cross_entropy(guesses(model, chosen), batch["truth"])

    def measured(self, judged: Sequence[Window]) -> dict[str, Any]:
        """Pseudo-perplexity, and that of guessing by the frequency of tokens alone."""
        found = pseudo_perplexity(
            self._reader.model,
            judged,
            mask=self._reader.mask or 0,
            pad=self._reader.pad,
            seed=self._settings.seed,
        )
        common = unigram_perplexity(
            self._learnt, judged, vocabulary=self._reader.tokenizer.get_vocab_size()
        )
        return {"pseudo_perplexity": _rounded(asdict(found)), "by_frequency": round(common, 4)}


class Twins:
    """Find a text's twin among those of its batch."""

    def __init__(self, reader: Reader, learnt: Sequence[Window], settings: Settings) -> None:
        self._reader, self._learnt, self._settings = reader, learnt, settings
        _set_dropout(reader.model, settings.dropout)

    def made(self, step: int, rows: NDArray[np.int64]) -> Batch:  # noqa: ARG002 - no chance here
        """Rows as they are."""
        return padded([self._learnt[row].ids for row in rows], pad=self._reader.pad)

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:  # noqa: ANN401
        """That of finding twins among the batch."""
        first, second = self._twins(model, batch)
        return twin_loss(first, second, temperature=self._settings.temperature)

    def measured(self, judged: Sequence[Window]) -> dict[str, Any]:
        """Alignment of twins through dropout, uniformity without it."""
        model = self._reader.model
        device = next(model.parameters()).device
        torch.manual_seed(self._settings.seed)
        first: list[torch.Tensor] = []
        second: list[torch.Tensor] = []
        calm: list[torch.Tensor] = []
        ordered = sorted(judged, key=lambda each: len(each.ids))
        with torch.inference_mode():
            for start in range(0, len(ordered), self._settings.batch):
                rows = [each.ids for each in ordered[start : start + self._settings.batch]]
                batch = {k: v.to(device) for k, v in padded(rows, pad=self._reader.pad).items()}
                for into, vectors in zip(
                    (first, second), self._twins(model.train(), batch), strict=True
                ):
                    into.append(vectors)
                states = model.eval()(**batch).last_hidden_state
                calm.append(mean_pooled(states, batch["attention_mask"]))
        return _rounded(
            {
                "alignment": alignment(torch.cat(first), torch.cat(second)),
                "uniformity": uniformity(torch.cat(calm)),
                "texts": len(judged),
            }
        )

    def _twins(self, model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ANN401
        """Both readings in one pass, each row with a dropout of its own."""
        doubled = {name: torch.cat([each, each]) for name, each in batch.items()}
        states = model(**doubled).last_hidden_state
        first, second = mean_pooled(states, doubled["attention_mask"]).chunk(2)
        return first, second


def _set_dropout(model: torch.nn.Module, chance: float) -> None:
    """In the model as it is trained; its config.json keeps saying what it was made with."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = chance


def _rounded(numbers: dict[str, Any]) -> dict[str, Any]:
    return {key: round(n, 4) if isinstance(n, float) else n for key, n in numbers.items()}
