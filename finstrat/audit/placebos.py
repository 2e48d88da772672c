"""Whether a run earns more than the same strategy on texts that say nothing of their day or asset.

The third placebo of the design, neutral text, is the run's twin, which every run has anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch

from finstrat.components import Placebo
from finstrat.errors import PluginError
from finstrat.faults import told_of
from finstrat.pipeline import decide, with_exposure_of
from finstrat.signals import compute_signals, text_signals, untouched
from finstrat.validate.luck import Finding, placebo_test
from finstrat.validate.shifts import FEWEST_SWAPPED, circular_shift, different_swaps, swaps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from finstrat.audit.case import Case
    from finstrat.components import Inputs, Signal
    from finstrat.portfolio.decision import CheckedDecision

FEWEST = 19
"""Draws of one kind, however few were asked for: fewer can't reach p = 0.05."""


@dataclass(frozen=True)
class Applied:
    """A kind of placebo, the signals it is done to, and how often."""

    kind: Placebo
    signals: list[str]
    draws: int


def beats_placebos(case: Case, *, draws: int) -> Finding:
    """Whether the same texts at other times, or about other assets, earn as much.

    "shift": the texts of every asset are shifted in a circle over that asset's documents, so that
    their number, times and the order of their tone stay. "swap": each asset gets the documents of
    another, so that everything stays but whom it is about. Each is done to the signals that declare
    it, and `draws` are shared among the kinds, at least `FEWEST` each. Exposure is scaled to the
    run's own mean, and returns before costs are compared, so that turnover neither helps nor hurts.
    """
    if not text_signals(case.plan):
        return Finding("not applicable", "No text was used, so there is nothing to shift.")
    applied = _applied(case, draws)
    if not applied:
        return Finding(
            "inconclusive",
            "The signals that read text declare no placebo that applies here, so nothing shows "
            "that it isn't luck.",
        )
    gross = case.desk.daily_returns(_own_and_placebos(case, applied)).gross.mean(axis=1)
    sizes = np.cumsum([1, *(each.draws for each in applied)])
    own = float(gross[0])
    earned = {
        each.kind: gross[start:stop]
        for each, start, stop in zip(applied, sizes[:-1], sizes[1:], strict=True)
    }
    finding = placebo_test(own, earned)
    kept = {kind: values.tolist() for kind, values in earned.items()}
    return replace(finding, detail={"own": own, "placebos": kept})


def placebos_of(signal: Signal) -> tuple[Placebo, ...]:
    """The placebos that a signal declares, or those that its scope suggests.

    Raises:
        PluginError: it declares one that there isn't.
    """
    if signal.placebos is None:
        return ("shift", "swap") if signal.scope == "asset" else ("shift",)
    for each in signal.placebos:
        if each not in get_args(Placebo):
            raise PluginError(
                f'no placebo "{each}"; placebos may name {" and ".join(get_args(Placebo))}'
            )
    return signal.placebos


def _applied(case: Case, draws: int) -> list[Applied]:
    """The kinds that can be done to this run, with their share of `draws`."""
    reading: dict[Placebo, list[str]] = {kind: [] for kind in get_args(Placebo)}
    for name in text_signals(case.plan):
        with told_of(case.plan, f"signals.{name}"):
            for kind in placebos_of(case.plan.signals[name]):
                reading[kind].append(name)
    spoken = len(_spoken_of(case.inputs))
    if spoken < FEWEST_SWAPPED:
        reading["swap"] = []
    kinds = [kind for kind, names in reading.items() if names]
    found = []
    for place, kind in enumerate(kinds):
        share = max(draws // len(kinds) + (place < draws % len(kinds)), FEWEST)
        if kind == "swap":
            share = min(share, different_swaps(spoken))
        found.append(Applied(kind, reading[kind], share))
    return found


def _spoken_of(inputs: Inputs) -> NDArray[np.int64]:
    """The columns of the assets that any document is about, rising."""
    columns = np.unique(inputs.document_assets().cpu().numpy())
    return columns[columns >= 0]


def _own_and_placebos(case: Case, applied: list[Applied]) -> Iterator[CheckedDecision]:
    """The run's own decision, and then those of the placebos, one kind after the other."""
    rng = np.random.default_rng(case.seed)
    yield case.decision
    total, done = sum(each.draws for each in applied), 0
    for each in applied:
        for inputs in _changed(case.inputs, each, rng):
            case.progress("placebos", done, total)
            done += 1
            yield _decided(case, inputs, each.signals)
    case.progress("placebos", total, total)


def _changed(inputs: Inputs, applied: Applied, rng: np.random.Generator) -> Iterator[Inputs]:
    """What signals may see in each draw of one kind of placebo."""
    if applied.kind == "shift":
        groups = inputs.document_assets().cpu().numpy()
        for _ in range(applied.draws):
            yield _with_texts_of(inputs, circular_shift(groups, rng))
        return
    assets, spoken = inputs.panel.assets, _spoken_of(inputs)
    for order in swaps(len(spoken), applied.draws, rng):
        others = {assets[a]: assets[b] for a, b in zip(spoken, spoken[order], strict=True)}
        yield replace(inputs, documents=inputs.documents.about_others(others))


def _with_texts_of(inputs: Inputs, order: NDArray[np.int64]) -> Inputs:
    """`inputs` where document i carries the text of document `order[i]`."""
    scorer, places = inputs.scorer, torch.from_numpy(order)
    return replace(
        inputs,
        documents=inputs.documents.with_texts_of(order),
        scorer=None if scorer is None else lambda name: scorer(name)[places],
    )


def _decided(case: Case, inputs: Inputs, roots: list[str]) -> CheckedDecision:
    """What the strategy decides where the signals `roots` and those built on them see `inputs`."""
    kept = untouched(case.features, case.plan.signals, roots)
    features = compute_signals(case.plan, inputs, given=kept)
    decision = decide(case.plan, replace(inputs, features=features))
    return with_exposure_of(case.decision, decision, first=case.market.first)
