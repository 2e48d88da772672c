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
from typing import TYPE_CHECKING, Any, Literal

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

    from finstrat.text.encode import DType

Batch = dict[str, torch.Tensor]
Schedule = Literal["cosine", "linear", "constant"]
_SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
_PLAN = "plan.json"
_STATE = "trainer_state.json"
"""What a checkpoint ends with: without it, its writing was broken off."""
_NUMBER = "number"
"""The number of a batch, in the batch."""
_LOGGED = 50
"""Times in a training that a tracker is told of the loss."""


@dataclass(frozen=True)
class Pace:
    """How fast weights move, and how often they are kept.

    Attributes:
        learning_rate: its peak, warmed up and then let down by the schedule; of AdamW, unless
            `train` is given an optimizer, which has its own.
        weight_decay: AdamW's.
        schedule: how the rate goes to zero, or that it stays.
        warmup: share of the steps in which the rate rises.
        clip: the gradient's greatest norm.
        accumulate: batches a step.
        checkpoint: steps from one checkpoint to the next.
        precision: of the products; `auto` = bf16 where it is quick.
    """

    learning_rate: float
    weight_decay: float = 0.01
    schedule: Schedule = "cosine"
    warmup: float = 0.1
    clip: float = 1.0
    accumulate: int = 1
    checkpoint: int = 500
    precision: DType = "auto"


@dataclass(frozen=True, eq=False)
class Judge:
    """Who looks at the model at every checkpoint, and says which was best.

    Attributes:
        measure: the figures of the model as it is.
        metric: which of them counts. greater: whether more of it is better.
        patience: checkpoints without a better one after which training ends; None = never.
        told: is told of the number of the look and the metric's value, and may raise.
    """

    measure: Callable[[], Mapping[str, float]]
    metric: str
    greater: bool
    patience: int | None = None
    told: Callable[[int, float], None] | None = None


@dataclass(frozen=True)
class Course:
    """What came of a training.

    Attributes:
        steps: taken in all. resumed: the step from which this call went on, 0 for the beginning.
        best: the step whose weights the model has now.
        looks: the judge's figures, each with its `step`.
    """

    steps: int
    resumed: int
    best: int
    looks: tuple[dict[str, float], ...]


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
    judge: Judge | None = None,
    after_step: Callable[[int], None] | None = None,
    report_to: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Course:
    """Train `model` in place, a step every `pace.accumulate` batches.

    `made` turns a batch's number and rows into a batch; `loss` is of the model and a batch. `work`
    keeps the checkpoints and `plan`, what the training is: a second call with the same plan goes on
    from the last whole checkpoint there. The caller removes `work` once the result is written.
    With a `judge` the model ends with the weights that it found best. `after_step` is called
    between a step and the forgetting of its gradients. `report_to` are trackers by transformers'
    names. Runs on a GPU where there is one; bf16 where it is quick.

    Raises:
        ConfigError: `work` holds a training of another plan, or accelerate or a tracker isn't
            installed.
    """
    if find_spec("accelerate") is None:
        raise ConfigError(
            "training needs accelerate; install finstrat with its extra: pip install "
            "'finstrat[train]'"
        )
    _claim(work, plan)
    steps = math.ceil(len(batches) / pace.accumulate)
    arguments = TrainingArguments(
        output_dir=str(work),
        per_device_train_batch_size=1,  # an item is a batch
        gradient_accumulation_steps=pace.accumulate,
        num_train_epochs=1,
        learning_rate=pace.learning_rate,
        weight_decay=pace.weight_decay,
        max_grad_norm=pace.clip,
        lr_scheduler_type=_SCHEDULES[pace.schedule],
        warmup_steps=math.ceil(steps * pace.warmup),
        optim="adamw_torch_fused",
        save_strategy="steps",
        save_steps=pace.checkpoint,
        save_total_limit=2,
        logging_strategy="steps" if report_to else "no",
        logging_steps=max(1, steps // _LOGGED),
        report_to=list(report_to) or "none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        seed=seed,
        eval_strategy="steps" if judge else "no",
        eval_steps=pace.checkpoint,
        load_best_model_at_end=judge is not None,
        metric_for_best_model=judge.metric if judge else None,
        greater_is_better=judge.greater if judge else None,
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # noqa: SLF001 - a batch can't be cut across GPUs
    callbacks: list[TrainerCallback] = [_Told(progress)] if progress else []
    callbacks += [_AfterStep(after_step)] if after_step else []
    callbacks += [_Patience(judge)] if judge else []
    start = last_checkpoint(work)
    try:
        trainer = _Steps(
            model=model,
            arguments=arguments,
            batches=_Batches(batches, made),
            loss=loss,
            judge=judge,
            callbacks=callbacks,
            optimizer=optimizer,
            precision=pace.precision,
        )
    except (RuntimeError, ImportError, ValueError) as error:
        if not report_to:
            raise
        raise ConfigError(f"report_to {', '.join(report_to)}: {error}") from error
    trainer.remove_callback(PrinterCallback)
    with without_notices():
        trainer.train(resume_from_checkpoint=str(start.path) if start else None)
    model.eval()
    state = trainer.state
    return Course(
        steps=state.global_step,
        resumed=start.step if start else 0,
        best=state.best_global_step or state.global_step,
        looks=_looks(state),
    )


class _Batches(Dataset[Batch]):
    """Batches by their number, which goes with each."""

    def __init__(
        self,
        batches: Sequence[NDArray[np.int64]],
        made: Callable[[int, NDArray[np.int64]], Batch],
    ) -> None:
        self._batches, self._made = batches, made

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> Batch:
        return {**self._made(number, self._batches[number]), _NUMBER: torch.tensor(number)}


class _Steps(Trainer):
    """The Trainer in the order of the batches, with each one's own seed."""

    def __init__(
        self,
        *,
        model: Any,  # noqa: ANN401
        arguments: TrainingArguments,
        batches: _Batches,
        loss: Callable[[Any, Batch], torch.Tensor],
        judge: Judge | None,
        callbacks: list[TrainerCallback],
        optimizer: torch.optim.Optimizer | None,
        precision: DType,
    ) -> None:
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=batches,
            eval_dataset=batches if judge else None,  # which is never read: see `evaluate`
            data_collator=lambda items: items[0],
            callbacks=callbacks,
            optimizers=(optimizer, None),
        )
        self._batches, self._loss, self._judge = batches, loss, judge
        bf16 = resolve_dtype(precision, device=self.args.device) == "bf16"
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
        torch.manual_seed((self.args.seed << 32) + int(inputs.pop(_NUMBER)))
        with self._precision:
            return self._loss(model, inputs)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:  # noqa: ANN401 - the Trainer's own
        assert self._judge is not None
        assert self.model is not None
        self.model.eval()
        with torch.inference_mode(), self._precision:
            figures = {f"eval_{name}": value for name, value in self._judge.measure().items()}
        self.model.train()
        self.log(figures)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, figures
        )
        return figures


class _Told(TrainerCallback):
    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        self._progress(state.global_step, state.max_steps)


class _AfterStep(TrainerCallback):
    def __init__(self, work: Callable[[int], None]) -> None:
        self._work = work

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        self._work(state.global_step)


class _Patience(TrainerCallback):
    """Ends a training that gets no better; it knows the looks from the log, resumed or not."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        looks = [each[self._judge.metric] for each in _looks(state)]
        if self._judge.told is not None:
            self._judge.told(len(looks) - 1, looks[-1])
        best = looks.index((max if self._judge.greater else min)(looks))
        if self._judge.patience is not None and len(looks) - 1 - best >= self._judge.patience:
            control.should_training_stop = True


def _looks(state: Any) -> tuple[dict[str, float], ...]:  # noqa: ANN401 - the Trainer's own
    return tuple(
        {
            "step": each["step"],
            **{
                name.removeprefix("eval_"): value
                for name, value in each.items()
                if name.startswith("eval_")
            },
        }
        for each in state.log_history
        if any(name.startswith("eval_") for name in each)
    )


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


@dataclass(frozen=True)
class Checkpoint:
    """Where a training that was broken off can go on, and after how many steps."""

    path: Path
    step: int


def last_checkpoint(work: Path) -> Checkpoint | None:
    """The checkpoint with the most steps; those whose writing was broken off are removed."""
    found = []
    for path in work.glob("checkpoint-*"):
        try:
            step = int(json.loads((path / _STATE).read_bytes())["global_step"])
            found.append(Checkpoint(path, step))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(path)
    return max(found, key=lambda each: each.step, default=None)
