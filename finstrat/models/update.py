"""A finished model learns from a newer period without forgetting the older ones.

Old texts are read again among the new (replay), and weights that mattered for the old are held
(elastic weight consolidation). What learns is what was tuned: the encoder, its LoRA, or the head
alone. Sources: Kirkpatrick et al. (2017), "Overcoming catastrophic forgetting in neural networks",
equation 3; Robins (1995), "Catastrophic forgetting, rehearsal and pseudorehearsal".
"""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional

from finstrat.errors import ConfigError, DataError
from finstrat.models.contrastive import mean_pooled
from finstrat.models.heads import Head
from finstrat.models.masked import padded
from finstrat.models.pretrain import BESIDE
from finstrat.models.steps import Batch, Pace, length_batches, train
from finstrat.text.adapter import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from finstrat.text.checkpoint import without_notices
from finstrat.text.encode import load_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.models.trained import Trained

Kind = Literal["full", "lora", "head"]
_SCALE = 10.0
"""Unit vectors make small logits; the head learns on this multiple of them."""
_RATES: dict[Kind, float] = {"full": 3e-5, "lora": 3e-4, "head": 0.0}
_IMPORTANCE_TEXTS = 500
"""Old texts that the weights' importance is taken from."""


@dataclass(frozen=True)
class Settings:
    """How a model is updated.

    Attributes:
        replay: share of the texts of each epoch that are old ones, drawn anew.
        ewc: how strongly weights are held; 0 = not.
        epochs: passes over the new texts. batch: texts a step.
        learning_rate: of the encoder or its LoRA; None = 3e-5, or 3e-4 for LoRA.
        head_learning_rate: of the head.
        max_tokens: longer texts are cut there for training.
        checkpoint: steps from one checkpoint to the next.
        seed: of all that is drawn.
    """

    replay: float = 0.5
    ewc: float = 0.0
    epochs: int = 2
    batch: int = 32
    learning_rate: float | None = None
    head_learning_rate: float = 1e-3
    max_tokens: int = 96
    checkpoint: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.replay < 1:
            raise ConfigError(f"--share {self.replay}: expected 0 or more, and less than 1")
        if not self.ewc >= 0:
            raise ConfigError(f"--ewc {self.ewc}: expected 0 or more")


@dataclass(frozen=True, eq=False)
class Lesson:
    """Texts with their classes as numbers, int64 `[D]`."""

    texts: list[str]
    targets: NDArray[np.int64]

    @classmethod
    def of_nothing(cls) -> Lesson:
        """No text at all."""
        return cls([], np.empty(0, dtype=np.int64))


class Learner(torch.nn.Module):
    """A finished model whose weights learn again.

    Attributes:
        kind: what learns besides the head: all of the encoder, its LoRA, or nothing.
    """

    def __init__(self, model: Trained) -> None:
        super().__init__()
        if not isinstance(model.head, Head):
            raise DataError(
                f"{model.directory}: a head of machines or trees can't learn on; train it anew on "
                "old and new texts by `finstrat model head`"
            )
        self.model = model
        self.kind: Kind = _kind(model)
        self.encoder = _learning_encoder(model, self.kind)
        self.head = torch.nn.Linear(model.head.weight.shape[1], model.head.weight.shape[0])
        with torch.no_grad():
            self.head.weight.copy_(model.head.weight / _SCALE)
            self.head.bias.copy_(model.head.bias)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Logits `[D, K]` float32."""
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.kind != "head"):
            vectors = mean_pooled(self.encoder(**inputs).last_hidden_state, batch["attention_mask"])
        with torch.autocast(vectors.device.type, enabled=False):
            logits: torch.Tensor = self.head(_SCALE * vectors)
        return logits

    @property
    def learning(self) -> dict[str, torch.nn.Parameter]:
        """The weights that learn, by name."""
        return {name: each for name, each in self.named_parameters() if each.requires_grad}

    def state_dict(self, *_: Any, **__: Any) -> dict[str, Any]:  # type: ignore[override] # noqa: ANN401 - torch's
        """What learns."""
        return {name: each.detach().contiguous() for name, each in self.learning.items()}

    def load_state_dict(
        self,
        state_dict: Any,  # noqa: ANN401 - torch's own
        strict: bool = True,  # noqa: ARG002, FBT001, FBT002 - torch's own
        assign: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> Any:  # noqa: ANN401
        """Take over what `state_dict` gave."""
        loaded = super().load_state_dict(state_dict, strict=False)
        loaded.missing_keys.clear()  # what doesn't learn is there already
        return loaded

    def save(self, directory: Path, *, card: dict[str, Any]) -> None:
        """Write a model of the same kind into `directory`."""
        weight = self.head.weight.detach().double().cpu() * _SCALE
        bias = self.head.bias.detach().double().cpu()
        Head(weight, bias, self.model.classes, card).save(directory)
        if self.kind == "lora":
            shutil.copyfile(self.model.directory / ADAPTER_CONFIG, directory / ADAPTER_CONFIG)
            save_file(_half(self.encoder), directory / ADAPTER_WEIGHTS)
        elif self.kind == "full":
            with without_notices():
                self.encoder.save_pretrained(directory)
            for name in BESIDE:
                if (self.model.encoder / name).is_file():
                    shutil.copyfile(self.model.encoder / name, directory / name)


def update(
    model: Trained,
    new: Lesson,
    old: Lesson,
    settings: Settings,
    *,
    work: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Learner:
    """The model after it has learnt `new`, reading `old` again as far as the settings say.

    `work` keeps checkpoints, for the same call to go on from.

    Raises:
        ConfigError: `work` holds another training, or the model's method can't be updated.
        DataError: there are no old texts to hold on to.
    """
    if not old.texts and (settings.replay or settings.ewc):
        raise DataError("there are no old texts to read again or to hold weights by; give --replay")
    torch.manual_seed(settings.seed)
    learner = Learner(model)
    texts = [*new.texts, *old.texts]
    targets = torch.from_numpy(np.concatenate([new.targets, old.targets]))
    tokens = _tokens(model.encoder, texts, limit=settings.max_tokens)
    held = _Held.of(learner, tokens[len(new.texts) :], settings) if settings.ewc else None

    def made(_: int, rows: NDArray[np.int64]) -> Batch:
        batch = padded([tokens[row] for row in rows], pad=0)
        return {**batch, "target": targets[torch.from_numpy(rows)]}

    def loss(learner: Learner, batch: Batch) -> torch.Tensor:
        found = functional.cross_entropy(learner(batch), batch["target"])
        return found if held is None else found + settings.ewc / 2 * held.distance(learner)

    rate = settings.learning_rate or _RATES[learner.kind]
    body = [each for name, each in learner.learning.items() if not name.startswith("head.")]
    groups = [
        {"params": body, "lr": rate},
        {"params": list(learner.head.parameters()), "lr": settings.head_learning_rate},
    ]
    train(
        learner,
        _batches([len(each) for each in tokens], len(new.texts), settings),
        made=made,
        loss=loss,
        pace=Pace(learning_rate=rate, checkpoint=settings.checkpoint),
        optimizer=torch.optim.AdamW(
            [g for g in groups if g["params"]], weight_decay=0.0, fused=True
        ),
        seed=settings.seed,
        work=work,
        plan={
            "settings": asdict(settings),
            "model": model.fingerprint,
            "texts": hashlib.sha256("\n".join(texts).encode()).hexdigest(),
            "targets": hashlib.sha256(targets.numpy().tobytes()).hexdigest(),
        },
        progress=progress,
    )
    return learner


@dataclass(frozen=True, eq=False)
class _Held:
    """Where weights were, and how much each mattered: the diagonal of Fisher's information."""

    start: dict[str, torch.Tensor]
    importance: dict[str, torch.Tensor]

    @classmethod
    def of(cls, learner: Learner, old: Sequence[NDArray[np.int64]], settings: Settings) -> _Held:
        """By gradients of single old texts, each with a class drawn from what the model says."""
        rng = np.random.default_rng(settings.seed)
        chosen = rng.permutation(len(old))[:_IMPORTANCE_TEXTS]
        names, weights = zip(*learner.learning.items(), strict=True)
        total = [torch.zeros_like(each) for each in weights]
        learner.eval()
        for row in chosen:
            logits = learner(padded([old[row]], pad=0))
            chances = torch.softmax(logits.detach().double(), dim=1)[0].numpy()
            said = torch.tensor([rng.choice(len(chances), p=chances / chances.sum())])
            gradients = torch.autograd.grad(functional.cross_entropy(logits, said), weights)
            for at, gradient in enumerate(gradients):
                total[at] += gradient.square() / len(chosen)
        return cls(
            start={n: each.detach().clone() for n, each in zip(names, weights, strict=True)},
            importance=dict(zip(names, total, strict=True)),
        )

    def distance(self, learner: Learner) -> torch.Tensor:
        """How far weights are from where they were, squared, each by its importance."""
        parts = [
            (
                self.importance[name].to(each.device)
                * (each - self.start[name].to(each.device)).square()
            ).sum()
            for name, each in learner.learning.items()
        ]
        return torch.stack(parts).sum()


def _kind(model: Trained) -> Kind:
    if model.adapter is not None:
        told = json.loads((model.adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        if told.get("peft_type") != "LORA":
            raise ConfigError(
                f"{model.directory}: an adapter of the kind {told.get('peft_type')} can't be "
                "updated; full models, LoRA and heads can"
            )
        return "lora"
    return "full" if model.encoder == model.directory else "head"


def _learning_encoder(model: Trained, kind: Kind) -> Any:  # noqa: ANN401 - transformers' own
    encoder = load_encoder(model.encoder)
    if not torch.cuda.is_available():
        # The backward pass of the CPU's fused attention takes three times the plain one's.
        encoder.set_attn_implementation("eager")
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # on a CPU its random numbers take time
    if kind == "lora":
        try:
            from peft import PeftModel
        except ImportError as error:
            raise ConfigError(
                "updating a LoRA needs peft; install finstrat with its extra: pip install "
                "'finstrat[train]'"
            ) from error
        with warnings.catch_warnings():
            # peft 0.21 asks transformers 5.23 by a name that is on its way out
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing")
            return PeftModel.from_pretrained(encoder, str(model.adapter), is_trainable=True).float()
    encoder.requires_grad_(kind == "full")
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler.requires_grad_(requires_grad=False)  # the mean is read, not the pooler
    return encoder


def _batches(lengths: Sequence[int], new: int, settings: Settings) -> list[NDArray[np.int64]]:
    """All new texts in each epoch, and among them old ones, others in each epoch."""
    share = settings.replay
    wanted = min(len(lengths) - new, round(new * share / (1 - share)))
    batches = []
    for epoch in range(settings.epochs):
        rng = np.random.default_rng((settings.seed, epoch))
        again = new + rng.permutation(len(lengths) - new)[:wanted]
        rows = np.concatenate([np.arange(new), again]).astype(np.int64)
        cut = length_batches(
            [lengths[row] for row in rows],
            settings.batch,
            epochs=1,
            seed=settings.seed + epoch,
        )
        batches += [rows[each] for each in cut]
    return batches


def _tokens(encoder: Path, texts: Sequence[str], *, limit: int) -> list[NDArray[np.int64]]:
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    return [np.array(each.ids) for each in tokenizer.encode_batch(list(texts))]


def _half(encoder: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401 - peft's
    from peft import get_peft_model_state_dict

    return {
        name: each.detach().half().contiguous().cpu()
        for name, each in sorted(get_peft_model_state_dict(encoder).items())
    }
