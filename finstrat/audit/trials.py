"""Whether a run outlives the number of trials that were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.ledger import trial_of
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
    family = case.ledger.family(trial)
    return deflated_sharpe(
        own,
        case.ledger.rivals(trial),
        recorded=family["recorded"],
        declared=family["declared"],
    )
