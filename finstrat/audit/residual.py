"""Whether what the text says beyond past returns still earns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finstrat.pipeline import neutral_twin, with_text_replaced
from finstrat.validate.luck import Finding
from finstrat.validate.residual import beyond_past_returns
from finstrat.validate.verdict import beats_twin

if TYPE_CHECKING:
    from finstrat.audit.case import Case


def beyond_prices(case: Case) -> Finding:
    """Whether what the text says beyond past returns still beats the text-neutral twin."""
    first = case.market.first
    close = case.inputs.prices("close")
    residual = with_text_replaced(
        case.plan,
        case.inputs,
        case.features,
        case.decision,
        first=first,
        by=lambda values: beyond_past_returns(values, close),
    )
    twin = neutral_twin(case.plan, case.inputs, case.features, case.decision, first=first)
    if residual is None or twin is None:
        return Finding("not applicable", "No text was used.")
    own, other = (
        case.desk.trade(each).simulation.sessions["net"].to_numpy() for each in (residual, twin)
    )
    # What was read is the same, so it costs the same.
    own = own - case.inference_drag
    check = beats_twin(own, other, seed=case.seed)
    evidence = f"With past returns taken out of the text's signals: {check.evidence}"
    # That nothing is left beyond past returns is no proof against the signal.
    status = "inconclusive" if check.status == "fail" else check.status
    figures = tuple((f"{label}, past returns taken out", each) for label, each in check.figures)
    return Finding(status, evidence, figures)
