"""A stored run, reopened: what every check of an audit starts from and changes on purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from finstrat.config import Backtest, resolve
from finstrat.desk import Desk
from finstrat.errors import DataError
from finstrat.ledger import Ledger
from finstrat.market import load_market
from finstrat.pipeline import decide, inputs_over, pick_device
from finstrat.signals import Scores, compute_signals
from finstrat.simulate.inference import inference_drag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from finstrat.components import Inputs
    from finstrat.config import Plan
    from finstrat.host import Host
    from finstrat.market import Market
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.project import Project
    from finstrat.signals import Features, Fits, Progress
    from finstrat.store import RunResult
    from finstrat.text.cache import ScoreCache

SAME = 1e-9
"""Weights, and values of an account as shares of it, that are closer than this are the same."""


@dataclass(frozen=True, eq=False)
class Case:
    """A stored run, reopened: everything an audit changes, and what it is compared with."""

    result: RunResult
    plan: Plan
    market: Market
    inputs: Inputs
    features: Features
    fits: Fits
    decision: CheckedDecision
    desk: Desk
    ledger: Ledger
    cache: ScoreCache
    progress: Progress

    @property
    def seed(self) -> int:
        """The run's own seed, which every draw of an audit starts from."""
        return self.plan.config.seed

    @property
    def inference_drag(self) -> NDArray[np.float64]:
        """What inference took of each of the run's daily returns, `[T]`."""
        return inference_drag(self.result.sessions, initial_cash=self.result.initial_cash)


def reopen(
    result: RunResult,
    *,
    project: Project,
    host: Host,
    cache: ScoreCache,
    device: str = "auto",
    progress: Progress = lambda _step, _done, _total: None,
) -> Case:
    """The case of a stored run.

    Raises:
        DataError: it isn't a backtest, or its inputs or the code of its components have changed
            since, so that an audit would judge something else.
    """
    if result.kind != "backtest":
        raise DataError(
            f"{result.name}: a result of kind {result.kind}; only a backtest runs again"
        )
    config = Backtest.model_validate(result.config)
    plan = resolve(config, host, root=project.root)
    market = load_market(plan)
    recorded = result.manifest["components"]
    changed = [
        key
        for key, each in plan.components.items()
        if (each["version"], each["sha256"])
        != (recorded.get(key, {}).get("version"), recorded.get(key, {}).get("sha256"))
    ]
    for key, digest in market.digests.items():
        if result.manifest["inputs"].get(key) != digest:
            if load_market(plan).digests[key] != digest:
                raise DataError(
                    f"{result.name}: {key} are something else each time they are loaded; a source "
                    "must not depend on chance, and such a run can't be audited"
                )
            changed.append(key)
    if changed:
        raise DataError(
            f"{result.name}: {', '.join(changed)} changed since the run; run it again and audit "
            "the new run"
        )
    return case_of(
        result, plan, market, project=project, cache=cache, device=device, progress=progress
    )


def case_of(
    result: RunResult,
    plan: Plan,
    market: Market,
    *,
    project: Project,
    cache: ScoreCache,
    device: str = "auto",
    progress: Progress = lambda _step, _done, _total: None,
) -> Case:
    """The case of a result that was computed from this plan over this market."""
    scores = Scores(
        plan, market.documents, cache=cache, device=pick_device(device), progress=progress
    )
    inputs = inputs_over(plan, market, scores)
    fits: Fits = {}
    features = compute_signals(plan, inputs, fits=fits)
    return Case(
        result=result,
        plan=plan,
        market=market,
        inputs=inputs,
        features=features,
        fits=fits,
        decision=decide(plan, replace(inputs, features=features)),
        desk=Desk(plan, market),
        ledger=Ledger(project.state / "trials.sqlite"),
        cache=cache,
        progress=progress,
    )
