"""An encoder that goes on reading a corpus, or starts with it.

The result is a directory like that of any encoder: config.json, tokenizer.json, model.safetensors;
until when it has read says its card, see `encoder_card`. How steps are taken is `steps`; what is
learnt is `objectives`.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from finstrat.errors import ConfigError, DataError
from finstrat.models.masked import load_masked, windows
from finstrat.models.objectives import Masked, Reader, Settings, Twins
from finstrat.models.scratch import Shape, trained_tokenizer, untrained
from finstrat.models.steps import Pace, length_batches, train
from finstrat.text.bert import first_place
from finstrat.text.checkpoint import checkpoint_digest, load_tokenizer, without_notices
from finstrat.text.encode import load_encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from finstrat.models.corpus import Corpus

BESIDE = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("vocab.txt", "merges.txt", "sentence_bert_config.json"),
)
"""What belongs to an encoder besides its weights, and goes with them."""
_RATES = {"mlm": 1e-4, "simcse": 3e-5}
_FRESH_RATE = 5e-4  # of weights that have learnt nothing
_JUDGED = {"mlm": 200, "simcse": 1_000}
"""Held-out texts that are looked at."""


@dataclass(frozen=True, eq=False)
class Pretrained:
    """An encoder that has read.

    Attributes:
        report: what was done and measured, plain data.
    """

    report: dict[str, Any]
    reader: Reader
    start: Path | None

    def save(self, directory: Path) -> None:
        """Write `model.safetensors`, `config.json` and the tokenizer, the start's or a new one."""
        with without_notices():
            self.reader.model.save_pretrained(directory)
        if self.start is None:
            _save_tokenizer(self.reader, directory)
            return
        for name in BESIDE:
            if (self.start / name).is_file():
                shutil.copyfile(self.start / name, directory / name)


def pretrain(
    corpus: Corpus,
    start: Path | Shape,
    settings: Settings,
    *,
    work: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Pretrained:
    """The encoder after it has read the corpus.

    `start` is an encoder's directory, or the shape of a new one. `work` keeps checkpoints, for the
    same call to go on from.

    Raises:
        ConfigError: a new encoder and simcse, or `work` holds another training.
        DataError: the encoder can't be used.
    """
    if settings.learning_rate is None:
        rate = _FRESH_RATE if isinstance(start, Shape) else _RATES[settings.objective]
        settings = replace(settings, learning_rate=rate)
    reader = _new(corpus, start, settings) if isinstance(start, Shape) else _read(start, settings)
    settings = replace(settings, max_tokens=reader.max_tokens)
    if not torch.cuda.is_available():
        # The backward pass of the CPU's fused attention takes three times the plain one's.
        reader.model.set_attn_implementation("eager")
    learnt, judged = (
        windows(reader.tokenizer, texts, limit=reader.max_tokens)
        for texts in (corpus.texts, corpus.held_out)
    )
    drawn = np.random.default_rng(settings.seed).permutation(len(judged))
    judged = [judged[place] for place in drawn[: _JUDGED[settings.objective]]]
    task = (Masked if settings.objective == "mlm" else Twins)(reader, learnt, settings)
    before = task.measured(judged)
    batches = length_batches(
        [len(each.ids) for each in learnt],
        settings.batch,
        epochs=settings.epochs,
        seed=settings.seed,
    )
    done = {
        "settings": asdict(settings),
        "start": (
            asdict(start) if isinstance(start, Shape) else {"sha256": checkpoint_digest(start)}
        ),
        "new_head": reader.new_head,
        "steps": len(batches),
    }
    train(
        reader.model,
        batches,
        made=task.made,
        loss=task.loss,
        pace=Pace(learning_rate=settings.learning_rate or 0.0, checkpoint=settings.checkpoint),
        seed=settings.seed,
        work=work,
        plan={**done, "texts": hashlib.sha256("\n".join(corpus.texts).encode()).hexdigest()},
        progress=progress,
    )
    after = task.measured(judged)
    return Pretrained(
        report={**done, "windows": len(learnt), "before": before, "after": after},
        reader=reader,
        start=None if isinstance(start, Shape) else start,
    )


def _new(corpus: Corpus, shape: Shape, settings: Settings) -> Reader:
    if settings.objective != "mlm":
        raise ConfigError(
            "--from-scratch: an encoder that has read nothing learns by --objective mlm first; "
            "then give --encoder with what came of it"
        )
    tokenizer = trained_tokenizer(corpus.texts, vocabulary=shape.vocabulary)
    marks = {each: tokenizer.token_to_id(each) or 0 for each in ("[PAD]", "[MASK]")}
    return Reader(
        model=untrained(tokenizer, shape, positions=settings.max_tokens, seed=settings.seed),
        tokenizer=tokenizer,
        max_tokens=settings.max_tokens,
        pad=marks["[PAD]"],
        mask=marks["[MASK]"],
        new_head=True,
    )


def _read(directory: Path, settings: Settings) -> Reader:
    named = load_tokenizer(directory)
    if settings.objective == "mlm":
        model, new_head = load_masked(directory)
    else:
        model, new_head = load_encoder(directory), False
    if settings.objective == "mlm" and named.mask_token_id is None:
        raise DataError(f"{directory}: its tokenizer has no token that hides others; use simcse")
    room = int(model.config.max_position_embeddings) - first_place(model)
    return Reader(
        model=model,
        tokenizer=Tokenizer.from_file(str(directory / "tokenizer.json")),
        max_tokens=min(settings.max_tokens, room),
        pad=named.pad_token_id or 0,
        mask=named.mask_token_id,
        new_head=new_head,
    )


def _save_tokenizer(reader: Reader, directory: Path) -> None:
    reader.tokenizer.no_truncation()
    marks = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=reader.tokenizer, model_max_length=reader.max_tokens, **marks
    ).save_pretrained(directory)
