"""Every public operation: its definition in plain NumPy, and what must hold for all of them.

One table names each operation once, with a call on a small world of series and events, the same
computed cell by cell, and how far a value reaches. Worlds have gaps, ties, constants, a single row
or a single column.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import finstrat_plugins.signals
import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.errors import DataError
from finstrat.features import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW, LEAST, HALF_LIFE = 5, 3, 3.0
FOREVER = 10**6
"""The reach of what never forgets."""


@dataclass(frozen=True, eq=False)
class World:
    """What operations may be called on: series `[T, N]`, and events `[D]`.

    Attributes:
        x: any value, perhaps unknown.
        y: prices above 0, perhaps unknown.
        z: prices, of which some are 0 or below.
        groups: int64 codes, -1 for none.
        members: bool.
        values, weights, sessions, assets: of the events.
    """

    x: torch.Tensor
    y: torch.Tensor
    z: torch.Tensor
    groups: torch.Tensor
    members: torch.Tensor
    values: torch.Tensor
    weights: torch.Tensor
    sessions: torch.Tensor
    assets: torch.Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """T and N."""
        return len(self.x), self.x.shape[1]

    def to(self, device: str) -> World:
        """The same world there."""
        return World(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def changed(self, *, after: int, seed: int) -> World:
        """The same up to row `after`; later rows, and events that come later, are all others."""
        other = world(seed=seed, rows=self.shape[0], columns=self.shape[1], kind="wild")
        later = (torch.arange(self.shape[0]) > after).unsqueeze(1)
        series = {
            name: torch.where(later, getattr(other, name), getattr(self, name))
            for name in ("x", "y", "z", "groups", "members")
        }
        come = self.sessions > after
        events = {
            name: torch.where(come, getattr(other, name), getattr(self, name))
            for name in ("values", "weights", "assets")
        }
        moved = other.sessions.clamp(min=after + 1)
        return replace(self, **series, **events, sessions=torch.where(come, moved, self.sessions))

    def permuted(self, order: torch.Tensor) -> World:
        """Column n of the result is column `order[n]` of this world."""
        series = {
            name: getattr(self, name)[:, order] for name in ("x", "y", "z", "groups", "members")
        }
        place = torch.argsort(order)
        moved = torch.where(self.assets < 0, -1, place[self.assets.clamp(min=0)])
        return replace(self, **series, assets=moved)


def world(*, seed: int, rows: int, columns: int, kind: str) -> World:
    """A random world: "plain", with "gaps", "ties", "constant", "unknown", or "wild" values."""
    rng = np.random.default_rng(seed)
    shape = (rows, columns)
    x = rng.normal(size=shape)
    y = np.exp(0.1 * rng.normal(size=shape).cumsum(axis=0))
    values, weights = rng.normal(size=40), rng.exponential(size=40)
    z = np.where(rng.random(shape) < 0.1, np.round(x), y)
    if kind in {"ties", "wild"}:
        x = np.round(x)
    if kind == "constant":
        x, y, values = np.full(shape, 0.1), np.full(shape, 7.7), np.full(40, 0.3)
        z = y.copy()
    if kind == "unknown":
        x, y, z = (np.full(shape, math.nan) for _ in range(3))
        values = np.full(40, math.nan)
    if kind in {"gaps", "wild"}:
        x[rng.random(shape) < 0.2] = math.nan
        y[rng.random(shape) < 0.1] = math.nan
        z[rng.random(shape) < 0.1] = math.nan
        values[rng.random(40) < 0.1] = math.nan
        weights[rng.random(40) < 0.1] = math.nan
        weights[rng.random(40) < 0.1] = 0.0
    if kind == "wild":
        for series in (x, y, z, values):
            series[rng.random(series.shape) < 0.1] = math.inf
            series[rng.random(series.shape) < 0.1] *= -1e200
    arrays = {
        "x": x,
        "y": y,
        "z": z,
        "groups": rng.integers(-1, 3, shape),
        "members": rng.random(shape) < 0.8,
        "values": values,
        "weights": weights,
        "sessions": rng.integers(0, rows + 1, 40),
        "assets": rng.integers(-1, columns, 40),
    }
    return World(**{name: torch.from_numpy(np.asarray(v)) for name, v in arrays.items()})


# Definitions, cell by cell. In a window, `ages` are the sessions since each known value.


def windowed(definition, *series, fewest=1, window=WINDOW, least=LEAST):
    series = [np.asarray(each) for each in series]
    out = np.full(series[0].shape, math.nan)
    for t, n in np.ndindex(out.shape):
        panes = np.array([each[max(0, t - window + 1) : t + 1, n] for each in series])
        known = ~np.isnan(panes).any(axis=0)
        if known.sum() >= max(least, fewest):
            ages = (panes.shape[1] - 1 - np.flatnonzero(known)).astype(float)
            out[t, n] = definition(*(pane[known] for pane in panes), ages)
    return out


def mean(v, *_):
    return math.fsum(v) / len(v)


def centred(v):
    return np.zeros(len(v)) if v.max() == v.min() else v - mean(v)


def var(v, *_):
    return math.fsum(centred(v) ** 2) / (len(v) - 1)


def std(v, *_):
    return math.sqrt(var(v))


def newest_zscore(v, ages):
    return centred(v)[-1] / std(v) if ages[-1] == 0 and std(v) > 0 else math.nan


def skew(v, _):
    d, n = centred(v), len(v)
    m2 = (d**2).mean()
    return math.sqrt(n * (n - 1)) / (n - 2) * (d**3).mean() / m2**1.5 if m2 > 0 else math.nan


def kurt(v, _):
    d, n = centred(v), len(v)
    m2 = (d**2).mean()
    if m2 == 0:
        return math.nan
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * ((d**4).mean() / m2**2 - 3) + 6)


def newest_rank(v, ages):
    r = (v < v[-1]).sum() + (v == v[-1]).sum() / 2
    return r / len(v) if ages[-1] == 0 else math.nan


def cov(v, w, _):
    return math.fsum(centred(v) * centred(w)) / (len(v) - 1)


def corr(v, w, _):
    size = std(v) * std(w)
    return cov(v, w, None) / size if size > 0 else math.nan


def beta(v, w, _):
    return cov(v, w, None) / var(w) if var(w) > 0 else math.nan


def residual(v, w, ages):
    left = centred(v)[-1] - beta(v, w, ages) * centred(w)[-1]
    return left if ages[-1] == 0 else math.nan


def root_mean(v, _):
    return math.sqrt(mean(v)) if mean(v) >= 0 else math.nan


def moved(x, periods, change):
    x = np.asarray(x)
    out = np.full(x.shape, math.nan)
    for t in range(periods, len(x)):
        for n in range(x.shape[1]):
            out[t, n] = change(x[t - periods, n], x[t, n])
    return out


def plain_return(before, now):
    return (now - before) / before if before > 0 else math.nan


def log_return(before, now):
    return math.log(now / before) if before > 0 and now > 0 else math.nan


def so_far(definition, *series):
    """`definition` of all the rows up to each, by column."""
    series = [np.asarray(each) for each in series]
    out = np.full(series[0].shape, math.nan)
    for t, n in np.ndindex(out.shape):
        out[t, n] = definition(*(each[: t + 1, n] for each in series))
    return out


def fading(ages):
    return 0.5 ** (np.asarray(ages, dtype=float) / HALF_LIFE)


def average(v):
    known = np.flatnonzero(~np.isnan(v))
    w = fading(len(v) - 1 - known)
    return (w * v[known]).sum() / w.sum() if len(known) else math.nan


def spread(v):
    known = np.flatnonzero(~np.isnan(v))
    if len(known) < 2:
        return math.nan
    w = fading(len(v) - 1 - known)
    w /= w.sum()
    d = v[known] - (w * v[known]).sum()
    return math.sqrt((w * d**2).sum() / (1 - (w**2).sum()))


def filled(v):
    known = np.flatnonzero(~np.isnan(v[-3:]))
    return v[-3:][known[-1]] if len(known) else math.nan


def fallen(v):
    peak = np.nanmax(v, initial=-math.inf)
    return v[-1] / peak - 1 if peak > 0 else math.nan


def since(happened):
    at = np.flatnonzero(happened)
    return len(happened) - 1 - at[-1] if len(at) else math.nan


def events(w, *, weighted):
    """Weighted sums of the events so far, and of their weights alone."""
    sums, totals = np.zeros(w.shape), np.zeros(w.shape)
    arrays = (w.values, w.weights, w.sessions, w.assets)
    for value, weight, at, asset in zip(*(a.numpy() for a in arrays), strict=True):
        own = weight if weighted else 1.0
        if asset >= 0 and not math.isnan(value) and not math.isnan(own):
            for t in range(at, w.shape[0]):
                sums[t, asset] += value * own * fading(t - at)
                totals[t, asset] += own * fading(t - at)
    return sums, totals


def mean_of_events(w):
    sums, totals = events(w, weighted=True)
    return np.divide(sums, totals, out=np.full(w.shape, math.nan), where=totals >= 1e-12)


def by_row(definition, x, *others):
    """`definition` of each row's known values."""
    out = np.full(x.shape, math.nan)
    for t in range(len(x)):
        row = np.asarray(x[t])
        known = ~np.isnan(row)
        if known.any():
            out[t, known] = definition(row[known], *(np.asarray(o[t])[known] for o in others))
    return out


def by_group(definition, w):
    x, groups = w.x.numpy(), w.groups.numpy()
    out = np.full(x.shape, math.nan)
    for t in range(len(x)):
        for group in range(3):
            inside = (groups[t] == group) & ~np.isnan(x[t])
            if inside.any():
                out[t, inside] = definition(x[t, inside])
    return out


def rank(v):
    return (scipy.stats.rankdata(v) - 0.5) / len(v)


def zscore(v):
    return centred(v) / std(v) if len(v) > 1 and std(v) > 0 else np.full(len(v), math.nan)


def robust_zscore(v):
    apart = v - np.median(v)
    mad = np.median(abs(apart))
    return apart / (1.4826022185056018 * mad) if mad > 0 else np.full(len(v), math.nan)


def least_squares(y, design, weights):
    root = np.sqrt(weights)
    fit = np.linalg.lstsq(design * root[:, None], y * root, rcond=1e-10)[0]
    return y - design @ fit


def neutral(w):
    x, y, groups = w.x.numpy(), w.y.numpy(), w.groups.numpy()
    out = np.full(x.shape, math.nan)
    for t in range(len(x)):
        known = ~np.isnan(x[t]) & ~np.isnan(y[t]) & (groups[t] >= 0)
        if known.any():
            dummies = groups[t, known, None] == np.arange(3)
            design = np.column_stack([dummies.astype(float), y[t, known]])
            out[t, known] = least_squares(x[t, known], design, y[t, known])
    return out


def orthogonal(w):
    stacked = np.stack([w.x.numpy(), w.y.numpy()], axis=2)
    out = np.full(stacked.shape, math.nan)
    for t, row in enumerate(stacked):
        known = ~np.isnan(row).any(axis=1)
        if known.any():
            for k in range(2):
                design = np.column_stack([np.ones(known.sum()), row[known, :k]])
                out[t, known, k] = least_squares(row[known, k], design, np.ones(known.sum()))
    return out


def without_component(w):
    x = w.y.numpy()
    out = np.full(x.shape, math.nan)
    for t in range(WINDOW - 1, len(x)):
        pane = x[t - WINDOW + 1 : t + 1]
        known = ~np.isnan(pane).any(axis=0)
        if known.any():
            apart = np.column_stack([centred(column) for column in pane[:, known].T])
            axis = np.linalg.svd(apart, full_matrices=False)[2][0]
            out[t, known] = apart[-1] - axis * (axis @ apart[-1])
    return out


def aligned(w):
    out = np.full(w.shape, math.nan)
    out[1:] = w.x.numpy()[:-1]
    out[:, 0] = math.nan
    return out


def log_ratio(a, b):
    a, b = np.asarray(a), np.asarray(b)
    fine = (a > 0) & (b > 0)
    return np.log(np.divide(a, b, out=np.full(a.shape, math.nan), where=fine))


def over(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return np.divide(a, b, out=np.full(a.shape, math.nan), where=b > 0)


def bars(w):
    """Open, high, low and close, some of them impossible."""
    return w.z, 1.1 * w.y, 0.9 * w.z, w.y


def garman_klass(w):
    opened, high, low, close = bars(w)
    terms = 0.5 * log_ratio(high, low) ** 2 - (2 * math.log(2) - 1) * log_ratio(close, opened) ** 2
    return windowed(root_mean, terms)


def moments(w):
    found = [windowed(each, w.x, fewest=2) for each in (std, newest_zscore)]
    return np.stack([windowed(mean, w.x, fewest=1), *found], axis=2)


@dataclass(frozen=True)
class Operation:
    """One operation of the table.

    Attributes:
        call: the operation on a world.
        definition: the same, cell by cell.
        reach: rows, counted from its own, in which a value may show; None: only in other columns
            or wherever the call says.
        across: whether a value shows in other columns too.
    """

    call: Callable[[World], torch.Tensor]
    definition: Callable[[World], np.ndarray]
    reach: int = WINDOW
    across: bool = False


def rolling(name, definition, *, fewest=1, options=(), other=False):
    operation = getattr(features, name)
    arguments = (lambda w: (w.x, w.y)) if other else (lambda w: (w.x,))
    return Operation(
        lambda w: operation(*arguments(w), WINDOW, *options, min_periods=LEAST),
        lambda w: windowed(definition, *arguments(w), fewest=fewest),
    )


def section(name, definition, *options):
    operation = getattr(features, name)
    return Operation(
        lambda w: operation(w.x, *options, mask=w.members),
        lambda w: by_row(definition, np.where(w.members, w.x, math.nan)),
        reach=1,
        across=True,
    )


def grouped(name, definition):
    operation = getattr(features, name)
    return Operation(
        lambda w: operation(w.x, w.groups),
        lambda w: by_group(definition, w),
        reach=1,
        across=True,
    )


def at_events(name, definition, **options):
    operation = getattr(features, name)
    return Operation(
        lambda w: operation(
            w.values,
            w.sessions,
            w.shape,
            assets=w.assets,
            half_life=HALF_LIFE,
            **{key: getattr(w, value) for key, value in options.items()},
        ),
        definition,
        reach=FOREVER,
    )


OPERATIONS = {
    "align": Operation(
        lambda w: features.align(
            w.x,
            rows=torch.arange(-1, w.shape[0] - 1, device=w.x.device),
            columns=torch.arange(w.shape[1], device=w.x.device).masked_fill(
                torch.arange(w.shape[1], device=w.x.device) == 0, -1
            ),
        ),
        aligned,
        reach=2,
    ),
    "amihud_illiquidity": Operation(
        lambda w: features.amihud_illiquidity(w.x, w.z, WINDOW, min_periods=LEAST),
        lambda w: windowed(mean, over(abs(w.x), w.z)),
    ),
    "clip": Operation(
        lambda w: features.clip(w.x, -0.5, 1), lambda w: np.clip(w.x.numpy(), -0.5, 1), reach=1
    ),
    "decayed_mean": at_events("decayed_mean", mean_of_events, weights="weights"),
    "decayed_sum": at_events("decayed_sum", lambda w: events(w, weighted=False)[0]),
    "demean": section("demean", lambda v: v - mean(v)),
    "diff": Operation(
        lambda w: features.diff(w.x, 2), lambda w: moved(w.x, 2, lambda a, b: b - a), reach=3
    ),
    "drawdown": Operation(
        lambda w: features.drawdown(w.z), lambda w: so_far(fallen, w.z), reach=FOREVER
    ),
    "ewm_std": Operation(
        lambda w: features.ewm_std(w.x, HALF_LIFE), lambda w: so_far(spread, w.x), reach=FOREVER
    ),
    "ewma": Operation(
        lambda w: features.ewma(w.x, HALF_LIFE), lambda w: so_far(average, w.x), reach=FOREVER
    ),
    "forward_fill": Operation(
        lambda w: features.forward_fill(w.x, 2), lambda w: so_far(filled, w.x), reach=3
    ),
    "garman_klass_volatility": Operation(
        lambda w: features.garman_klass_volatility(
            **dict(zip(("open", "high", "low", "close"), bars(w), strict=True)),
            window=WINDOW,
            min_periods=LEAST,
        ),
        garman_klass,
    ),
    "group_mean": grouped("group_mean", lambda v: np.full(len(v), mean(v))),
    "group_rank": grouped("group_rank", rank),
    "group_zscore": grouped("group_zscore", zscore),
    "lag": Operation(
        lambda w: features.lag(w.x, 2), lambda w: moved(w.x, 2, lambda a, _: a), reach=3
    ),
    "log_returns": Operation(
        lambda w: features.log_returns(w.z), lambda w: moved(w.z, 1, log_return), reach=2
    ),
    "mask": Operation(
        lambda w: features.mask(w.x, w.members),
        lambda w: np.where(w.members, w.x, math.nan),
        reach=1,
    ),
    "neutralize": Operation(
        lambda w: features.neutralize(w.x, groups=w.groups, styles=w.y, weights=w.y),
        neutral,
        reach=1,
        across=True,
    ),
    "orthogonalize": Operation(
        lambda w: features.orthogonalize(features.stack([w.x, w.y])),
        orthogonal,
        reach=1,
        across=True,
    ),
    "parkinson_volatility": Operation(
        lambda w: features.parkinson_volatility(1.1 * w.y, w.z, WINDOW, min_periods=LEAST),
        lambda w: windowed(root_mean, log_ratio(1.1 * w.y, w.z) ** 2 / (4 * math.log(2))),
    ),
    "pca_residual": Operation(
        lambda w: features.pca_residual(w.y, WINDOW, 1), without_component, across=True
    ),
    "quantile_buckets": section("quantile_buckets", lambda v: np.floor(rank(v) * 3), 3),
    "rank": section("rank", rank),
    "realized_volatility": Operation(
        lambda w: features.realized_volatility(w.x, WINDOW, min_periods=LEAST),
        lambda w: windowed(root_mean, w.x**2),
    ),
    "returns": Operation(
        lambda w: features.returns(w.z), lambda w: moved(w.z, 1, plain_return), reach=2
    ),
    "robust_zscore": section("robust_zscore", robust_zscore),
    "rolling_argmax": rolling("rolling_argmax", lambda v, ages: ages[v == v.max()][-1]),
    "rolling_argmin": rolling("rolling_argmin", lambda v, ages: ages[v == v.min()][-1]),
    "rolling_beta": rolling("rolling_beta", beta, fewest=2, other=True),
    "rolling_corr": rolling("rolling_corr", corr, fewest=2, other=True),
    "rolling_cov": rolling("rolling_cov", cov, fewest=2, other=True),
    "rolling_kurt": rolling("rolling_kurt", kurt, fewest=4),
    "rolling_max": rolling("rolling_max", lambda v, _: v.max()),
    "rolling_mean": rolling("rolling_mean", mean),
    "rolling_median": rolling("rolling_median", lambda v, _: np.median(v)),
    "rolling_min": rolling("rolling_min", lambda v, _: v.min()),
    "rolling_moments": Operation(
        lambda w: features.stack(
            list(vars(features.rolling_moments(w.x, WINDOW, min_periods=LEAST)).values())
        ),
        moments,
    ),
    "rolling_quantile": rolling(
        "rolling_quantile", lambda v, _: np.quantile(v, 0.3), options=(0.3,)
    ),
    "rolling_r2": rolling("rolling_r2", lambda v, ages: corr(v, -ages, None) ** 2, fewest=2),
    "rolling_rank": rolling("rolling_rank", newest_rank),
    "rolling_residual": rolling("rolling_residual", residual, fewest=2, other=True),
    "rolling_skew": rolling("rolling_skew", skew, fewest=3),
    "rolling_slope": rolling("rolling_slope", lambda v, ages: beta(v, -ages, None), fewest=2),
    "rolling_std": rolling("rolling_std", std, fewest=2),
    "rolling_sum": rolling("rolling_sum", lambda v, _: math.fsum(v)),
    "rolling_var": rolling("rolling_var", var, fewest=2),
    "rolling_zscore": rolling("rolling_zscore", newest_zscore, fewest=2),
    "sessions_since": Operation(
        lambda w: features.sessions_since(w.x > 0.5),
        lambda w: so_far(since, w.x > 0.5),
        reach=FOREVER,
    ),
    "share_turnover": Operation(
        lambda w: features.share_turnover(w.y, w.z, WINDOW, min_periods=LEAST),
        lambda w: windowed(mean, over(w.y, w.z)),
    ),
    "stack": Operation(
        lambda w: features.stack([w.x, w.y]), lambda w: np.stack([w.x, w.y], axis=2), reach=1
    ),
    "volatility": Operation(
        lambda w: features.volatility(w.z, WINDOW, min_periods=LEAST),
        lambda w: windowed(std, moved(w.z, 1, log_return), fewest=2),
        reach=WINDOW + 1,
    ),
    "winsorize": section(
        "winsorize", lambda v: v.clip(np.quantile(v, 0.2), np.quantile(v, 0.8)), 0.2
    ),
    "zscore": section("zscore", zscore),
}
EVENTS = {"decayed_mean", "decayed_sum"}
"""Operations whose input isn't series."""

KNOWN_KINDS = ("plain", "gaps", "ties", "constant")
ROUNDING = {"rtol": 1e-9, "atol": 1e-11}


def worlds(*kinds: str) -> st.SearchStrategy[World]:
    return st.builds(
        world,
        seed=st.integers(0, 2**32),
        rows=st.integers(1, 14),
        columns=st.integers(1, 7),
        kind=st.sampled_from(kinds),
    )


every_operation = pytest.mark.parametrize("name", sorted(OPERATIONS))
few = settings(max_examples=8, deadline=None)


def test_table_holds_every_public_operation():
    assert set(OPERATIONS) == set(features.__all__) - {"Moments"}


@every_operation
@few
@example(world(seed=0, rows=1, columns=5, kind="plain"))
@example(world(seed=1, rows=12, columns=1, kind="gaps"))
@example(world(seed=2, rows=1, columns=1, kind="plain"))
@example(world(seed=3, rows=12, columns=6, kind="constant"))
@example(world(seed=4, rows=12, columns=6, kind="ties"))
@example(world(seed=5, rows=20, columns=6, kind="gaps"))
@given(worlds(*KNOWN_KINDS))
def test_operation_is_its_definition_and_unknown_where_that_is(name, given):
    operation = OPERATIONS[name]
    assert_allclose(operation.call(given), operation.definition(given), **ROUNDING)


@every_operation
@few
@given(worlds("plain", "gaps", "ties"), st.integers(0, 13), st.integers(0, 2**32))
def test_past_is_the_same_to_the_last_bit_whatever_comes_later(name, given, after, seed):
    operation = OPERATIONS[name]
    after = min(after, given.shape[0] - 1)
    found = operation.call(given.changed(after=after, seed=seed))
    assert_array_equal(found[: after + 1], operation.call(given)[: after + 1])


@every_operation
@few
@given(worlds(*KNOWN_KINDS), st.randoms(use_true_random=False))
def test_permuted_assets_give_permuted_results(name, given, random):
    if name == "align":
        pytest.skip("moves columns by their positions")
    order = list(range(given.shape[1]))
    random.shuffle(order)
    call = OPERATIONS[name].call
    found, expected = call(given.permuted(torch.tensor(order))), call(given)[:, order]
    assert_allclose(found, expected, **ROUNDING)


@every_operation
@few
@given(worlds("plain", "gaps"), st.data(), st.sampled_from([math.inf, -math.inf]))
def test_infinity_goes_no_further_than_a_value_reaches(name, given, data, infinity):
    operation = OPERATIONS[name]
    if name in EVENTS:
        which = data.draw(st.integers(0, 39))
        values = given.values.clone()
        values[which] = infinity
        row, column = int(given.sessions[which]), int(given.assets[which])
        spoilt = replace(given, values=values)
    else:
        row = data.draw(st.integers(0, given.shape[0] - 1))
        column = data.draw(st.integers(0, given.shape[1] - 1))
        changed = {field: getattr(given, field).clone() for field in ("x", "y", "z")}
        for series in changed.values():
            series[row, column] = infinity
        spoilt = replace(given, **changed)
    untouched = np.ones(given.shape, dtype=bool)
    if column >= 0:
        columns = slice(None) if operation.across else column
        untouched[row : row + operation.reach, columns] = False
    found, expected = operation.call(spoilt).numpy(), operation.call(given).numpy()
    assert_allclose(found[untouched], expected[untouched], **ROUNDING)


@every_operation
def test_unknown_stays_unknown(name):
    found = OPERATIONS[name].call(world(seed=1, rows=12, columns=4, kind="unknown"))
    if name == "decayed_sum":
        assert_array_equal(found, 0.0)
    else:
        assert found.isnan().all()


@every_operation
def test_nothing_gives_nothing(name):
    given = world(seed=1, rows=3, columns=4, kind="plain")
    empty = {field.name: getattr(given, field.name)[:0] for field in fields(given)}
    assert OPERATIONS[name].call(World(**empty)).shape[:2] == (0, 4)


@every_operation
def test_inputs_are_kept_and_results_have_double_precision(name):
    given = world(seed=6, rows=30, columns=9, kind="gaps")
    before = World(**{field.name: getattr(given, field.name).clone() for field in fields(given)})
    assert OPERATIONS[name].call(given).dtype == torch.float64
    for field in fields(given):
        assert_array_equal(getattr(given, field.name), getattr(before, field.name))


@every_operation
@pytest.mark.parametrize("kind", KNOWN_KINDS)
@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
        ),
    ],
)
def test_operation_without_kernels_agrees_with_the_kernels(name, kind, device, monkeypatch):
    call, given = OPERATIONS[name].call, world(seed=8, rows=60, columns=9, kind=kind)
    expected = call(given)
    monkeypatch.setattr(compiled, "serves", lambda _: False)
    found = call(given.to(device))
    assert found.device.type == device
    assert_allclose(found.cpu(), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (torch.ones(3), r"weights: expected \(40,\)"),
        (-torch.ones(40), "weights: expected finite numbers of at least 0"),
        (torch.full((40,), math.inf), "weights: expected finite numbers of at least 0"),
    ],
)
def test_weights_of_events_are_checked(weights, message):
    given = replace(world(seed=1, rows=9, columns=2, kind="plain"), weights=weights)
    with pytest.raises(DataError, match=message):
        OPERATIONS["decayed_mean"].call(given)


# What a signal or strategy must not do by hand, since an operation does it.
BY_HAND = {
    *("cummax", "cummin", "unfold", "rolling", "ewm", "diff", "roll"),
    *("std", "var", "nanstd", "nanvar", "median", "nanmedian", "quantile", "nanquantile"),
    *("argsort", "sort", "rank", "rankdata", "scatter_add", "index_add", "index_put_"),
    *("corrcoef", "cov", "lstsq", "svd", "eigh", "clip", "clamp"),
}


SIGNALS = sorted(Path(finstrat_plugins.signals.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("file", SIGNALS, ids=lambda file: file.stem)
def test_bundled_signal_repeats_no_operation(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    attributes = [each for each in calls if isinstance(each, ast.Attribute)]
    own = [
        f"{file.name}:{each.lineno}: {each.attr}"
        for each in attributes
        if each.attr in BY_HAND
        and not (isinstance(each.value, ast.Name) and each.value.id == "features")
        # A fitted model's answers are NumPy's, no series.
        and ast.unparse(each) != "np.clip"
    ]
    assert own == []


def test_bundled_signals_over_series_use_the_operations():
    using = {file.stem for file in SIGNALS if "features." in file.read_text(encoding="utf-8")}
    assert using >= {"combine", "expression", "market_mood", "momentum", "news_sentiment"}
