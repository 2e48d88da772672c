"""Which texts a head is fitted to, and which it is then judged by: by label, by chance or by time.

Splits in time belong to `finstrat.validate.splits`; here it is said what texts need of them. It
knows neither texts nor heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from finstrat.errors import DataError
from finstrat.validate.splits import forward_stretches

if TYPE_CHECKING:
    from collections.abc import Sequence

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows to fit on, and rows that the fit is held against."""

FOLDS = 5
_DAY = 86_400 * 10**9


@dataclass(frozen=True, eq=False)
class Moments:
    """When the texts of a training are of.

    Attributes:
        at: in nanoseconds, `[D]`.
        embargo_days: texts so many days or less before those held out aren't learnt from, since
            what they tell is told again in other words.
    """

    at: NDArray[np.int64]
    embargo_days: int = 0


def folds_of(truth: NDArray[np.int64], *, times: Moments | None, seed: int) -> list[Fold]:
    """Rows to fit on and rows held out, several times; no row is held out twice.

    Without `times`, 5 folds with each class's share; with them, the 4 of
    `finstrat.validate.splits.forward_stretches`.

    Raises:
        DataError: the texts before some moment lack a class, a stretch is empty, or a class has
            no text after the first stretch.
    """
    if times is None:
        dealt = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        return [(fit, hold) for fit, hold in dealt.split(truth, truth)]
    folds = forward_stretches(times.at, count=FOLDS - 1, gap=times.embargo_days * _DAY)
    everything = len(np.unique(truth))
    for number, (fit, hold) in enumerate(folds, start=2):
        if not len(hold) or len(np.unique(truth[fit])) < everything:
            raise DataError(
                f"folds by time: stretch {number} of {FOLDS} is empty, or the {len(fit)} texts "
                "before it lack a class; use --folds stratified, a shorter --embargo, or texts of "
                "more days"
            )
    if len(np.unique(truth[np.concatenate([hold for _, hold in folds])])) < everything:
        raise DataError(
            f"folds by time: a class has no text after the first of {FOLDS} stretches, so nothing "
            "says how well it is told; use --folds stratified, or texts of more days"
        )
    return folds


def value_folds(count: int, *, times: Moments | None, seed: int) -> list[Fold]:
    """The same for `count` texts with a number each; without `times` they are dealt by chance.

    Raises:
        DataError: there are fewer than 10 texts, or a fold by time is empty.
    """
    if count < 2 * FOLDS:
        raise DataError(f"expected at least {2 * FOLDS} texts with a number, got {count}")
    if times is None:
        dealt = KFold(FOLDS, shuffle=True, random_state=seed)
        return [(fit, hold) for fit, hold in dealt.split(np.zeros(count))]
    folds = forward_stretches(times.at, count=FOLDS - 1, gap=times.embargo_days * _DAY)
    for number, (fit, hold) in enumerate(folds, start=2):
        if not len(hold) or not len(fit):
            raise DataError(
                f"folds by time: stretch {number} of {FOLDS} or what is learnt before it is empty; "
                "use --folds stratified, a shorter --embargo, or texts of more days"
            )
    return folds


def told_of(
    folds: Sequence[Fold], times: Moments | None, *, otherwise: Literal["label", "chance"] = "label"
) -> dict[str, Any]:
    """What a card says of them; `otherwise` is how they were made without `times`."""
    if times is None:
        return {"folds": len(folds), "by": otherwise}
    return {"folds": len(folds), "by": "time", "embargo_days": times.embargo_days}
