"""Whether a run earns more than the same strategy on texts that say nothing of their day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from finstrat.pipeline import decide, text_signals, with_exposure_of
from finstrat.signals import compute_signals, untouched
from finstrat.validate.luck import Finding, placebo_test
from finstrat.validate.shifts import circular_shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from finstrat.audit.case import Case
    from finstrat.portfolio.decision import CheckedDecision


def beats_placebos(case: Case, *, draws: int) -> Finding:
    """Whether the same texts at other times earn as much.

    In each placebo the texts of every asset are shifted in a circle over that asset's documents, so
    that their number, times and the order of their tone stay; exposure is scaled to the run's own
    mean. Returns before costs are compared, so that turnover neither helps nor hurts.
    """
    if not text_signals(case.plan):
        return Finding("not applicable", "No text was used, so there is nothing to shift.")
    own, *earned = _gross(case, _own_and_placebos(case, draws)).tolist()
    finding = placebo_test(own, np.array(earned))
    return replace(finding, detail={"own": own, "draws": earned})


def _own_and_placebos(case: Case, draws: int) -> Iterator[CheckedDecision]:
    """The run's own decision, and then those of as many placebos."""
    groups = case.inputs.document_assets().cpu().numpy()
    rng = np.random.default_rng(case.seed)
    yield case.decision
    for i in range(draws):
        case.progress("placebos", i, draws)
        yield _shifted(case, circular_shift(groups, rng))
    case.progress("placebos", draws, draws)


def _shifted(case: Case, order: NDArray[np.int64]) -> CheckedDecision:
    """What the strategy decides when document i carries the text of document `order[i]`."""
    inputs = case.inputs
    scorer, places = inputs.scorer, torch.from_numpy(order)
    shifted = replace(
        inputs,
        documents=inputs.documents.with_texts_of(order),
        scorer=None if scorer is None else lambda name: scorer(name)[places],
    )
    kept = untouched(case.features, case.plan.signals, text_signals(case.plan))
    features = compute_signals(case.plan, shifted, given=kept)
    decision = decide(case.plan, replace(shifted, features=features))
    return with_exposure_of(case.decision, decision, first=case.market.first)


def _gross(case: Case, decisions: Iterable[CheckedDecision]) -> NDArray[np.float64]:
    """The mean daily return before costs of trading on each decision, by the quick engine."""
    means: NDArray[np.float64] = case.desk.daily_returns(decisions).gross.mean(axis=1)
    return means
