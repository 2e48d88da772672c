"""Heads on frozen embeddings that tell a number: ridge, machines, forests, boosted trees.

They lie in the same files as heads of classes, with one output that is called `value`, and
`load_trained` reads either. scikit-learn fits, arrays are stored. It knows vectors only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits

from finstrat.credit.calibration import Calibration
from finstrat.credit.fitted import agreeing, boosted_of, kernel_of, value_forest_of
from finstrat.credit.machines import Linear
from finstrat.errors import DataError
from finstrat.models.folds import told_of, value_folds
from finstrat.models.heads import Head
from finstrat.models.machine_heads import MachineHead, scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.credit.machines import Machine
    from finstrat.models.folds import Moments

    Floats = NDArray[np.float64]

Family = Literal["ridge", "svm", "forest", "boosting"]
VALUE = "value"
"""What the one output of a regression is called."""

_SETTINGS: dict[Family, tuple[dict[str, float], ...]] = {
    "ridge": tuple({"alpha": float(a)} for a in np.geomspace(1.0, 10_000.0, 9)),
    "svm": tuple({"C": c, "gamma": gamma} for c in (0.3, 1.0, 3.0) for gamma in (0.3, 1.0)),
    "forest": ({"max_features": 0.1}, {"max_features": 0.3}),
    "boosting": tuple({"max_leaf_nodes": 8, "l2_regularization": each} for each in (1.0, 30.0)),
}
"""What is tried of a family; `gamma` is in units of 1 / H."""


def train_value_head(
    embeddings: torch.Tensor,
    values: Sequence[float],
    *,
    family: Family,
    seed: int,
    times: Moments | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Head | MachineHead:
    """A head of `family` for `values` `[D]` out of `embeddings` `[D, H]`, its setting chosen by CV.

    The setting is the one with the least squared error out of fold; it is then fitted to
    everything. The folds are those of `folds.value_folds`. The card's measures are of the
    out-of-fold predictions, which the setting has seen.

    Raises:
        DataError: fewer than 10 texts, no two different numbers, or too few moments for `times`.
    """
    rows = embeddings.to(device="cpu", dtype=torch.float64).numpy()
    truth = np.asarray(values, dtype=np.float64)
    folds = value_folds(len(truth), times=times, seed=seed)
    if not np.ptp(truth):
        raise DataError(f"every label is {truth[0]:g}; nothing can be learnt")
    mean, deviation = float(truth.mean()), float(truth.std())
    centre = rows.mean(axis=0)
    near_one, units = scaled(rows, centre), (truth - mean) / deviation
    held = np.sort(np.concatenate([hold for _, hold in folds]))
    tried = _SETTINGS[family]
    steps = len(tried) * len(folds) + 1
    said = np.full((len(tried), len(rows)), np.nan)
    for place, setting in enumerate(tried):
        for number, (fit, hold) in enumerate(folds):
            machine = _fitted(family, setting, near_one[fit], units[fit], seed=seed)
            said[place, hold] = machine.margin(near_one[hold])
            if progress is not None:
                progress(place * len(folds) + number + 1, steps)
    best = int(((said[:, held] - units[held]) ** 2).mean(axis=1).argmin())
    machine = _fitted(family, tried[best], near_one, units, seed=seed)
    if progress is not None:
        progress(steps, steps)
    card = {
        "task": "regression",
        "training": {
            "family": family,
            "setting": tried[best],
            **told_of(folds, times, otherwise="chance"),
            "seed": seed,
        },
        "cross_validation": as_json(said[best, held] * deviation + mean, truth[held]),
    }
    if isinstance(machine, Linear):
        weight = machine.weight * np.sqrt(rows.shape[1]) * deviation
        bias = machine.constant * deviation + mean - weight @ centre
        return Head(torch.from_numpy(weight[None]), torch.from_numpy(bias), (VALUE,), card)
    line = Calibration(slope=deviation, constant=mean)
    return MachineHead((machine,), (line,), centre, (VALUE,), card)


def figures(said: Floats, truth: Floats) -> dict[str, float]:
    """How far numbers `said` are from `truth`, both `[D]`, and whether they are in its order.

    The rank correlation is 0 where either is all one number.
    """
    errors = said - truth
    ranked = np.ptp(said) and np.ptp(truth)
    return {
        "rmse": float(np.sqrt((errors**2).mean())),
        "mae": float(np.abs(errors).mean()),
        "spearman": float(spearmanr(said, truth).statistic) if ranked else 0.0,
    }


def as_json(said: Floats, truth: Floats) -> dict[str, Any]:
    """The `figures` as a card carries them, rounded to four places."""
    found = figures(said, truth)
    return {"n": len(truth), **{name: round(each, 4) for name, each in found.items()}}


def _fitted(
    family: Family, setting: Mapping[str, float], rows: Floats, truth: Floats, *, seed: int
) -> Machine:
    """The machine of one setting; on one core, as `finstrat.credit.families` does it."""
    given: dict[str, Any] = dict(setting)
    with threadpool_limits(1):
        if family == "ridge":
            linear = Ridge(**given).fit(rows, truth)
            return Linear(linear.coef_, np.array([linear.intercept_]))
        if family == "svm":
            gamma = given.pop("gamma") / rows.shape[1]
            vectors = SVR(gamma=gamma, cache_size=500, **given).fit(rows, truth)
            return agreeing(kernel_of(vectors, gamma), rows, vectors.predict)
        if family == "forest":
            forest = RandomForestRegressor(
                n_estimators=200, min_samples_leaf=2, random_state=seed, **given
            ).fit(rows, truth)
            return agreeing(value_forest_of(forest), rows, forest.predict)
        boosted = HistGradientBoostingRegressor(
            learning_rate=0.05,
            max_iter=300,
            max_features=0.3,
            early_stopping=False,
            random_state=seed,
            **given,
        ).fit(rows, truth)
        return agreeing(boosted_of(boosted), rows, boosted.predict)
