"""Whether a run outlives the number of trials that were made, and what those say about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.ledger import trial_of
from finstrat.validate.family import among_its_family
from finstrat.validate.luck import Finding, deflated_sharpe

if TYPE_CHECKING:
    from finstrat.audit.case import Case


def survives_its_trials(case: Case) -> Finding:
    """Whether the return less the twin's (net where no text is read) outlives the trials made."""
    net, twin = (case.result.sessions[name].to_numpy(dtype=np.float64) for name in ("net", "twin"))
    own = net if np.isnan(twin).all() else net - twin
    trial = trial_of(
        case.plan.resolved,
        components=case.plan.components,
        inputs=case.market.digests,
        assets=list(case.market.panel.assets),
    )
    family, rivals = case.ledger.family(trial), case.ledger.rivals(trial)
    found = deflated_sharpe(own, rivals, recorded=family["recorded"], declared=family["declared"])
    independent = dict(found.figures).get("Independent trials")
    if independent is None or independent.value is None:
        return found
    beside = among_its_family(
        own,
        rivals,
        trials=int(independent.value),
        periods_per_year=case.result.periods_per_year,
        seed=case.seed,
    )
    evidence = " ".join(each for each in (found.evidence, beside.told) if each)
    return replace(found, evidence=evidence, figures=(*found.figures, *beside.figures))
