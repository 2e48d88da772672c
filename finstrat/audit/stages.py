"""Where two computations of one run first part, stage by stage in the order of the pipeline.

Documents and prices come first, then each signal, the strategy, and the targets that are traded on.
It compares what it is handed, and knows nothing of why the two should be the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.audit.case import SAME
from finstrat.signals import signal_order
from finstrat.validate.causality.report import Change
from finstrat.validate.causality.subject import RELATIVE
from finstrat.validate.causality.tables import (
    first_change,
    of_documents,
    of_facts,
    on_one_basis,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import torch
    from numpy.typing import NDArray

    from finstrat.config import Plan
    from finstrat.market import Market
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.signals import Features


@dataclass(frozen=True, eq=False)
class Computed:
    """One computation of a run, from what its sources gave to the targets `[T, N]`."""

    market: Market
    features: Features
    decision: CheckedDecision
    targets: pd.DataFrame


@dataclass(frozen=True)
class Parting:
    """The first stage at which two computations differ, and the first place there.

    Attributes:
        stage: like `signals.news`, as the backtest file calls it.
        change: the place, and both values.
        agreed: the stages before it, which were the same.
        target: the first target to change; None where none did.
    """

    stage: str
    change: Change
    agreed: tuple[str, ...]
    target: Change | None


def first_parting(
    plan: Plan, later: Computed, earlier: Computed, *, changed_by: str
) -> Parting | None:
    """Where `later`, up to the last session of `earlier`, isn't what `earlier` is; None if it is.

    Values count as the same within 1e-9 of themselves and of the median of their output, targets
    within 1e-9.
    """
    agreed: list[str] = []
    for stage, change in _stages(plan, later, earlier, changed_by):
        if change is not None:
            target = _of_targets(later, earlier, changed_by)
            return Parting(stage, change, tuple(agreed), target)
        if stage not in agreed:
            agreed.append(stage)
    return None


def _stages(
    plan: Plan, later: Computed, earlier: Computed, changed_by: str
) -> Iterator[tuple[str, Change | None]]:
    """Every stage with the first change in it, compared only once it is asked for."""
    yield "prices", _of_prices(later.market, earlier.market, changed_by)
    # Where several sources are joined, an id begins with its source's name.
    cutoff = earlier.market.clock.cutoff[-1]
    if plan.documents:
        old, new = (
            of_documents(each.market.documents.visible_before(cutoff)) for each in (later, earlier)
        )
        yield _named("documents", plan.documents), first_change(old, new, changed_by)
    if plan.facts:
        old, new = (of_facts(each.market.facts.visible_before(cutoff)) for each in (later, earlier))
        yield _named("facts", plan.facts), first_change(old, new, changed_by)
    for name in signal_order(plan.signals):
        for output in plan.signals[name].outputs:
            key = f"{name}.{output}"
            old, new = (_wide(each.features[key], each.market) for each in (later, earlier))
            yield f"signals.{name}", _shared(f"signals.{key}", old, new, changed_by)
    for part in ("alpha", "weights", "eligible", "exposure", "rebalance"):
        if getattr(later.decision, part) is None or getattr(earlier.decision, part) is None:
            continue
        old, new = (
            _wide(getattr(each.decision, part).astype(np.float64), each.market)
            for each in (later, earlier)
        )
        yield "strategy", _shared(f"the strategy's {part}", old, new, changed_by)
    yield (
        "strategy" if plan.optimizer is None else "optimizer",
        _of_targets(later, earlier, changed_by),
    )


def _named(table: str, sources: Iterable[str]) -> str:
    """A table of a backtest file, with the name of the source where it holds but one."""
    names = list(sources)
    return f"{table}.{names[0]}" if len(names) == 1 else table


def _of_prices(later: Market, earlier: Market, changed_by: str) -> Change | None:
    """The first session at which a field or membership differs, whatever the field."""
    last = earlier.panel.index[-1]
    old, new = on_one_basis(later.panel), on_one_basis(earlier.panel)
    absent = pd.DataFrame(index=earlier.panel.index, dtype=np.float64)
    found = [
        _first_cell(
            f"prices' {name}", old.get(name, absent).loc[:last], new.get(name, absent), changed_by
        )
        for name in sorted({*old, *new})
    ]
    return min((each for each in found if each), key=lambda each: each.at, default=None)


def _of_targets(later: Computed, earlier: Computed, changed_by: str) -> Change | None:
    """The first target that differs; an asset that one side lacks is held at 0 there."""
    index = earlier.targets.index
    assets = sorted({*later.targets.columns, *earlier.targets.columns})
    old, new = (
        each.targets.reindex(index=index, columns=assets)
        .fillna(0.0)
        .mask(each.targets.reindex(index=index).isna().all(axis=1), axis=0)
        for each in (later, earlier)
    )
    return _first_cell("the target", old, new, changed_by, absolute=SAME)


def _wide(values: torch.Tensor | NDArray[np.float64], market: Market) -> pd.DataFrame:
    """`[T, N]` by asset, or `[T]` as one column of the market's."""
    array = values if isinstance(values, np.ndarray) else values.cpu().numpy()
    columns = list(market.panel.assets) if array.ndim > 1 else [""]
    return pd.DataFrame(array.reshape(len(array), -1), index=market.panel.index, columns=columns)


def _shared(
    name: str, later: pd.DataFrame, earlier: pd.DataFrame, changed_by: str
) -> Change | None:
    """The first difference over the sessions of `earlier` and the assets that both know.

    An asset that is listed after `earlier` ends has no column there, which says nothing.
    """
    assets = [asset for asset in earlier.columns if asset in later.columns]
    last = earlier.index[-1]
    return _first_cell(name, later.loc[:last, assets], earlier[assets], changed_by)


def _first_cell(
    name: str,
    later: pd.DataFrame,
    earlier: pd.DataFrame,
    changed_by: str,
    *,
    absolute: float | None = None,
) -> Change | None:
    """The first cell of either frame that the other gives another value, or none."""
    index = later.index.union(earlier.index)
    columns = sorted({*later.columns, *earlier.columns})
    a, b = (
        each.reindex(index=index, columns=columns).to_numpy(dtype=np.float64)
        for each in (later, earlier)
    )
    if absolute is None:
        sizes = np.abs(a[~np.isnan(a) & (a != 0.0)])
        median = float(np.median(sizes)) if sizes.size else 0.0
        allowed = RELATIVE * (np.maximum(np.abs(a), np.abs(b)) + median)
    else:
        allowed = np.full_like(a, absolute)
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.abs(a - b) <= allowed) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return None
    row, column = np.argwhere(~same)[0]
    return Change(
        changed_by,
        name,
        f"{index[row]:%Y-%m-%d}",
        columns[column] or None,
        _number(a[row, column]),
        _number(b[row, column]),
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
