"""Heads on frozen embeddings other than a logistic regression: machines, forests, boosted trees.

One machine a class tells it from the others; what its margin is worth as a probability is fitted by
Platt's map on predictions that it didn't see, and the classes' probabilities are scaled to one.
scikit-learn fits, arrays are stored, and applying them needs numpy alone. It knows vectors only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.special import expit

from finstrat.credit.calibration import Calibration, calibrate
from finstrat.credit.families import Candidate, fit_machine
from finstrat.credit.machines import arrays_of, kind_of, machine_from
from finstrat.errors import DataError
from finstrat.models.folds import folds_of, told_of
from finstrat.models.heads import as_json, class_numbers, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.credit.machines import Machine
    from finstrat.models.folds import Fold, Moments

Family = Literal["svm", "forest", "boosting"]
MACHINES_KEY = "machines"
"""Of a card: the kinds of its machines, one a class. A card without it is of a `Head`."""

_WEIGHTS = "head.safetensors"
_CARD = "card.json"


@dataclass(frozen=True, eq=False)
class MachineHead:
    """One fitted machine a class, or one alone for a number: see `value_heads`.

    Attributes:
        machines: K of them, each told its class by a high margin.
        calibrations: of the margins, K; of a number, the line from margin to value.
        centre: `[H]`, taken from a vector before it is scaled by √H.
        classes: K names, in the order of the probabilities.
        card: what is known of its training, plain JSON data.
    """

    machines: tuple[Machine, ...]
    calibrations: tuple[Calibration, ...]
    centre: NDArray[np.float64]
    classes: tuple[str, ...]
    card: dict[str, Any]

    @property
    def width(self) -> int:
        """H, numbers of a vector."""
        return len(self.centre)

    def probabilities(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Class probabilities `[D, K]` float64, on the CPU; NaN where an embedding is NaN."""
        margins = self._margins(embeddings)
        for i in np.flatnonzero(~np.isnan(margins).any(axis=1)):
            margins[i] = _shares(margins[i : i + 1], self.calibrations)[0]
        return torch.from_numpy(margins)

    def values(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Of a regression, its values `[D]` float64, in the same way."""
        (line,) = self.calibrations
        margins = self._margins(embeddings)[:, 0]
        return torch.from_numpy(line.slope * margins + line.constant)

    def _margins(self, embeddings: torch.Tensor) -> NDArray[np.float64]:
        """`[D, K]`; NaN where an embedding is NaN.

        One row at a time: the order in which a matrix product sums depends on its rows, and one
        embedding must give the same bits in any company.
        """
        rows = embeddings.to(device="cpu", dtype=torch.float64).numpy()
        found = np.full((len(rows), len(self.machines)), np.nan)
        near_one = scaled(rows, self.centre)
        for i in np.flatnonzero(~np.isnan(rows).any(axis=1)):
            found[i] = [each.margin(near_one[i : i + 1])[0] for each in self.machines]
        return found

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of what the probabilities depend on."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def save(self, directory: Path) -> None:
        """Write `head.safetensors` and `card.json` into `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        save_file(self._arrays(), directory / _WEIGHTS)
        kinds = [kind_of(each) for each in self.machines]
        card = {"classes": list(self.classes), MACHINES_KEY: kinds, **self.card}
        text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        (directory / _CARD).write_text(text, encoding="utf-8")

    def _arrays(self) -> dict[str, NDArray[Any]]:
        lines = [(each.slope, each.constant) for each in self.calibrations]
        found: dict[str, NDArray[Any]] = {"centre": self.centre, "calibration": np.array(lines)}
        for place, machine in enumerate(self.machines):
            found |= {f"{place}.{name}": each for name, each in arrays_of(machine).items()}
        return found


def load_machine_head(directory: Path) -> MachineHead:
    """The head stored in `directory`.

    Raises:
        DataError: a file is missing, damaged, or disagrees with the other.
    """
    try:
        arrays = load_file(directory / _WEIGHTS)
        card = json.loads((directory / _CARD).read_text(encoding="utf-8"))
        classes, kinds = tuple(card.pop("classes")), card.pop(MACHINES_KEY)
        machines = [
            machine_from(
                kind,
                {
                    name.partition(".")[2]: each
                    for name, each in arrays.items()
                    if name.startswith(f"{place}.")
                },
            )
            for place, kind in enumerate(kinds)
        ]
        lines, centre = arrays["calibration"], arrays["centre"]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{directory}: expected a head ({_WEIGHTS} and {_CARD}): {error!r}; "
            "train one with `finstrat model head`"
        ) from error
    if not len(classes) == len(machines) == len(lines):
        raise DataError(
            f"{directory}: {_CARD} names {len(classes)} classes, {_WEIGHTS} has {len(lines)}"
        )
    calibrations = tuple(Calibration(float(a), float(b)) for a, b in lines)
    return MachineHead(tuple(machines), calibrations, centre, classes, card)


def candidates(family: Family) -> list[Candidate]:
    """What is tried of a family; `gamma` is in units of 1 / H."""
    if family == "svm":
        return [
            Candidate(family, "plain", (("C", c), ("gamma", gamma)))
            for c in (1.0, 10.0)
            for gamma in (0.3, 1.0)
        ]
    if family == "forest":
        return [Candidate(family, "plain", (("max_features", "sqrt"),))]
    return [
        Candidate(family, "plain", (("max_leaf_nodes", 8), ("l2_regularization", strength)))
        for strength in (1.0, 30.0)
    ]


def train_machine_head(
    embeddings: torch.Tensor,
    labels: Sequence[str],
    *,
    family: Family,
    classes: Sequence[str],
    seed: int,
    times: Moments | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MachineHead:
    """A head of `family` for `labels` out of `embeddings` `[D, H]`, its setting chosen by CV.

    The setting is the one with the least log loss over calibrated out-of-fold predictions; Platt's
    maps are fitted on those, and the machines are refitted on everything. The folds are those of
    `folds.folds_of`. The card's measures are of the out-of-fold predictions, which setting and
    calibration have seen.

    Raises:
        DataError: lengths differ, or a class has too few texts or isn't in `classes`.
    """
    rows = embeddings.to(device="cpu", dtype=torch.float64).numpy()
    truth = class_numbers(labels, classes, rows=len(rows))
    folds = folds_of(truth, times=times, seed=seed)
    centre = rows.mean(axis=0)
    near_one = scaled(rows, centre)
    held = np.sort(np.concatenate([hold for _, hold in folds]))
    tried = candidates(family)
    steps = len(tried) * len(folds) + 1
    best, least = None, np.inf
    for place, each in enumerate(tried):
        margins = np.full((len(rows), len(classes)), np.nan)
        for number, fold in enumerate(folds):
            margins[fold[1]] = _held_out(each, near_one, truth, fold, len(classes), seed=seed)
            if progress is not None:
                progress(place * len(folds) + number + 1, steps)
        maps = tuple(calibrate(margins[held, k], truth[held] == k) for k in range(len(classes)))
        shares = _shares(margins[held], maps)
        loss = -np.log(np.clip(shares[np.arange(len(held)), truth[held]], 1e-12, 1.0)).mean()
        if loss < least:
            best, least = (each, maps, shares), float(loss)
    assert best is not None
    chosen, maps, shares = best
    machines = tuple(
        fit_machine(chosen, near_one, truth == k, seed=seed) for k in range(len(classes))
    )
    if progress is not None:
        progress(steps, steps)
    return MachineHead(
        machines=machines,
        calibrations=maps,
        centre=centre,
        classes=tuple(classes),
        card={
            "training": {
                "family": family,
                "setting": dict(chosen.settings),
                **told_of(folds, times),
                "seed": seed,
            },
            "cross_validation": as_json(measure(shares, truth[held])),
        },
    )


def _held_out(
    candidate: Candidate,
    rows: NDArray[np.float64],
    truth: NDArray[np.int64],
    fold: Fold,
    size: int,
    *,
    seed: int,
) -> NDArray[np.float64]:
    """Margins `[held out, K]` of machines fitted without them."""
    fit, hold = fold
    return np.stack(
        [
            fit_machine(candidate, rows[fit], truth[fit] == k, seed=seed).margin(rows[hold])
            for k in range(size)
        ],
        axis=1,
    )


def scaled(rows: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors with numbers of about 1, as kernels and trees like them."""
    found: NDArray[np.float64] = (rows - centre) * np.sqrt(rows.shape[1])
    return found


def _shares(margins: NDArray[np.float64], maps: tuple[Calibration, ...]) -> NDArray[np.float64]:
    """Probabilities `[D, K]` of margins `[D, K]`: each class's by its map, scaled to one."""
    own = np.stack([each.probability(margins[:, k]) for k, each in enumerate(maps)], axis=1)
    own = np.clip(own, expit(-30.0), None)  # a text that no class wants still belongs to one
    found: NDArray[np.float64] = own / own.sum(axis=1, keepdims=True)
    return found
