"""Puts a finished run to the test: the pipeline again, under inputs that are changed on purpose.

Each check leaves one record for the run's `checks/`; the report puts itself together from them.
A check says only what it saw: pass, fail, inconclusive or not applicable. None adds a trial.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from finstrat.config import Backtest, Dates, resolve
from finstrat.errors import ConfigError, DataError, SimulationError
from finstrat.fitting import FOLDS, FittedSignal
from finstrat.job import report_files
from finstrat.ledger import Ledger, trial_of
from finstrat.market import load_market
from finstrat.pipeline import (
    Desk,
    decide,
    inputs_over,
    neutral_twin,
    pick_device,
    text_signals,
    with_exposure_of,
    with_text_replaced,
)
from finstrat.risk import sharpe
from finstrat.risk.conventions import known, observed
from finstrat.signals import Scores, compute_signals, untouched
from finstrat.store import canonical_json, load, write_atomically
from finstrat.text.cache import ScoreCache
from finstrat.validate.luck import Finding, deflated_sharpe, placebo_test
from finstrat.validate.out_of_sample import holds_out_of_sample
from finstrat.validate.residual import beyond_past_returns
from finstrat.validate.shifts import circular_shift
from finstrat.validate.verdict import AUDITS, beats_twin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from finstrat.components import Inputs
    from finstrat.config import Plan
    from finstrat.host import Host
    from finstrat.market import Market
    from finstrat.portfolio.decision import CheckedDecision
    from finstrat.project import Project
    from finstrat.risk.figure import Figure
    from finstrat.signals import Features, Fits, Progress
    from finstrat.simulate.execution import Engine
    from finstrat.store import RunResult

PLACEBOS = 200
"""Placebos of an audit, unless told otherwise: p can reach 0.005."""

CUTS = 6
"""Dates at which the data are made to end early."""

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
    changed += [
        key
        for key, digest in market.digests.items()
        if result.manifest["inputs"].get(key) != digest
    ]
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


def audit_run(
    directory: Path,
    *,
    project: Project,
    host: Host,
    placebos: int = PLACEBOS,
    device: str = "auto",
    progress: Progress = lambda _step, _done, _total: None,
) -> dict[str, dict[str, Any]]:
    """The records of every check on the run in `directory`, stored there, its report written anew.

    Raises:
        DataError: there is no run, or its inputs or code have changed since.
    """
    result = load(directory)
    with ScoreCache(project.state / "scores.sqlite") as cache:
        case = reopen(
            result, project=project, host=host, cache=cache, device=device, progress=progress
        )
        records = audit(case, placebos=placebos)
    (directory / "checks").mkdir(exist_ok=True)
    for name, record in records.items():
        write_atomically(directory / "checks" / f"{name}.json", canonical_json(record))
    for name, content in report_files(load(directory), host).items():
        write_atomically(directory / name, content)
    return records


def audit(
    case: Case, *, placebos: int = PLACEBOS, checks: Collection[str] = tuple(AUDITS)
) -> dict[str, dict[str, Any]]:
    """The record of each of `checks`, by its name in `finstrat.validate.verdict.AUDITS`."""
    made: dict[str, Callable[[], tuple[Finding, dict[str, Any]]]] = {
        "deflated-sharpe": lambda: (survives_its_trials(case), {}),
        "causality": lambda: (uses_no_future(case), {}),
        "placebo": lambda: beats_placebos(case, draws=placebos),
        "past-returns": lambda: (beyond_prices(case), {}),
        "out-of-sample": lambda: out_of_sample(case),
        "second-engine": lambda: (agrees_with_a_second_engine(case), {}),
    }
    records = {}
    for name in checks:
        finding, more = made[name]()
        records[name] = {
            "status": finding.status,
            "evidence": finding.evidence,
            "figures": [[label, figure.to_dict()] for label, figure in finding.figures],
            **more,
        }
    return records


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


def uses_no_future(case: Case) -> Finding:
    """Whether ending the data earlier leaves every earlier target as it was.

    Sources, alignment, signals, strategy and optimizer all run again over the shorter span, so a
    leak in any of them shows, also one that lies in how a source restates its past.
    """
    whole = case.desk.trade(case.decision).targets
    dates = whole.index[5:-1]
    rng = np.random.default_rng(case.seed)
    chosen = np.sort(rng.choice(len(dates), size=min(CUTS, len(dates)), replace=False))
    cuts = [dates[i] for i in chosen]
    for done, cut in enumerate(cuts):
        case.progress("causality", done, len(cuts))
        found = _first_change(whole.loc[:cut], _targets_until(case, cut))
        if found is not None:
            session, asset, later, earlier = found
            return Finding(
                "fail",
                f"With data that end on {cut:%Y-%m-%d}, the target of {asset} on "
                f"{session:%Y-%m-%d} is {earlier:.6g}; with later data it was {later:.6g}.",
            )
    case.progress("causality", len(cuts), len(cuts))
    if not cuts:
        return Finding("inconclusive", "The run is too short to end it earlier.")
    compared = int(whole.loc[: cuts[-1]].notna().any(axis=1).sum())
    return Finding(
        "pass",
        f"Ending the data at {len(cuts)} dates from {cuts[0]:%Y-%m-%d} to {cuts[-1]:%Y-%m-%d} "
        "changed no earlier target.",
        (("Rebalances compared", known("data.count", compared, n=compared)),),
    )


def _targets_until(case: Case, cut: pd.Timestamp) -> pd.DataFrame:
    """The targets of the same backtest over data that end on `cut`."""
    span = Dates(start=case.plan.config.span.start, end=cut.date())
    plan = replace(case.plan, config=case.plan.config.model_copy(update={"span": span}))
    market = load_market(plan)
    scores = Scores(
        plan,
        market.documents,
        cache=case.cache,
        device=case.inputs.device,
        progress=lambda _step, _done, _total: None,
    )
    inputs = inputs_over(plan, market, scores)
    features = compute_signals(plan, inputs)
    return Desk(plan, market).trade(decide(plan, replace(inputs, features=features))).targets


def _first_change(
    later: pd.DataFrame, earlier: pd.DataFrame
) -> tuple[pd.Timestamp, str, float, float] | None:
    """Where two frames of targets first differ over the sessions of `earlier`, and both values.

    An asset that one of them doesn't have is held at 0; a row of NaN means hold in both.
    """
    assets = sorted({*later.columns, *earlier.columns})
    a = later.reindex(index=earlier.index, columns=assets)
    b = earlier.reindex(columns=assets)
    holds_a, holds_b = a.isna().all(axis=1), b.isna().all(axis=1)
    left, right = a.fillna(0.0).to_numpy(), b.fillna(0.0).to_numpy()
    differs = np.abs(left - right) > SAME
    differs |= (holds_a != holds_b).to_numpy()[:, None]
    if not differs.any():
        return None
    row, column = np.argwhere(differs)[0]
    return earlier.index[row], assets[column], float(left[row, column]), float(right[row, column])


def beats_placebos(case: Case, *, draws: int) -> tuple[Finding, dict[str, Any]]:
    """Whether the same texts at other times earn as much.

    In each placebo the texts of every asset are shifted in a circle over that asset's documents, so
    that their number, times and the order of their tone stay; exposure is scaled to the run's own
    mean. Returns before costs are compared, so that turnover neither helps nor hurts.
    """
    if not text_signals(case.plan):
        return Finding("not applicable", "No text was used, so there is nothing to shift."), {}
    own, *earned = _gross(case, _own_and_placebos(case, draws)).tolist()
    return placebo_test(own, np.array(earned)), {"own": own, "draws": earned}


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
    check = beats_twin(own, other, seed=case.seed)
    evidence = f"With past returns taken out of the text's signals: {check.evidence}"
    # That nothing is left beyond past returns is no proof against the signal.
    status = "inconclusive" if check.status == "fail" else check.status
    figures = tuple((f"{label}, past returns taken out", each) for label, each in check.figures)
    return Finding(status, evidence, figures)


def out_of_sample(case: Case) -> tuple[Finding, dict[str, Any]]:
    """Whether what was fitted holds on data it was not fitted on.

    The run itself is walked forward, so its own signals are judged; and for the distribution of
    what might have been, models are cross-validated and the strategy trades on each path.
    """
    if not case.fits:
        return Finding("not applicable", "Nothing in this run is fitted to data."), {}
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
            return Finding("inconclusive", f"{name}: {error}"), {}
        paths[name] = [signal.judged(path, inputs, first=first) for path in said[name]]
    ratios = [
        _sharpe_of_path(case, {name: each[i] for name, each in said.items()})
        for i in range(FOLDS - 1)
    ]
    case.progress("out of sample", len(case.fits) + 1, len(case.fits) + 1)
    finding = holds_out_of_sample(walk, paths, ratios)
    return finding, {
        "ic": {name: [each.value for each in figures] for name, figures in paths.items()},
        "sharpe": [each.value for each in ratios],
    }


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
    return sharpe(
        observed(net),
        periods_per_year=case.result.periods_per_year,
        risk_free=plan.config.market.risk_free,
    )


def agrees_with_a_second_engine(case: Case) -> Finding:
    """Whether another engine, on the same targets and terms, keeps the same account."""
    own = case.plan.config.execution.engine
    other: Engine = "ledger" if own == "vectorbt" else "vectorbt"
    try:
        accounts = [
            case.desk.trade(case.decision, engine=each).simulation.sessions["equity"]
            for each in (own, other)
        ]
    except (ConfigError, SimulationError) as error:
        return Finding("not applicable", f"{other} can't keep this account: {error}")
    apart = float(np.max(np.abs(accounts[0] / accounts[1] - 1.0)))
    figures = (("Largest difference in value", known("engines.apart", apart, n=len(accounts[0]))),)
    told = f"{own} and {other} differ by at most {apart:.1e} of net asset value"
    if apart <= SAME:
        return Finding("pass", f"{told}.", figures)
    return Finding("fail", f"{told}, above {SAME:.0e}.", figures)
