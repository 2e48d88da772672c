"""Signals that are fitted: they say what to learn from and how, and finstrat says when.

`FittedSignal` is walked forward. At each refit it is handed the examples whose outcome was known by
then, and its model speaks for the sessions until the next. The author never holds a label that a
session could not have known. What a model is, and whether it is any good, isn't known here.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from finstrat.components import Signal
from finstrat.data.labels import later_values, return_labels
from finstrat.errors import PluginError
from finstrat.validate.splits import combinatorial, forward_folds, walk_forward
from finstrat.validate.tearsheet import hac_mean, over_time, rank_correlations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.components import Inputs
    from finstrat.data import Clock
    from finstrat.data.clock import Every
    from finstrat.risk.figure import Figure
    from finstrat.validate.splits import Split

FOLDS = 10
"""Stretches of time of a cross-validation."""

LONGEST = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "yearly": 366}
"""The most sessions that a period can have, on a calendar without holidays."""


@dataclass(frozen=True, eq=False)
class Examples:
    """What was known at R decisions, and what came of each; by session, then by asset id.

    Attributes:
        x: `[R, K]`, all known.
        y: `[R]`, what followed.
        session: `[R]`, rising; rows of one session belong to one number.
        gap: sessions until the outcome of one is over.
        seed: for whatever draws at random.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    session: NDArray[np.int64]
    gap: int
    seed: int

    @property
    def rank(self) -> NDArray[np.float64]:
        """`y` ranked within its session, from −½ to ½, ties sharing a rank; 0 where it is alone."""
        from scipy.stats import rankdata

        bounds = np.flatnonzero(np.diff(self.session)) + 1
        parts = np.split(self.y, bounds)
        return np.concatenate([(rankdata(part) - 0.5) / len(part) - 0.5 for part in parts])

    def folds(self, count: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """`count` pairs of examples to fit to and later ones to choose by, as `cv` in scikit-learn.

        Between the two lie `gap` sessions, whose outcome would reach into the latter.

        Raises:
            PluginError: the sessions are too few to be cut so.
        """
        folds = forward_folds(self.session, count=count, gap=self.gap)
        if not folds:
            raise PluginError(
                f"{len(np.unique(self.session))} sessions of examples can't be cut into {count} "
                f"folds with a gap of {self.gap}; choose a longer window or a shorter horizon"
            )
        return folds


@dataclass(frozen=True)
class Fit:
    """One fit, as a run's manifest keeps it.

    `session` is the refit's; the examples' decisions lie from `first` to `last`. `note` is what the
    signal says of its model.
    """

    session: str
    rows: int
    first: str
    last: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class Material:
    """Everything a fitted signal may ever see, before it is split; columns by asset id.

    Attributes:
        x: `[T, M, K]`; M = 1 for a market signal.
        y: `[T, M]`, labels; NaN = unknown.
        known_from: `[T]`: the first session whose decision may use row t's label.
        sayable: `[T, M]`: x is known throughout.
        usable: `[T, M]`: so is the label, and the asset is a member.
        gap: sessions until the outcome of an example is over.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    known_from: NDArray[np.int64]
    sayable: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    gap: int
    seed: int

    def examples(self, rows: NDArray[np.int64]) -> Examples:
        """The usable examples of these sessions."""
        usable = self.usable[rows]
        session = np.repeat(rows, usable.sum(axis=1))
        return Examples(self.x[rows][usable], self.y[rows][usable], session, self.gap, self.seed)


class FittedSignal(Signal):
    """A signal whose numbers come from a model that is fitted again at every refit.

    Attributes:
        refit: how often; the first session of each such period refits.
        horizon: sessions that the return to be learnt lasts.
        window: sessions of examples for a fit. With memory "finite" it takes the latest so many,
            with "expanding" all there are. Fewer than half of it are too few, and nothing is said.
        lookback: sessions before t that `observe` needs for row t.
    """

    refit: Every = "quarterly"
    horizon: int = 5
    window: int = 504
    lookback: int = 0
    memory: Literal["finite", "expanding"] = "finite"

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions for what is observed, for the examples, for their outcome, and to a refit."""
        return self.lookback + self.window + self.horizon + 1 + LONGEST[self.refit]

    @abstractmethod
    def observe(self, inputs: Inputs) -> torch.Tensor:
        """What the model sees: `[T, N, K]`, or `[T, K]` with scope "market"; NaN = unknown.

        Row t uses nothing known at or after cutoff t. A row with an unknown is neither learnt from
        nor spoken about, so fill what can be filled.
        """

    def target(self, inputs: Inputs) -> torch.Tensor | None:  # noqa: ARG002 - for those that override
        """A feature `[T, N]` or `[T]` whose value `horizon` sessions later is learnt, if any.

        Without one that is the total return from the fill of t to the fill of t + `horizon`; with
        scope "market", the members' average.
        """
        return None

    @abstractmethod
    def fit(self, examples: Examples) -> Any:  # noqa: ANN401 - a model is the author's own
        """A model of `examples.y`; None if nothing can be learnt, and nothing is said then."""

    @abstractmethod
    def predict(self, model: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ANN401
        """What the model says of each row of `x` `[R, K]` by itself: `[R]`, or one column each."""

    def describe(self, model: Any) -> str:  # noqa: ANN401, ARG002
        """What is worth keeping of a model, for the manifest and the report."""
        return ""

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N, outputs]` or `[T, outputs]`; NaN where no model could be fitted yet.

        Row t speaks by a model that saw labels known before the cutoff of the last refit up to t.
        """
        material = self.material(inputs)
        said = np.full((*material.y.shape, len(self.outputs)), np.nan)
        window = self.window if self.memory == "finite" else None
        refits = inputs.clock.starts_of(self.refit)
        # One thread, so that no sum depends on how many cores there are; on examples so few, more
        # of them gain little, and cost tenfold where other work keeps them waiting.
        with threadpool_limits(1):
            for split in walk_forward(refits, material.known_from, window=window):
                model = self.model_of(material, split.train)
                if model is None:
                    continue
                said[split.test] = self.predictions(model, material, split.test)
                if inputs.fitted is not None:
                    inputs.fitted(_fit(inputs.clock, split, material, self.describe(model)))
        return self._as_output(said, inputs)

    def cross_validated(self, inputs: Inputs) -> torch.Tensor:
        """What models would have said that saw both past and future, but never the row: `[P, …]`.

        Each of P = `FOLDS` − 1 paths covers every session from the first with an example, in the
        shape of `compute`. Combinatorial cross-validation, purged of outcomes that reach into what
        is spoken about, with an embargo of a hundredth of the sessions after it. For judging how
        steady a relation is, never for trading.

        Raises:
            DataError: the sessions are too few for `FOLDS` folds.
        """
        material = self.material(inputs)
        taught = np.flatnonzero(material.usable.any(axis=1))
        first = int(taught[0]) if len(taught) else len(inputs.clock)
        count = len(inputs.clock) - first
        said = np.full((FOLDS - 1, *material.y.shape, len(self.outputs)), np.nan)
        splits = combinatorial(count, folds=FOLDS, purge=material.gap, embargo=max(1, count // 100))
        with threadpool_limits(1):
            for split in splits:
                model = self.model_of(material, split.train + first)
                for rows, path in zip(split.tests, split.paths, strict=True):
                    if model is not None:
                        there = rows + first
                        said[path, there] = self.predictions(model, material, there)
        return torch.stack([self._as_output(each, inputs) for each in said])

    def _as_output(self, said: NDArray[np.float64], inputs: Inputs) -> torch.Tensor:
        """`[T, M, outputs]` with columns by id, as `compute` gives it."""
        if self.scope == "market":
            return torch.from_numpy(said[:, 0]).to(inputs.device)
        back = np.argsort(_by_id(inputs))
        return torch.from_numpy(said[:, back]).to(inputs.device)

    def judged(self, values: torch.Tensor, inputs: Inputs, *, first: int) -> Figure:
        """How well `values`, as `compute` gives them, foretold what is learnt, from row `first` on.

        The mean over sessions of the rank correlation, over the members, of the first output and
        the label; with scope "market" the rank correlation over time. 90 % HAC interval, with at
        least as many lags as outcomes overlap.
        """
        material = self.material(inputs)
        order = _by_id(inputs)
        said = values.cpu().numpy().reshape(len(inputs.clock), -1, len(self.outputs))[:, :, 0]
        if self.scope == "market":
            known = ~np.isnan(said[:, 0]) & ~np.isnan(material.y[:, 0])
            known[:first] = False
            series = over_time(said[known, 0], material.y[known, 0])
        else:
            seen = np.where(material.usable, said[:, order], np.nan)
            series = rank_correlations(seen, material.y)[first:]
        return hac_mean(series, "fit.ic", lags=material.gap)

    def material(self, inputs: Inputs) -> Material:
        """What is seen and what is learnt, of all sessions.

        Raises:
            PluginError: `observe` or `target` gave another shape than it should, or an infinity.
            DataError: `horizon` below 1, or fills at opens that the panel doesn't have.
        """
        sessions, assets = inputs.shape
        shape = (sessions,) if self.scope == "market" else (sessions, assets)
        x = _given(self.observe(inputs), (shape, (*shape, None)), "observe")
        x = x.reshape(sessions, *((1,) if self.scope == "market" else (assets,)), -1)
        member = np.asarray(inputs.panel.member)
        target = self.target(inputs)
        if target is not None:
            labels = later_values(_given(target, (shape,), "target"), self.horizon)
        else:
            labels = return_labels(inputs.panel, inputs.clock, self.horizon, fill=inputs.fill)
        y = labels.values
        if self.scope == "market":
            y = (_members_average(y, member) if target is None else y)[:, None]
            member = np.ones_like(y, dtype=bool)
        else:
            # One order whatever the panel's, so that a fit never depends on it.
            order = _by_id(inputs)
            x, y, member = x[:, order], y[:, order], member[:, order]
        sayable = np.asarray(~np.isnan(x).any(axis=2))
        usable = sayable & ~np.isnan(y) & member
        gap = self.horizon + 1 if target is None else self.horizon
        return Material(x, y, labels.known_from, sayable, usable, gap, inputs.seed)

    def model_of(self, material: Material, rows: NDArray[np.int64]) -> Any:  # noqa: ANN401
        """The model of these sessions; None where fewer than half of `window` have an example."""
        if 2 * int(material.usable[rows].any(axis=1).sum()) < self.window:
            return None
        return self.fit(material.examples(rows))

    def predictions(
        self,
        model: Any,  # noqa: ANN401 - the author's own
        material: Material,
        rows: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """What a model says of these sessions, `[rows, M, outputs]`; NaN where x is unknown.

        Raises:
            PluginError: `predict` gave another shape than one row for each of x.
        """
        sayable = material.sayable[rows]
        said = np.full((*sayable.shape, len(self.outputs)), np.nan)
        x = material.x[rows][sayable]
        if len(x):
            given = np.asarray(self.predict(model, x), dtype=np.float64)
            if given.shape not in {(len(x), len(self.outputs)), (len(x),)} or (
                given.ndim == 1 and len(self.outputs) > 1
            ):
                raise PluginError(
                    f"predict gave shape {given.shape} for {len(x)} rows; expected one row each, "
                    f"and a column for each of {', '.join(self.outputs)}"
                )
            said[sayable] = given.reshape(len(x), -1)
        return said


def _given(
    values: object, shapes: tuple[tuple[int | None, ...], ...], by: str
) -> NDArray[np.float64]:
    """A tensor of one of `shapes`, where None fits any length, as float64."""
    if not isinstance(values, torch.Tensor):
        raise PluginError(f"{by} gave a {type(values).__name__}; expected a torch.Tensor")
    fits = any(
        len(shape) == values.dim()
        and all(n in {None, m} for n, m in zip(shape, values.shape, strict=True))
        for shape in shapes
    )
    if not fits:
        wanted = " or ".join(str(shape).replace("None", "K") for shape in shapes)
        raise PluginError(f"{by} gave shape {tuple(values.shape)}; expected {wanted}")
    if values.isinf().any():
        raise PluginError(f"{by} gave an infinity; use NaN for unknown")
    result: NDArray[np.float64] = values.detach().cpu().numpy().astype(np.float64)
    return result


def _by_id(inputs: Inputs) -> NDArray[np.int64]:
    """The panel's columns in order of asset id."""
    return np.argsort(np.array(inputs.panel.assets), kind="stable")


def _members_average(values: NDArray[np.float64], member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean of each row over members with a value, `[T]`; NaN without any."""
    counts = member & ~np.isnan(values)
    total = np.where(counts, values, 0.0).sum(axis=1)
    number = counts.sum(axis=1)
    average: NDArray[np.float64] = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return average


def _fit(clock: Clock, split: Split, material: Material, note: str) -> Fit:
    usable = material.usable[split.train]
    learnt_from = split.train[usable.any(axis=1)]
    rows = (split.test[0], *learnt_from[[0, -1]])
    refit, first, last = (str(clock.sessions[row]) for row in rows)
    return Fit(refit, int(usable.sum()), first, last, note)
