"""A model out of a few labels: the encoder learns which texts belong together, then a head.

From n texts a class come many more pairs, alike or not. A head on the tuned vectors may then label
texts without labels itself, as long as a validation gets no worse. It knows nothing of files.
Sources: Tunstall et al. (2022), "Efficient few-shot learning without prompts" (SetFit), section 3;
Yarowsky (1995), "Unsupervised word sense disambiguation rivaling supervised methods".
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import softmax
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from tokenizers import Tokenizer

from finstrat.errors import ConfigError
from finstrat.models.contrastive import mean_pooled
from finstrat.models.heads import Head, as_json, fitted_temperature, measure, train_head
from finstrat.models.masked import padded
from finstrat.models.pretrain import BESIDE
from finstrat.models.steps import Batch, Pace, train
from finstrat.text.checkpoint import checkpoint_digest, without_notices
from finstrat.text.encode import Encoder, load_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


_FEWEST_STEPS = 100


@dataclass(frozen=True)
class Settings:
    """How a few labels are learnt from.

    Attributes:
        steps: of the encoder's training; 0 leaves it as it is, None = one a text, 100 at least.
        batch: pairs a step, half of them of one class.
        learning_rate: its peak. max_tokens: longer texts are cut there for training.
        threshold: the probability from which a text without a label is believed.
        rounds: of self-training at most.
        seed: of all that is drawn.
    """

    steps: int | None = None
    batch: int = 16
    learning_rate: float = 3e-5
    max_tokens: int = 96
    threshold: float = 0.9
    rounds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.threshold < 1:
            raise ConfigError(f"--threshold {self.threshold}: expected 0.5 or more, below 1")

    def steps_for(self, texts: int) -> int:
        """Steps of a training on so many texts: more of them make more pairs to learn from."""
        return max(texts, _FEWEST_STEPS) if self.steps is None else self.steps


@dataclass(frozen=True, eq=False)
class Round:
    """A round of self-training: texts believed, and macro-F1 of the validation with them."""

    believed: int
    macro_f1: float


def pull_together(
    encoder: Path,
    texts: Sequence[str],
    classes: NDArray[np.int64],
    settings: Settings,
    *,
    work: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Any:  # noqa: ANN401 - transformers' own
    """The encoder after it learnt that cosines are 1 within a class of `classes` `[D]`, else 0.

    Raises:
        ConfigError: `work` holds another training.
    """
    model = load_encoder(encoder)
    steps = settings.steps_for(len(texts))
    if not steps:
        work.mkdir(parents=True, exist_ok=True)
        return model
    if not torch.cuda.is_available():
        # The backward pass of the CPU's fused attention takes three times the plain one's.
        model.set_attn_implementation("eager")
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(settings.max_tokens)
    tokens = [np.array(each.ids) for each in tokenizer.encode_batch(list(texts))]

    def made(step: int, _: NDArray[np.int64]) -> Batch:
        left, right = pairs(classes, settings.batch, seed=(settings.seed, step))
        alike = torch.from_numpy((classes[left] == classes[right]).astype(np.float32))
        return {**padded([tokens[row] for row in (*left, *right)], pad=0), "alike": alike}

    def loss(model: Any, batch: Batch) -> torch.Tensor:  # noqa: ANN401
        mask = batch["attention_mask"]
        states = model(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        first, second = mean_pooled(states, mask).chunk(2)
        return ((first * second).sum(dim=1) - batch["alike"]).square().mean()

    train(
        model,
        [np.empty(0, dtype=np.int64)] * steps,
        made=made,
        loss=loss,
        pace=Pace(learning_rate=settings.learning_rate),
        seed=settings.seed,
        work=work,
        plan={
            "settings": asdict(settings),
            "start": checkpoint_digest(encoder),
            "texts": hashlib.sha256("\n".join(texts).encode()).hexdigest(),
            "classes": classes.tolist(),
        },
        progress=progress,
    )
    return model


def save_encoder(model: Any, directory: Path, *, start: Path) -> None:  # noqa: ANN401
    """Write the encoder, with the tokenizer of the one it started from."""
    with without_notices():
        model.save_pretrained(directory)
    for name in BESIDE:
        if (start / name).is_file():
            shutil.copyfile(start / name, directory / name)


def pairs(
    classes: NDArray[np.int64], size: int, *, seed: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of `size` pairs, left and right: of one class and of two, in turn."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, len(classes), size)
    right = [
        rng.choice(np.flatnonzero((classes == classes[row]) == (place % 2 == 0)))
        for place, row in enumerate(left)
    ]
    return left, np.array(right)


def taught_itself(
    labelled: torch.Tensor,
    labels: Sequence[str],
    unlabelled: torch.Tensor,
    validation: torch.Tensor,
    truth: Sequence[str],
    *,
    classes: Sequence[str],
    settings: Settings,
) -> tuple[Head, list[Round]]:
    """The head with the best validation, and the rounds that were tried, the first without any.

    `labelled`, `unlabelled` and `validation` are vectors `[D, H]`. In each round the last head
    labels every text that it is surer of than the threshold, and a new one learns from these and
    the labels. It ends when the validation's macro-F1 falls, or nobody new is believed. Each head
    is calibrated on the validation, by `recalibrated`.
    """

    def learnt(vectors: torch.Tensor, said: Sequence[str]) -> Head:
        head = train_head(vectors, said, classes=classes, seed=settings.seed)
        return recalibrated(head, validation, truth)

    best = learnt(labelled, labels)
    rounds = [Round(0, _macro_f1(best, validation, truth))]
    head = best
    for _ in range(settings.rounds):
        chances = head.probabilities(unlabelled).numpy()
        sure = np.nan_to_num(chances).max(axis=1) >= settings.threshold
        if int(sure.sum()) == rounds[-1].believed:
            break
        said = [classes[each] for each in chances[sure].argmax(axis=1)]
        vectors = torch.cat([labelled, unlabelled[torch.from_numpy(sure)]])
        head = learnt(vectors, [*labels, *said])
        rounds.append(Round(int(sure.sum()), _macro_f1(head, validation, truth)))
        if rounds[-1].macro_f1 < rounds[-2].macro_f1:
            break
        best = head
    return best, rounds


def recalibrated(head: Head, vectors: torch.Tensor, truth: Sequence[str]) -> Head:
    """The head with the temperature that fits texts that nothing has learnt from.

    `vectors` are theirs `[D, H]`, `truth` their labels `[D]`. An encoder that was pulled by the
    labels makes a head sure of them, and its cross-validation sees nothing of that.
    """
    return _tempered(head, _untempered(head, vectors), class_codes(truth, head.classes))


def calibrated_by_halves(
    head: Head,
    encoder: Path,
    texts: Sequence[str],
    labels: Sequence[str],
    settings: Settings,
    *,
    work: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Head:
    """The same without other texts: each half is judged by what the other one teaches.

    The encoder is pulled by one half, as `head`'s was by all texts, and a head of it says how sure
    it is of the other. That takes as long as the training did. The card's cross-validation is of
    these answers, beside that of heads on the encoder as it was.
    """
    codes = class_codes(labels, head.classes)
    halves = StratifiedKFold(2, shuffle=True, random_state=settings.seed).split(codes, codes)
    raw = {name: np.empty((len(texts), len(head.classes))) for name in ("this model", "head alone")}
    for number, (fit, hold) in enumerate(halves):
        made = work / f"half-{number}"
        model = pull_together(
            encoder,
            [texts[row] for row in fit],
            codes[fit],
            settings,
            work=made / "training",
            progress=progress,
        )
        save_encoder(model, made, start=encoder)
        for name, directory in (("this model", made), ("head alone", encoder)):
            vectors = Encoder(directory).encode(list(texts)).vectors
            told = [labels[row] for row in fit]
            half = train_head(vectors[fit], told, classes=head.classes, seed=settings.seed)
            raw[name][hold] = _untempered(half, vectors[hold])
    said = {
        name: as_json(measure(softmax(each / fitted_temperature(each, codes), axis=1), codes))
        for name, each in raw.items()
    }
    found = _tempered(head, raw["this model"], codes)
    return replace(found, card={**found.card, "cross_validation": said})


def _untempered(head: Head, vectors: torch.Tensor) -> NDArray[np.float64]:
    """Logits `[D, K]` as they were before the head was calibrated."""
    found: NDArray[np.float64] = head.logits(vectors).numpy()
    return found * float(head.card["training"]["temperature"])


def _tempered(head: Head, raw: NDArray[np.float64], codes: NDArray[np.int64]) -> Head:
    """The head with the temperature that fits raw logits `[D, K]` to class numbers `[D]`."""
    before = float(head.card["training"]["temperature"])
    after = fitted_temperature(raw, codes)
    return Head(
        weight=head.weight * (before / after),
        bias=head.bias * (before / after),
        classes=head.classes,
        card={**head.card, "training": {**head.card["training"], "temperature": after}},
    )


def class_codes(labels: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """The labels as numbers `[D]`, in the order of `classes`, however few there are of one."""
    return np.array([classes.index(each) for each in labels], dtype=np.int64)


def _macro_f1(head: Head, vectors: torch.Tensor, truth: Sequence[str]) -> float:
    said = [head.classes[each] for each in head.probabilities(vectors).argmax(dim=1)]
    return float(f1_score(truth, said, average="macro", labels=head.classes, zero_division=0))
