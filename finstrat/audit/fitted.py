"""Whether what a run's signals were fitted to holds on data that the fit never saw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from finstrat.errors import DataError
from finstrat.fitting import FOLDS, FittedSignal
from finstrat.pipeline import decide
from finstrat.risk import sharpe
from finstrat.risk.conventions import observed
from finstrat.signals import compute_signals, untouched
from finstrat.validate.luck import Finding
from finstrat.validate.out_of_sample import holds_out_of_sample

if TYPE_CHECKING:
    from finstrat.audit.case import Case
    from finstrat.risk.figure import Figure


def out_of_sample(case: Case) -> Finding:
    """Whether what was fitted holds on data it was not fitted on.

    The run itself is walked forward, so its own signals are judged; and for the distribution of
    what might have been, models are cross-validated and the strategy trades on each path.
    """
    if not case.fits:
        return Finding("not applicable", "Nothing in this run is fitted to data.")
    inputs, first = replace(case.inputs, features=case.features), case.market.first
    walk: dict[str, Figure] = {}
    paths: dict[str, list[Figure]] = {}
    said: dict[str, torch.Tensor] = {}
    for done, name in enumerate(case.fits):
        case.progress("out of sample", done, len(case.fits) + 1)
        signal = case.plan.signals[name]
        assert isinstance(signal, FittedSignal)
        own = torch.stack([case.features[f"{name}.{output}"] for output in signal.outputs], dim=-1)
        walk[name] = signal.judged(own, inputs, first=first)
        try:
            said[name] = signal.cross_validated(inputs)
        except DataError as error:
            return Finding("inconclusive", f"{name}: {error}")
        paths[name] = [signal.judged(path, inputs, first=first) for path in said[name]]
    ratios = [
        _sharpe_of_path(case, {name: each[i] for name, each in said.items()})
        for i in range(FOLDS - 1)
    ]
    case.progress("out of sample", len(case.fits) + 1, len(case.fits) + 1)
    detail = {
        "ic": {name: [each.value for each in figures] for name, figures in paths.items()},
        "sharpe": [each.value for each in ratios],
    }
    return replace(holds_out_of_sample(walk, paths, ratios), detail=detail)


def _sharpe_of_path(case: Case, said: dict[str, torch.Tensor]) -> Figure:
    """The net Sharpe ratio where the fitted signals say what they say on one path."""
    plan, inputs = case.plan, case.inputs
    replaced = {
        f"{name}.{output}": values[..., k]
        for name, values in said.items()
        for k, output in enumerate(plan.signals[name].outputs)
    }
    given = {**untouched(case.features, plan.signals, list(said)), **replaced}
    features = compute_signals(plan, inputs, given=given)
    decision = decide(plan, replace(inputs, features=features))
    net = case.desk.trade(decision, engine="ledger").simulation.sessions["net"].to_numpy()
    net = net - case.inference_drag
    return sharpe(
        observed(net),
        periods_per_year=case.result.periods_per_year,
        risk_free=plan.config.market.risk_free,
    )
