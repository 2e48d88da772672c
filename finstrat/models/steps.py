"""Training as a list of steps, by transformers' Trainer, that goes on after it was killed.

Each step's batch and its random numbers follow from the seed and the step's number alone, so a
training that was killed and goes on from a checkpoint ends with the weights of one that wasn't: bit
for bit on a CPU. It knows neither texts nor objectives.
"""

from __future__ import annotations

import json
import math
import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset, SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from finstrat.errors import ConfigError
from finstrat.text.checkpoint import without_notices
from finstrat.text.encode import resolve_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Batch = dict[str, torch.Tensor]
_PLAN = "plan.json"
_STATE = "trainer_state.json"
"""What a checkpoint ends with: without it, its writing was broken off."""


@dataclass(frozen=True)
class Pace:
    """How fast weights move, and how often they are kept.

    Attributes:
        learning_rate: its peak; warmed up over a tenth of the steps, then to zero along a cosine;
            of AdamW, unless `train` is given an optimizer, which has its own.
        weight_decay: AdamW's.
        clip: the gradient's greatest norm.
        checkpoint: steps from one checkpoint to the next.
    """

    learning_rate: float
    weight_decay: float = 0.01
    clip: float = 1.0
    checkpoint: int = 500


def length_batches(
    lengths: Sequence[int], size: int, *, epochs: int, seed: int
) -> list[NDArray[np.int64]]:
    """All batches of a training: rows of similar length, in random order, others in each epoch."""
    batches = []
    for epoch in range(epochs):
        rng = np.random.default_rng((seed, epoch))
        noisy = np.asarray(lengths) * rng.uniform(0.8, 1.25, len(lengths))
        order = np.argsort(noisy, kind="stable")
        cut = [order[start : start + size] for start in range(0, len(order), size)]
        batches += [cut[place] for place in rng.permutation(len(cut))]
    return batches


def train(
    model: Any,  # noqa: ANN401 - transformers' own
    batches: Sequence[NDArray[np.int64]],
    *,
    made: Callable[[int, NDArray[np.int64]], Batch],
    loss: Callable[[Any, Batch], torch.Tensor],
    pace: Pace,
    seed: int,
    work: Path,
    plan: Mapping[str, Any],
    optimizer: torch.optim.Optimizer | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train `model` in place, a step a batch.

    `made` turns a step's number and rows into a batch; `loss` is of the model and a batch. `work`
    keeps the checkpoints and `plan`, what the training is: a second call with the same plan goes on
    from the last whole checkpoint there. The caller removes `work` once the result is written.
    Runs on a GPU where there is one; bf16 where it is quick.

    Raises:
        ConfigError: `work` holds a training of another plan, or accelerate isn't installed.
    """
    if find_spec("accelerate") is None:
        raise ConfigError(
            "training needs accelerate; install finstrat with its extra: pip install "
            "'finstrat[train]'"
        )
    _claim(work, plan)
    arguments = TrainingArguments(
        output_dir=str(work),
        per_device_train_batch_size=1,  # an item is a batch
        num_train_epochs=1,
        learning_rate=pace.learning_rate,
        weight_decay=pace.weight_decay,
        max_grad_norm=pace.clip,
        lr_scheduler_type="cosine",
        warmup_steps=math.ceil(len(batches) / 10),
        optim="adamw_torch_fused",
        save_strategy="steps",
        save_steps=pace.checkpoint,
        save_total_limit=2,
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        seed=seed,
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # noqa: SLF001 - a batch can't be cut across GPUs
    trainer = _Steps(
        model=model,
        arguments=arguments,
        batches=_Batches(batches, made),
        loss=loss,
        told=[_Told(progress)] if progress else [],
        optimizer=optimizer,
    )
    trainer.remove_callback(PrinterCallback)
    with without_notices():
        trainer.train(resume_from_checkpoint=_last_whole(work))
    model.eval()


class _Batches(Dataset[Batch]):
    def __init__(
        self,
        batches: Sequence[NDArray[np.int64]],
        made: Callable[[int, NDArray[np.int64]], Batch],
    ) -> None:
        self._batches, self._made = batches, made

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, step: int) -> Batch:
        return self._made(step, self._batches[step])


class _Steps(Trainer):
    """The Trainer in the order of the steps, with each step's own seed."""

    def __init__(
        self,
        *,
        model: Any,  # noqa: ANN401
        arguments: TrainingArguments,
        batches: _Batches,
        loss: Callable[[Any, Batch], torch.Tensor],
        told: list[TrainerCallback],
        optimizer: torch.optim.Optimizer | None,
    ) -> None:
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=batches,
            data_collator=lambda items: items[0],
            callbacks=told,
            optimizers=(optimizer, None),
        )
        self._batches, self._loss = batches, loss
        bf16 = resolve_dtype("auto", device=self.args.device) == "bf16"
        self._precision = (
            torch.autocast(self.args.device.type, torch.bfloat16) if bf16 else nullcontext()
        )

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:  # noqa: ANN401, ARG002
        return SequentialSampler(self._batches)

    def compute_loss(
        self,
        model: Any,  # noqa: ANN401
        inputs: Batch,
        return_outputs: bool = False,  # noqa: ARG002, FBT001, FBT002 - the Trainer's own
        num_items_in_batch: Any = None,  # noqa: ANN401, ARG002
    ) -> torch.Tensor:
        torch.manual_seed((self.args.seed << 32) + self.state.global_step)
        with self._precision:
            return self._loss(model, inputs)


class _Told(TrainerCallback):
    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        self._progress(state.global_step, state.max_steps)


def _claim(work: Path, plan: Mapping[str, Any]) -> None:
    """Make `work` this training's own, or see that it is."""
    text = json.dumps(plan, indent=1, sort_keys=True).encode() + b"\n"
    path = work / _PLAN
    if path.is_file() and path.read_bytes() != text:
        raise ConfigError(
            f"{work}: holds a training that was broken off, of other texts or options; give the "
            "same command again to end it, or remove the directory to start anew"
        )
    work.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(text)
    unfinished.replace(path)


def _last_whole(work: Path) -> str | None:
    """The checkpoint with the most steps; those whose writing was broken off are removed."""
    found = {}
    for path in work.glob("checkpoint-*"):
        try:
            found[int(json.loads((path / _STATE).read_bytes())["global_step"])] = path
        except (OSError, ValueError, KeyError):
            shutil.rmtree(path)
    return str(found[max(found)]) if found else None
