"""Whether a run needs what its models may remember: lexicon arm, masked arm, recall probe.

The same backtest runs again with `lm-lexicon` in the models' place, which has no memory, and again
over texts without names and dates. `recall` asks generative models outright.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.audit.recall import recall_of
from finstrat.components import Scorer
from finstrat.data.entities import Entities
from finstrat.errors import FinstratError
from finstrat.host import Host
from finstrat.pipeline import decide, neutral_twin
from finstrat.signals import Scores, compute_signals, text_signals, untouched
from finstrat.text.clean import clean
from finstrat.text.masking import Mask
from finstrat.validate.luck import Finding
from finstrat.validate.memory import edge_by_cutoff, edge_without_names, together

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd
    from numpy.typing import NDArray

    from finstrat.audit.case import Case
    from finstrat.config import Plan
    from finstrat.data import Documents

ARM = "lm-lexicon"
"""The scorer without memory that stands in for models."""


def needs_no_memory(case: Case) -> Finding:
    """Whether the run's edge is there without a model's memory of the period.

    Not applicable where no model that remembers was used; a pass where all of them had been trained
    before the first session. Else the worst of three: the edge before and after the cutoff, the run
    over masked texts, and what generative models recall. Never a pass without sessions after the
    cutoff.
    """
    scores = case.inputs.scorer
    used = sorted(scores.cards) if isinstance(scores, Scores) else []
    asked = {name: case.plan.scorers[name] for name in used if case.plan.scorers[name].remembers}
    if not asked or not text_signals(case.plan):
        return Finding("not applicable", "No model was used that could remember the period.")
    cutoffs = [scorer.card.training_cutoff for scorer in asked.values()]
    cutoff = None if None in cutoffs else max(day for day in cutoffs if day is not None)
    days = case.result.sessions.index.to_numpy().astype("datetime64[D]")
    if cutoff is not None and np.datetime64(cutoff, "D") < days[0]:
        told = f"Every session lies after the models' training, which ended by {cutoff}."
        return Finding("pass", told)
    judges = {name: each for name, each in asked.items() if each.outputs[-1] == "score"}
    findings = [
        _by_cutoff(case, judges, days, cutoff),
        _without_names(case, judges),
        recall_of(case, asked, cutoff),
    ]
    case.progress("memory", 3, 3)
    kept = sorted(set(asked) - set(judges))
    if kept:
        told = f"{', '.join(kept)} gives no score that a lexicon could give, and stayed in place."
        findings.append(Finding("inconclusive", told))
    return together(findings)


def _by_cutoff(
    case: Case,
    judges: dict[str, Scorer],
    days: NDArray[np.datetime64],
    cutoff: dt.date | None,
) -> Finding:
    """The run against the same with a lexicon in the place of `judges`."""
    if not judges:
        return Finding("inconclusive", "No model gives a score, so no lexicon can stand in.")
    case.progress("memory", 0, 3)
    try:
        lexicon = Host.load().get(Scorer, ARM).component()
        assert isinstance(lexicon, Scorer)
        plan = replace(case.plan, scorers={**case.plan.scorers, **dict.fromkeys(judges, lexicon)})
        arm = _excess(case, plan, _scores(case, plan, case.market.documents))
    except FinstratError as error:
        return Finding("inconclusive", f"The lexicon's arm can't be run: {error}")
    return edge_by_cutoff(_own(case), arm, days, cutoff=cutoff, seed=case.seed)


def _without_names(case: Case, judges: dict[str, Scorer]) -> Finding:
    """The run against the same where models read texts without names, handles and dates."""
    case.progress("memory", 1, 3)
    documents = case.market.documents
    mask = Mask(Entities.bundled(), case.market.panel.assets)
    texts = [mask.masked(text) for text in documents.texts]
    changed = np.array(
        [masked != clean(text) for masked, text in zip(texts, documents.texts, strict=True)],
        dtype=bool,
    )
    masked = _scores(case, case.plan, documents.with_texts(texts))
    pairs: list[list[NDArray[np.float64]]] = [
        [each(name)[:, -1].double().numpy()[changed] for name in judges]
        for each in (case.inputs.scores, masked)
    ]
    if not judges or not changed.any():
        return Finding("inconclusive", "No text has a name, handle or date to mask.")
    return edge_without_names(
        _own(case),
        _excess(case, case.plan, masked),
        scores=(np.concatenate(pairs[0]), np.concatenate(pairs[1])),
        changed=int(changed.sum()),
        seed=case.seed,
    )


def _scores(case: Case, plan: Plan, documents: Documents) -> Scores:
    """Scores of other texts or by other scorers, out of the cache where they are there."""
    return Scores(
        plan, documents, cache=case.cache, device=case.inputs.device, progress=case.progress
    )


def _excess(case: Case, plan: Plan, scores: Scores) -> NDArray[np.float64]:
    """What the run earns a day beyond its twin, `[T]`, on other scores of its documents.

    The documents stay as they are for whatever reads them but the models.
    """
    inputs, first = replace(case.inputs, scorer=scores), case.market.first
    kept = untouched(case.features, plan.signals, text_signals(plan))
    features = compute_signals(plan, inputs, given=kept)
    decision = decide(plan, replace(inputs, features=features))
    twin = neutral_twin(plan, inputs, features, decision, first=first)
    assert twin is not None
    return _difference(
        *(case.desk.trade(each).simulation.sessions["net"] for each in (decision, twin))
    )


def _own(case: Case) -> NDArray[np.float64]:
    """What the run itself earned a day beyond its twin, `[T]`, inference not counted.

    What a model remembers doesn't depend on what it costs, and the other arms cost something else.
    """
    sessions = case.result.sessions
    return _difference(sessions["net"], sessions["twin"]) + case.inference_drag


def _difference(net: pd.Series, twin: pd.Series) -> NDArray[np.float64]:
    difference: NDArray[np.float64] = net.to_numpy(np.float64) - twin.to_numpy(np.float64)
    return difference
