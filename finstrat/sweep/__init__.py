"""One backtest in many configurations: whatever they share is computed once, and all their accounts
are kept together.

`sweep` finds, loads, computes, enters every trial and writes; what each step does is known by the
modules beside it. A configuration that fails is recorded, and the others go on. What is done is
kept at once, so a sweep that is interrupted goes on from there when it is started again.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import platform
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat import __version__
from finstrat.errors import DataError, FinstratError
from finstrat.holdout import Lock
from finstrat.ledger import Entry, Ledger, trial_of
from finstrat.market import load_market
from finstrat.pipeline import benchmark_returns, pick_device
from finstrat.report.build import plain
from finstrat.report.html import render_html
from finstrat.store import write_atomically
from finstrat.sweep.grid import configurations
from finstrat.sweep.keys import market_key
from finstrat.sweep.luck import Judged, verdict_on
from finstrat.sweep.memory import held, peak, plan_memory
from finstrat.sweep.outcome import NAMES, Outcome, SweepDirectory
from finstrat.sweep.page import sweep_report, told
from finstrat.sweep.together import Pending, outcomes_of
from finstrat.sweep.upstream import Upstream, order_key
from finstrat.text.cache import ScoreCache

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from finstrat.config import Plan
    from finstrat.host import Host
    from finstrat.ledger import Trial
    from finstrat.market import Market
    from finstrat.project import Project
    from finstrat.signals import Progress
    from finstrat.sweep.grid import Configuration, Grid
    from finstrat.toml_file import TomlFile

FORMAT = 1
"""Of `sweep.json`."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """What one sweep works with, from its first configuration to its last."""

    grid: Grid
    configurations: list[Configuration]
    project: Project
    directory: SweepDirectory
    ledger: Ledger
    cache: ScoreCache
    device: str
    budget: int
    progress: Progress


def sweep(
    file: TomlFile,
    grid: Grid,
    *,
    project: Project,
    host: Host,
    budget: int,
    device: str = "auto",
    progress: Progress = lambda _step, _done, _total: None,
) -> Path:
    """The directory that holds the results of every combination of `grid` over `file`.

    It holds `sweep.json`, `sweep.csv`, `sweep.html` and `returns.parquet` once all is done, and
    `parts/` before. Every configuration that could be tried is entered in the ledger as a trial.
    `budget` is the most memory to take, in bytes.

    Raises:
        ConfigError: every combination is refused, or the budget is too small for one.
        DataError: none has returns; the message quotes the first error.
    """
    began = time.perf_counter()
    all_of_them = configurations(file, grid, host=host, root=project.root)
    name = next(each.plan for each in all_of_them if each.plan).config.name
    with ScoreCache(project.state / "scores.sqlite") as cache:
        task = Sweep(
            grid=grid,
            configurations=all_of_them,
            project=project,
            directory=SweepDirectory.of(project.runs, name, file, grid),
            ledger=Ledger(project.state / "trials.sqlite"),
            cache=cache,
            device=device,
            budget=budget,
            progress=progress,
        )
        outcomes, market = _outcomes(task)
    provenance = {
        "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "finstrat": __version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "seconds": round(time.perf_counter() - began, 3),
        "peak_memory_mb": round(peak() / 1e6),
    }
    _write(task, outcomes, market, provenance)
    return task.directory.path


def _outcomes(task: Sweep) -> tuple[list[Outcome], Market]:
    """The outcome of every configuration, in the grid's order, and a market they were traded in."""
    done = [
        Outcome(each.place, "", f"refused: {each.refusal}")
        for each in task.configurations
        if each.plan is None
    ]
    kept = task.directory.kept()
    groups: dict[str, list[tuple[Configuration, Plan]]] = {}
    for each in task.configurations:
        if each.plan is not None:
            groups.setdefault(market_key(each.plan), []).append((each, each.plan))
    total = len(task.configurations)
    task.progress("sweep", len(done), total)
    market: Market | None = None
    first: FinstratError | None = None
    for group in groups.values():
        try:
            market = load_market(group[0][1])
            # One load serves them all, and each of them is a look at whatever holdout is in it.
            Lock(group[0][1].root).admit(
                [plan for _, plan in group], market.clock.sessions[0].astype(dt.date)
            )
        except FinstratError as error:
            # Without its data there is no telling which trial it would have been.
            first = first or error
            told_as = f"{type(error).__name__}: {error}"
            done += [Outcome(each.place, "", told_as) for each, _ in group]
        else:
            done += _of_one_market(task, group, market, kept, already=len(done))
        task.progress("sweep", len(done), total)
    if market is None:
        assert first is not None
        raise first
    return sorted(done, key=lambda each: each.place), market


def _of_one_market(
    task: Sweep,
    group: list[tuple[Configuration, Plan]],
    market: Market,
    kept: dict[int, Outcome],
    *,
    already: int,
) -> list[Outcome]:
    """The outcomes of configurations over one market; kept ones as they are, others computed."""
    trials = {each.place: _trial(plan, market) for each, plan in group}
    done = [
        kept[place]
        for place, trial in trials.items()
        if place in kept and kept[place].ok and kept[place].trial == trial.id
    ]
    there = {each.place for each in done}
    waiting = [(each, plan) for each, plan in group if each.place not in there]
    if not waiting:
        return done
    sessions, assets = market.panel.shape
    reads_text = any("documents" in s.needs for s in waiting[0][1].signals.values())
    room = plan_memory(
        task.budget,
        configurations=len(task.configurations),
        sessions=sessions,
        evaluated=sessions - market.first,
        assets=assets,
        accounts_each=2 if reads_text else 1,
        used=held(),
    )
    upstream = Upstream(
        market,
        cache=task.cache,
        device=pick_device(task.device),
        progress=task.progress,
        room=room,
    )
    waiting.sort(key=lambda pair: (order_key(pair[1]), pair[0].place))
    for start in range(0, len(waiting), room.together):
        batch: list[Pending] = []
        lost: list[Outcome] = []
        for each, plan in waiting[start : start + room.together]:
            trial = trials[each.place].id
            try:
                batch.append(Pending(each.place, trial, plan, upstream.targets(plan)))
            except FinstratError as error:
                lost.append(Outcome(each.place, trial, f"{type(error).__name__}: {error}"))
            task.progress(
                "sweep", already + len(done) + len(batch) + len(lost), len(task.configurations)
            )
        new = lost + outcomes_of(batch, market)
        # The ledger first: what is kept as done was entered.
        task.ledger.record_all(
            [Entry(trials[each.place], each.outcome, each.net, each.excess) for each in new]
        )
        task.directory.keep(new)
        done += new
    return done


def _trial(plan: Plan, market: Market) -> Trial:
    return trial_of(
        plan.resolved,
        components=plan.components,
        inputs=market.digests,
        assets=list(market.panel.assets),
    )


def _write(
    task: Sweep, outcomes: list[Outcome], market: Market, provenance: dict[str, Any]
) -> None:
    """Judge the whole, and write it down."""
    done = [each for each in outcomes if each.ok]
    if not done:
        raise DataError(f"sweep: no configuration has returns; the first: {outcomes[0].outcome}")
    task.progress("judging", 0, 1)
    by_text = all(each.excess is not None for each in done)
    measure = "sharpe_over_twin" if by_text else "sharpe"
    scores = np.array([getattr(each.statistics, measure) for each in done])
    column = int(np.nan_to_num(scores, nan=-np.inf).argmax())
    best = task.configurations[done[column].place]
    assert best.plan is not None
    judged = _judged(task, done, column, best.plan, market, by_text=by_text)
    days = market.panel.times[market.first :]
    report = sweep_report(
        best.plan.config.name,
        task.grid,
        task.configurations,
        outcomes,
        measure=measure,
        verdict=verdict_on(judged, best=told(best.values)),
        span={"start": str(days[0]), "end": str(days[-1]), "sessions": len(days)},
        provenance=provenance,
    )
    rows = [
        {
            "values": {
                key: plain(value) for key, value in task.configurations[each.place].values.items()
            },
            "trial": each.trial or None,
            "outcome": each.outcome,
            **{name: plain(getattr(each.statistics, name)) for name in NAMES},
        }
        for each in outcomes
    ]
    content = {
        "format": FORMAT,
        "grid": {key: [plain(value) for value in values] for key, values in task.grid.axes.items()},
        "measure": measure,
        "best": done[column].place,
        "outcomes": dict(Counter(each.outcome.split(":")[0] for each in outcomes)),
        "configurations": rows,
        "report": report,
    }
    path = task.directory.path
    path.mkdir(parents=True, exist_ok=True)
    write_atomically(path / "returns.parquet", _returns(done, market))
    write_atomically(path / "sweep.csv", _csv(rows))
    write_atomically(path / "sweep.html", render_html(report).encode())
    # In its own order, which is the grid's.
    told_in_order = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path / "sweep.json", f"{told_in_order}\n".encode())
    task.progress("judging", 1, 1)


def _judged(
    task: Sweep,
    done: list[Outcome],
    column: int,
    plan: Plan,
    market: Market,
    *,
    by_text: bool,
) -> Judged:
    """The returns that are judged, beside what they are held against."""
    net = np.stack([each.net for each in done if each.net is not None], axis=1)
    best = done[column]
    # Markets of one sweep differ in their warm-up alone; the trial is of the best's own.
    trial = replace(_trial(plan, market), id=best.trial)
    family = task.ledger.family(trial)
    if by_text:
        compared = np.stack([each.excess for each in done if each.excess is not None], axis=1)
        beside, against = compared, "its text-neutral twin"
    else:
        compared = net
        held = benchmark_returns(plan, market.panel)[market.first :]
        against = "the benchmark" if not np.isnan(held).all() else "cash"
        beside = net - np.nan_to_num(held)[:, None]
    return Judged(
        compared=compared,
        beside=beside,
        against=against,
        best=column,
        rivals=task.ledger.rivals(trial),
        recorded=family["recorded"],
        declared=family["declared"],
        periods_per_year=market.clock.periods_per_year,
        seed=plan.config.seed,
    )


def _returns(done: Sequence[Outcome], market: Market) -> bytes:
    """Daily net returns of every configuration, a column each, named by its place in the grid."""
    import pandas as pd

    columns = {str(each.place): each.net for each in done}
    buffer = io.BytesIO()
    pd.DataFrame(columns, index=market.panel.index[market.first :]).to_parquet(buffer)
    return buffer.getvalue()


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """One row a configuration, in the grid's order; empty where there is no number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = list(rows[0]["values"])
    writer.writerow([*keys, "trial", "outcome", *NAMES])
    for row in rows:
        writer.writerow(
            [*row["values"].values(), row["trial"], row["outcome"], *(row[n] for n in NAMES)]
        )
    return text.getvalue().encode()
