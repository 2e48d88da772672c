"""Fine-tuning of a text encoder with a head, for classes or for a number.

It ties the parts together: texts become batches, `methods` says what learns, `steps` takes the
steps, and the head is calibrated on the validation as it will be served. It knows nothing of files
of texts or of searches.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import softmax
from sklearn.metrics import f1_score
from tokenizers import Tokenizer

from finstrat.errors import DataError
from finstrat.models import value_heads
from finstrat.models.heads import Head, as_json, fitted_temperature, load_head, measure
from finstrat.models.labelled import Task, require_apart
from finstrat.models.losses import importance, text_losses
from finstrat.models.methods import HEAD_SCALE, Learner, outputs_of
from finstrat.models.steps import Judge, Pace, length_batches, train
from finstrat.models.tuning import GREATER
from finstrat.text.adapter import ADAPTER_CONFIG
from finstrat.text.checkpoint import checkpoint_digest
from finstrat.text.encode import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.models.steps import Batch, Course
    from finstrat.models.tuning import Tuning

_FAREST = 500  # steps from one checkpoint to the next
_LOOKED_AT = 64  # texts of the validation at a time


@dataclass(frozen=True, eq=False)
class Examples:
    """Cleaned texts with what is to be learnt of them.

    Attributes:
        texts: D of them. targets: class numbers int64 or values float64, `[D]`.
        weights: how much each counts, on any scale, `[D]`.
    """

    texts: tuple[str, ...]
    targets: NDArray[Any]
    weights: NDArray[np.float64]

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        found = hashlib.sha256("\n".join(self.texts).encode())
        found.update(self.targets.tobytes() + self.weights.tobytes())
        return found.hexdigest()


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is to be learnt, and from what.

    Attributes:
        encoder: the directory of the encoder.
        train, validation: no text stands in both; without a validation nothing is calibrated.
        classes: in the order of the numbers; (`value`,) in a regression.
    """

    encoder: Path
    train: Examples
    validation: Examples | None
    classes: tuple[str, ...]
    task: Task = "classification"

    def __post_init__(self) -> None:
        if self.validation is not None:
            require_apart(self.train.texts, self.validation.texts, where="validation")

    def plan(self, tuning: Tuning) -> dict[str, Any]:
        """All that the weights follow from, as plain data."""
        return {
            "settings": asdict(tuning),
            "encoder": checkpoint_digest(self.encoder),
            "train": self.train.digest,
            "validation": self.validation.digest if self.validation else None,
            "classes": list(self.classes),
            "task": self.task,
            "threads": torch.get_num_threads(),  # of which sums on a CPU depend
        }


@dataclass(frozen=True, eq=False)
class Tuned:
    """What came of a tuning, besides the files.

    Attributes:
        head: calibrated, with what is known of the training as its card.
        course: how the training went.
    """

    head: Head
    course: Course


def tune(
    lesson: Lesson,
    tuning: Tuning,
    *,
    work: Path,
    out: Path,
    report_to: Sequence[str] = (),
    told: Callable[[int, float], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tuned:
    """Write the tuned encoder, or what was added to it, and the head into `out`.

    `work` keeps checkpoints, for the same call to go on from. `told` hears each look at the
    validation and may raise.

    Raises:
        ConfigError: a setting is out of range, a library is missing, the method doesn't fit the
            encoder, or `work` holds another training.
        DataError: the encoder can't be used, or a text has no tokens.
    """
    tuning = tuning.resolved(lesson.task)
    tokens = tokenized(lesson.encoder, lesson.train.texts, limit=tuning.max_tokens)
    batches = length_batches(
        [len(ids) for ids in tokens], tuning.batch, epochs=tuning.epochs, seed=tuning.seed
    )
    each_epoch = math.ceil(len(tokens) / (tuning.batch * tuning.accumulate))
    learner = Learner(
        lesson.encoder,
        tuning,
        outputs=outputs_of(lesson.task, len(lesson.classes)),
        steps=math.ceil(len(batches) / tuning.accumulate),
    )
    scale = _Scale.of(lesson)
    targets = torch.from_numpy(scale.inward(lesson.train.targets))
    counted = importance(
        lesson.train.weights,
        lesson.train.targets,
        task=lesson.task,
        class_weights=tuning.class_weights,
    )
    weights = torch.from_numpy(counted).float()

    def made(_: int, rows: NDArray[np.int64]) -> Batch:
        chosen = torch.from_numpy(rows)
        padded = padded_batch([tokens[row] for row in rows])
        return {**padded, "target": targets[chosen], "weight": weights[chosen]}

    def loss(model: Learner, batch: Batch) -> torch.Tensor:
        outputs = model(batch["ids"], batch["mask"])
        losses = text_losses(
            outputs, batch["target"], task=lesson.task, label_smoothing=tuning.label_smoothing
        )
        total: torch.Tensor = (losses * batch["weight"]).mean() + model.penalty()
        return total

    course = train(
        learner,
        batches,
        made=made,
        loss=loss,
        pace=Pace(
            learning_rate=tuning.learning_rate or 0.0,
            weight_decay=tuning.weight_decay,
            schedule=tuning.schedule,
            warmup=tuning.warmup,
            clip=tuning.clip,
            accumulate=tuning.accumulate,
            checkpoint=min(each_epoch, _FAREST),
            precision=tuning.precision,
        ),
        seed=tuning.seed,
        work=work,
        plan=lesson.plan(tuning),
        optimizer=_optimizer(learner, tuning),
        judge=_judge(learner, lesson, tuning, scale, told),
        after_step=learner.after_step,
        report_to=report_to,
        progress=progress,
    )
    learner.save(out)
    head = _calibrated(learner, lesson, scale, out)
    head.save(out)
    return Tuned(head, course)


def tokenized(encoder: Path, texts: Sequence[str], *, limit: int) -> list[list[int]]:
    """The tokens of each text, cut after `limit`.

    Raises:
        DataError: a text without tokens.
    """
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    if not all(ids):
        raise DataError(f"text {[*map(bool, ids)].index(False)} has no tokens; drop empty texts")
    return ids


def padded_batch(rows: Sequence[Sequence[int]]) -> Batch:
    """Rows of tokens as `ids` and `mask`, both int64 `[rows, longest]`."""
    longest = max(map(len, rows))
    return {
        "ids": torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows]),
        "mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows]),
    }


def figures(outputs: NDArray[np.float64], truth: NDArray[Any], *, task: Task) -> dict[str, float]:
    """What a training is judged by: `finstrat.models.tuning.METRICS` of outputs `[D, K]`."""
    if task == "regression":
        return value_heads.figures(outputs[:, 0], truth)
    chances = softmax(outputs, axis=1)
    said = outputs.argmax(axis=1)
    names = np.arange(outputs.shape[1])
    return {
        "loss": float(-np.log(np.maximum(chances[np.arange(len(truth)), truth], 1e-12)).mean()),
        "accuracy": float((said == truth).mean()),
        "macro_f1": float(f1_score(truth, said, average="macro", labels=names, zero_division=0)),
    }


@dataclass(frozen=True)
class _Scale:
    """A regression learns values of mean 0 and deviation 1; classes stay what they are."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, lesson: Lesson) -> _Scale:
        values = lesson.train.targets
        if lesson.task == "classification":
            return cls(0.0, 1.0)
        if not np.ptp(values):
            raise DataError(f"every label is {values[0]:g}; nothing can be learnt")
        return cls(float(values.mean()), float(values.std()))

    def inward(self, targets: NDArray[Any]) -> NDArray[Any]:
        if targets.dtype == np.int64:
            return targets
        return (targets - self.mean) / self.deviation


def _optimizer(learner: Learner, tuning: Tuning) -> torch.optim.Optimizer:
    head = list(learner.head.parameters())
    body = [each for name, each in learner.learning.items() if not name.startswith("head.")]
    groups: list[dict[str, Any]] = [
        {"params": body, "lr": tuning.learning_rate},
        {"params": head, "lr": tuning.head_learning_rate},
    ]
    if tuning.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, weight_decay=tuning.weight_decay)
    return torch.optim.AdamW(groups, weight_decay=tuning.weight_decay, fused=True)


def _judge(
    learner: Learner,
    lesson: Lesson,
    tuning: Tuning,
    scale: _Scale,
    told: Callable[[int, float], None] | None,
) -> Judge | None:
    unseen = lesson.validation
    if unseen is None:
        return None
    tokens = tokenized(lesson.encoder, unseen.texts, limit=tuning.max_tokens)
    order = np.argsort([len(ids) for ids in tokens], kind="stable")
    truth = unseen.targets

    def look() -> Mapping[str, float]:
        outputs = np.empty((len(order), learner.head.out_features))
        device = learner.head.weight.device
        for start in range(0, len(order), _LOOKED_AT):
            rows = order[start : start + _LOOKED_AT]
            batch = padded_batch([tokens[row] for row in rows])
            outputs[rows] = learner(batch["ids"].to(device), batch["mask"].to(device)).cpu()
        if lesson.task == "regression":
            outputs = outputs * scale.deviation + scale.mean
        return figures(outputs, truth, task=lesson.task)

    metric = str(tuning.metric)
    return Judge(look, metric, greater=metric in GREATER, patience=tuning.patience, told=told)


def _calibrated(learner: Learner, lesson: Lesson, scale: _Scale, out: Path) -> Head:
    """The head, with a temperature that fits the validation as `out` will serve it."""
    weight = learner.head.weight.detach().cpu().double() * HEAD_SCALE * scale.deviation
    bias = learner.head.bias.detach().cpu().double() * scale.deviation + scale.mean
    card: dict[str, Any] = {
        "task": lesson.task,
        "method": learner.tuning.method,
        "encoder": {"name": lesson.encoder.name, "sha256": checkpoint_digest(lesson.encoder)},
    }
    learnt = learner.parameters_learning()
    training: dict[str, Any] = {
        **asdict(learner.tuning),
        "texts": len(lesson.train.texts),
        "learning": learnt,
        "share": round(learnt / _numbers(learner), 5),
    }
    head = Head(weight, bias, lesson.classes, {**card, "training": training})
    unseen = lesson.validation
    if unseen is None:
        return head
    outputs = head.logits(_reader(lesson, out).encode(unseen.texts).vectors).numpy()
    temperature = 1.0
    if lesson.task == "classification":
        temperature = fitted_temperature(outputs, unseen.targets)
        training["temperature"] = temperature
    development = {"validation": _quality(outputs / temperature, unseen, lesson)}
    return Head(
        weight / temperature,
        bias / temperature,
        lesson.classes,
        {**card, "training": training, "development": development},
    )


def judged(out: Path, unseen: Examples, lesson: Lesson) -> dict[str, Any]:
    """The figures of the finished model in `out` on texts that it hasn't seen, as a card's."""
    outputs = load_head(out).logits(_reader(lesson, out).encode(unseen.texts).vectors).numpy()
    return _quality(outputs, unseen, lesson)


def joined(parts: Sequence[Examples]) -> Examples:
    """All of them; of a text that stands twice, the first."""
    texts = [text for part in parts for text in part.texts]
    first = sorted({text: place for place, text in reversed([*enumerate(texts)])}.values())
    return Examples(
        tuple(texts[place] for place in first),
        np.concatenate([part.targets for part in parts])[first],
        np.concatenate([part.weights for part in parts])[first],
    )


def _quality(outputs: NDArray[np.float64], unseen: Examples, lesson: Lesson) -> dict[str, Any]:
    if lesson.task == "regression":
        return value_heads.as_json(outputs[:, 0], unseen.targets)
    return as_json(measure(softmax(outputs, axis=1), unseen.targets))


def _reader(lesson: Lesson, out: Path) -> Encoder:
    """The encoder as the model in `out` will be served."""
    own = not (out / ADAPTER_CONFIG).is_file()
    return Encoder(out if own else lesson.encoder, adapter=None if own else out)


def _numbers(learner: Learner) -> int:
    """Numbers of the encoder as it was, without what was added."""
    added = learner.parameters_learning() if learner.tuning.method not in {"full", "frozen"} else 0
    return int(sum(each.numel() for each in learner.encoder.parameters())) - added
