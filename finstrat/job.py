"""One run from a file to a finished directory: find, resolve, load, run, enter, report, store.

This is what the command line and a notebook both call. The steps live elsewhere; here they only
stand in order.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import time
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat import __version__, pipeline
from finstrat.components import Section
from finstrat.config import load, resolve
from finstrat.errors import FinstratError
from finstrat.host import Host
from finstrat.ledger import Ledger, trial_of
from finstrat.market import load_market
from finstrat.project import Project
from finstrat.report.build import build_report
from finstrat.report.html import render_html
from finstrat.store import RunInfo, RunResult, canonical_json, save, save_stopped
from finstrat.text.cache import ScoreCache
from finstrat.toml_file import TomlFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from finstrat.config import Plan
    from finstrat.signals import Progress

LIBRARIES = (
    *("torch", "transformers", "vectorbt", "vectorbt-rust", "pandas", "numpy", "scikit-learn"),
    *("skfolio", "numba", "exchange-calendars", "pluggy", "arch"),
)
"""Whose versions a run records."""


def run(
    backtest: str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    device: str = "auto",
    project: Project | None = None,
    host: Host | None = None,
    progress: Progress = lambda _step, _done, _total: None,
) -> RunResult:
    """The result of a backtest, stored with its report in the project's runs.

    `backtest` is a name, a file, or its content as a mapping; `overrides` maps dotted keys to
    values, like `{"span.end": "2015-12-31"}`. The result's `path` is the run's directory.

    Raises:
        FinstratError: what the command line would say, with the same exit code.
    """
    project = project or Project.find()
    host = host or Host.load(project.plugins, root=project.root)
    file = backtest_file(backtest, project).with_values(overrides or {})
    job = prepare(file, project=project, host=host)
    return job.execute(device=device, progress=progress)


def backtest_file(backtest: str | Path | Mapping[str, Any], project: Project) -> TomlFile:
    """The backtest as a file, from a name, a path, or its content."""
    if isinstance(backtest, str | os.PathLike):
        return project.backtest(os.fspath(backtest))
    return TomlFile("backtest", "", dict(backtest))


def prepare(file: TomlFile, *, project: Project, host: Host) -> Job:
    """The job that `file` describes, with every name resolved and nothing loaded yet."""
    config = load(file)
    return Job(resolve(config, host, file=file, root=project.root), project, host)


@dataclass(frozen=True)
class Job:
    """A resolved backtest, and where its results go."""

    plan: Plan
    project: Project
    host: Host

    def execute(self, *, device: str, progress: Progress) -> RunResult:
        """The stored result; plugins are told of its start and its end."""
        info = RunInfo(self.plan.config.name, self.plan.resolved)
        self.host.run_started(info)
        created = dt.datetime.now(dt.UTC)
        try:
            result = self._execute(created, device=device, progress=progress)
        except Exception as error:
            kept = self._keep_reason(error, created)
            if kept.is_relative_to(self.project.root):
                kept = kept.relative_to(self.project.root)
            error.add_note(f"the reason is kept in {kept}")
            self.host.run_finished(info, error)
            raise
        self.host.run_finished(info, result)
        return result

    def _keep_reason(self, error: Exception, created: dt.datetime) -> Path:
        """Write down why the run stopped, in a directory of its own; where that is."""
        known = error if isinstance(error, FinstratError) else None
        return save_stopped(
            self.project.runs,
            _run_id(self.plan.config.name, created, "stopped", self.project.runs),
            {
                "name": self.plan.config.name,
                "reason": str(error),
                "error": type(error).__name__,
                "component": known.component if known else None,
                "exit_code": known.exit_code if known else FinstratError.exit_code,
                "created_at": created.isoformat(timespec="seconds"),
                "finstrat": __version__,
                "config": self.plan.resolved,
                "components": self.plan.components,
            },
        )

    def _execute(self, created: dt.datetime, *, device: str, progress: Progress) -> RunResult:
        began = time.perf_counter()
        progress("data", 0, 1)
        market = load_market(self.plan)
        progress("data", 1, 1)
        loaded = time.perf_counter()
        trial = trial_of(
            self.plan.resolved,
            components=self.plan.components,
            inputs=market.digests,
            assets=list(market.panel.assets),
        )
        ledger = Ledger(self.project.state / "trials.sqlite")
        with ScoreCache(self.project.state / "scores.sqlite") as cache:
            try:
                result = pipeline.run(
                    self.plan, market, device=device, cache=cache, progress=progress
                )
            except Exception as error:
                ledger.record(trial, outcome=f"{type(error).__name__}: {error}", returns=None)
                raise
        net, twin = (result.sessions[name].to_numpy() for name in ("net", "twin"))
        excess = None if np.isnan(twin).all() else net - twin
        ledger.record(trial, outcome="ok", returns=net, excess=excess)
        computed = time.perf_counter()
        result = replace(
            result,
            trials=ledger.family(trial),
            manifest={**result.manifest, "trial": trial.id},
            provenance={
                **result.provenance,
                "run_id": _run_id(self.plan.config.name, created, trial.id[:6], self.project.runs),
                "created_at": created.isoformat(timespec="seconds"),
                "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
                "python": platform.python_version(),
                "finstrat": __version__,
                "libraries": {name: metadata.version(name) for name in LIBRARIES},
                "seconds": {
                    "data": round(loaded - began, 3),
                    "run": round(computed - loaded, 3),
                },
            },
        )
        progress("report", 0, 1)
        path = save(result, self.project.runs, extra=report_files(result, self.host))
        progress("report", 1, 1)
        return replace(result, path=path)


def report_returns(result: RunResult, *, project: Project, host: Host) -> RunResult:
    """A result of kind "returns", stored with its report beside the project's runs."""
    created = dt.datetime.now(dt.UTC)
    digest = result.manifest["inputs"]["returns"]
    result = replace(
        result,
        provenance={
            "run_id": _run_id(result.name, created, digest[:6], project.runs),
            "created_at": created.isoformat(timespec="seconds"),
            "finstrat": __version__,
        },
    )
    path = save(result, project.runs, extra=report_files(result, host))
    return replace(result, path=path)


def report_files(result: RunResult, host: Host) -> dict[str, bytes]:
    """`report.json`, and `report.html` rendered from it alone."""
    sections = [registered.component() for registered in host.all(Section)]
    report = build_report(result, [each for each in sections if isinstance(each, Section)])
    return {
        "report.json": canonical_json(report),
        "report.html": render_html(report).encode(),
    }


def _run_id(name: str, created: dt.datetime, ending: str, runs: Path) -> str:
    """Name, time and `ending`; numbered where two runs begin within one second."""
    base = f"{name}-{created:%Y%m%d-%H%M%S}-{ending}"
    taken = 1
    run_id = base
    while (runs / run_id).exists():
        taken += 1
        run_id = f"{base}-{taken}"
    return run_id
