"""A small linear classifier on frozen embeddings: trained, calibrated, measured, stored, applied.

Training uses scikit-learn; what is stored is a matrix in safetensors and a card in JSON, and
applying it needs torch alone. It knows nothing of encoders or texts, only of vectors.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, f1_score

from finstrat.errors import DataError
from finstrat.models.folds import FOLDS, folds_of, told_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.models.folds import Fold, Moments

_WEIGHTS = "head.safetensors"
_CARD = "card.json"
_TOLERANCE = 1e-4  # of the mean loss's gradient; tighter moves no measure's fourth place
_C_GRID = tuple(float(c) for c in np.geomspace(0.01, 100, 9))


@dataclass(frozen=True)
class Quality:
    """How well probabilities `[D, K]` fit the true classes.

    Attributes:
        n: texts.
        accuracy: share of texts whose likeliest class is the true one.
        macro_f1: mean of the classes' F1.
        ece: expected calibration error, 10 equal bins of the likeliest class's probability.
        confusion: rows = true class, columns = predicted class, counts.
    """

    n: int
    accuracy: float
    macro_f1: float
    ece: float
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Head:
    """A multinomial logistic regression with a temperature.

    Attributes:
        weight: `[K, H]` float64. bias: `[K]` float64. Both already divided by the temperature.
        classes: K names, in the order of the probabilities.
        card: what is known of its training, plain JSON data.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    classes: tuple[str, ...]
    card: dict[str, Any]

    @property
    def width(self) -> int:
        """H, numbers of a vector."""
        return int(self.weight.shape[1])

    def probabilities(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Class probabilities `[D, K]` float64, on the CPU; NaN where an embedding is NaN."""
        return torch.softmax(self.logits(embeddings), dim=1)

    def logits(self, embeddings: torch.Tensor) -> torch.Tensor:
        """What probabilities, or a regression's values, are made of, `[D, K]` float64, on the CPU.

        Summed row by row instead of by a matrix product, whose order of summation depends on the
        number of rows: one embedding gives the same bits in any company.
        """
        rows = embeddings.to(device="cpu", dtype=torch.float64)
        sums = torch.stack([(rows * weight).sum(dim=1) for weight in self.weight], dim=1)
        return sums + self.bias

    def values(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Of a regression, its values `[D]` float64, on the CPU."""
        return self.logits(embeddings)[:, 0]

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of what the probabilities depend on."""
        numbers = self.weight.numpy().tobytes() + self.bias.numpy().tobytes()
        return hashlib.sha256(numbers + "\n".join(self.classes).encode()).hexdigest()

    def save(self, directory: Path) -> None:
        """Write `head.safetensors` and `card.json` into `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        tensors = {"weight": self.weight.contiguous(), "bias": self.bias.contiguous()}
        save_file(tensors, directory / _WEIGHTS)
        card = {"classes": list(self.classes), **self.card}
        text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        (directory / _CARD).write_text(text, encoding="utf-8")


def load_head(directory: Path) -> Head:
    """The head stored in `directory`.

    Raises:
        DataError: a file is missing, damaged, or disagrees with the other.
    """
    try:
        tensors = load_file(directory / _WEIGHTS)
        card = json.loads((directory / _CARD).read_text(encoding="utf-8"))
        classes = tuple(card.pop("classes"))
        weight, bias = tensors["weight"], tensors["bias"]
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise DataError(
            f"{directory}: expected a head ({_WEIGHTS} and {_CARD}): {error!r}; "
            "train one with `finstrat model head`"
        ) from error
    if weight.shape[0] != len(classes) or bias.shape != (len(classes),):
        raise DataError(
            f"{directory}: {_CARD} names {len(classes)} classes, {_WEIGHTS} has {weight.shape[0]}"
        )
    return Head(weight, bias, classes, card)


def train_head(
    embeddings: torch.Tensor,
    labels: Sequence[str],
    *,
    classes: Sequence[str],
    seed: int,
    times: Moments | None = None,
) -> Head:
    """A head for `labels` out of `embeddings` `[D, H]`, its strength and temperature chosen by CV.

    The inverse penalty C is the one with the least log loss over the out-of-fold predictions of
    `folds_of`; the temperature (Guo et al., 2017) is fitted on those same
    predictions; then the model is refitted on everything. The card's measures are of the
    out-of-fold predictions, so each text is judged by a model that hasn't seen it (C and the
    temperature have, which flatters by two numbers' worth).

    Raises:
        DataError: lengths differ, or a class has fewer than 5 texts or isn't in `classes`.
    """
    rows = embeddings.to(device="cpu", dtype=torch.float64).numpy()
    truth = class_numbers(labels, classes, rows=len(rows))
    folds = folds_of(truth, times=times, seed=seed)
    held = np.sort(np.concatenate([hold for _, hold in folds]))
    outcomes = {c: each[held] for c, each in _out_of_fold(rows, truth, folds).items()}
    losses = {c: _log_loss(logits, truth[held]) for c, logits in outcomes.items()}
    best = min(losses, key=losses.__getitem__)
    temperature = fitted_temperature(outcomes[best], truth[held])
    quality = measure(softmax(outcomes[best] / temperature, axis=1), truth[held])
    weight, bias = _Path(rows, truth).fit(best)
    return Head(
        weight=torch.from_numpy(weight / temperature),
        bias=torch.from_numpy(bias / temperature),
        classes=tuple(classes),
        card={
            "training": {
                "family": "logistic",
                "C": best,
                "temperature": temperature,
                **told_of(folds, times),
                "seed": seed,
            },
            "cross_validation": as_json(quality),
        },
    )


def measure(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> Quality:
    """The `Quality` of `probabilities` `[D, K]` against class numbers `truth` `[D]`."""
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = predicted == truth
    names = np.arange(probabilities.shape[1])
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [
        (bins == each).mean() * abs(right[bins == each].mean() - confidence[bins == each].mean())
        for each in np.unique(bins)
    ]
    return Quality(
        n=len(truth),
        accuracy=float(right.mean()),
        macro_f1=float(f1_score(truth, predicted, average="macro", labels=names, zero_division=0)),
        ece=float(sum(gaps)),
        confusion=tuple(
            tuple(map(int, row)) for row in confusion_matrix(truth, predicted, labels=names)
        ),
    )


def as_json(quality: Quality) -> dict[str, Any]:
    """A `Quality` as a card carries it, rounded to four places."""
    return {
        "n": quality.n,
        "accuracy": round(quality.accuracy, 4),
        "macro_f1": round(quality.macro_f1, 4),
        "ece": round(quality.ece, 4),
        "confusion": [list(row) for row in quality.confusion],
    }


def class_numbers(labels: Sequence[str], classes: Sequence[str], *, rows: int) -> NDArray[np.int64]:
    """The labels `[rows]` as numbers, in the order of `classes`.

    Raises:
        DataError: lengths differ, a label isn't in `classes`, or a class has fewer than 5 texts.
    """
    if len(labels) != rows:
        raise DataError(f"expected a label for each of {rows} texts, got {len(labels)}")
    order = {name: code for code, name in enumerate(classes)}
    unknown = sorted(set(labels) - set(order))
    if unknown:
        raise DataError(f"unknown label {unknown[0]!r}; expected one of: {', '.join(classes)}")
    codes = np.array([order[label] for label in labels], dtype=np.int64)
    counts = np.bincount(codes, minlength=len(classes))
    if counts.min() < FOLDS:
        rarest = classes[int(counts.argmin())]
        raise DataError(f'label "{rarest}": expected at least {FOLDS} texts, got {counts.min()}')
    return codes


@dataclass(eq=False)
class _Path:
    """Classifiers of growing C on the same rows, each fitted from where the last one ended.

    Rows are centred and scaled to about 1 a number, C with them. The intercept isn't penalised, so
    the optimum is the same; but lbfgs, which unit vectors keep busy for a thousand steps, gets
    there in some dozens.
    """

    rows: NDArray[np.float64]
    truth: NDArray[np.int64]

    def __post_init__(self) -> None:
        self._centre = self.rows.mean(axis=0)
        self._scale = np.sqrt(self.rows.shape[1])
        self._model = LogisticRegression(max_iter=2000, tol=_TOLERANCE, warm_start=True)
        self._scaled = (self.rows - self._centre) * self._scale

    def fit(self, c: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights `[K, H]` and biases `[K]`, for rows as they were given."""
        self._model.set_params(C=c / self._scale**2).fit(self._scaled, self.truth)
        weight, bias = self._model.coef_ * self._scale, self._model.intercept_
        if len(weight) == 1:  # of two classes scikit-learn keeps the difference alone
            weight, bias = (np.concatenate([-each, each]) / 2 for each in (weight, bias))
        return weight, bias - weight @ self._centre


def _out_of_fold(
    rows: NDArray[np.float64], truth: NDArray[np.int64], folds: Sequence[Fold]
) -> dict[float, NDArray[np.float64]]:
    """For each C, logits `[D, K]`, each row from a model fitted without its fold; NaN in none.

    A fold's models are fitted from the strongest penalty to the weakest, each starting where the
    one before ended, which takes a fraction of the steps from nothing.
    """
    logits = {c: np.full((len(rows), int(truth.max()) + 1), np.nan) for c in _C_GRID}
    for fit, hold in folds:
        path = _Path(rows[fit], truth[fit])
        for c in _C_GRID:
            weight, bias = path.fit(c)
            logits[c][hold] = rows[hold] @ weight.T + bias
    return logits


def _log_loss(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return float(-log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean())


def fitted_temperature(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """The T > 0 for which softmax(logits / T) has the least log loss."""
    found = minimize_scalar(
        lambda log_t: _log_loss(logits / np.exp(log_t), truth), bounds=(-3.0, 3.0), method="bounded"
    )
    return float(np.exp(found.x))
