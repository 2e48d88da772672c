"""How an encoder is fine-tuned: one frozen set of settings, with defaults that fit each method.

It holds settings and says which are wrong; it knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from finstrat.errors import ConfigError, did_you_mean
from finstrat.models.steps import Schedule  # noqa: TC001 - pydantic reads the annotation
from finstrat.text.encode import DType  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from finstrat.models.labelled import Task

Method = Literal["full", "frozen", "lora", "adalora", "adapter", "prefix"]
METHODS: tuple[Method, ...] = get_args(Method)
METRICS: dict[Task, tuple[str, ...]] = {
    "classification": ("macro_f1", "accuracy", "loss"),
    "regression": ("rmse", "mae", "spearman"),
}
"""What a training can be judged by; the first by default."""
GREATER = frozenset({"macro_f1", "accuracy", "spearman"})
"""Of which more is better."""
_OF_CLASSES = frozenset({"class_weights", "label_smoothing"})
"""What says nothing of numbers."""


@dataclass(frozen=True)
class _Defaults:
    size: int
    learning_rate: float


_DEFAULTS: dict[Method, _Defaults] = {
    "full": _Defaults(0, 1e-4),
    "frozen": _Defaults(2, 2e-4),
    "lora": _Defaults(8, 1e-3),
    "adalora": _Defaults(8, 3e-3),
    "adapter": _Defaults(32, 1e-3),
    "prefix": _Defaults(16, 1e-2),
}


@dataclass(frozen=True)
class Tuning:
    """How an encoder is fine-tuned.

    Attributes:
        method: which weights learn: all (`full`), the top layers' (`frozen`), low-rank updates of
            one rank (`lora`) or of ranks that are dealt out by importance (`adalora`), bottlenecks
            beside the layers (`adapter`), or keys and values before the text (`prefix`). The head
            always learns.
        size: how many: layers of `frozen`, the rank of `lora`, the mean rank of `adalora`, the
            width of `adapter`, the tokens of `prefix`; None = by the method.
        epochs: passes over the data.
        learning_rate: its peak; None = by the method.
        head_learning_rate: the head's.
        optimizer: AdamW, or SGD with a momentum of 0.9.
        schedule: how the rates fall after the warm-up. warmup: share of the steps it takes.
        weight_decay: the optimizer's.
        dropout: in the encoder; 0 by default, since on a CPU its random numbers take time; its
            effect on accuracy wasn't measured.
        label_smoothing: share of the target spread over all classes.
        class_weights: `balanced` lets each class weigh the same, `none` each text.
        clip: the gradient's greatest norm.
        batch: texts at a time. accumulate: such batches a step.
        max_tokens: longer texts are cut there for training.
        metric: of the validation, by which the best epoch is kept; None = by the task.
        patience: looks at the validation without a better one after which training ends.
        precision: of the products; `auto` = bf16 where it is quick.
        seed: of initial weights, batches and dropout.
    """

    method: Method = "lora"
    size: int | None = None
    epochs: int = 3
    learning_rate: float | None = None
    head_learning_rate: float = 5e-3
    optimizer: Literal["adamw", "sgd"] = "adamw"
    schedule: Schedule = "cosine"
    warmup: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.0
    label_smoothing: float = 0.05
    class_weights: Literal["none", "balanced"] = "none"
    clip: float = 1.0
    batch: int = 32
    accumulate: int = 1
    max_tokens: int = 96
    metric: str | None = None
    patience: int | None = None
    precision: DType = "auto"
    seed: int = 0

    def resolved(self, task: Task) -> Tuning:
        """The same with every default filled in.

        Raises:
            ConfigError: a setting is out of its range.
        """
        usual = _DEFAULTS[self.method]
        found = replace(
            self,
            size=usual.size if self.size is None or self.method == "full" else self.size,
            learning_rate=self.learning_rate or usual.learning_rate,
            metric=self.metric or METRICS[task][0],
        )
        if found.metric not in METRICS[task]:
            raise ConfigError(
                f'metric "{found.metric}": expected one of {", ".join(METRICS[task])} for a {task}'
            )
        least = {"epochs": 1, "batch": 1, "accumulate": 1, "max_tokens": 3, "seed": 0}
        if found.method != "full":
            least["size"] = 1
        if found.patience is not None:
            least["patience"] = 1
        for name, bound in least.items():
            if getattr(found, name) < bound:
                raise ConfigError(f"{name} {getattr(found, name)}: expected at least {bound}")
        for name in ("warmup", "dropout", "label_smoothing"):
            if not 0 <= getattr(found, name) < 1:
                raise ConfigError(f"{name} {getattr(found, name)}: expected 0 or more, below 1")
        for name in ("learning_rate", "head_learning_rate", "clip"):
            if not getattr(found, name) > 0:
                raise ConfigError(f"{name} {getattr(found, name)}: expected a number above 0")
        return found


def tuning_of(settings: Mapping[str, Any]) -> Tuning:
    """The settings by their names, as text or as what they are.

    Raises:
        ConfigError: no setting is called so, or its value isn't of its kind.
    """
    names = [each.name for each in fields(Tuning)]
    for name in settings:
        if name not in names:
            hint = did_you_mean(name, names)
            raise ConfigError(
                f'no setting "{name}" of a tuning{hint}; there are {", ".join(names)}'
            )
    try:
        return TypeAdapter(Tuning).validate_python(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        where = first["loc"][0] if first["loc"] else "settings"
        raise ConfigError(f"{where} {first['input']!r}: {first['msg'].lower()}") from None


def require_no_classes(settings: Iterable[str], where: str) -> None:
    """See that no setting of classes is asked of a regression; `where` is told with its name in {}.

    Raises:
        ConfigError: one is.
    """
    told = sorted(_OF_CLASSES.intersection(settings))
    if told:
        raise ConfigError(
            f"{where.format(told[0])}: of classes, and a regression has none; leave it out"
        )
