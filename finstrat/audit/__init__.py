"""Puts a finished run to the test: the pipeline again, under inputs that are changed on purpose.

Each check has a file here and leaves one record for the run's `checks/`; the report puts itself
together from them. A check says only what it saw: pass, fail, inconclusive or not applicable; a
diagnostic says what it saw and judges nothing. None adds a trial.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from finstrat.audit.capacity import at_more_capital
from finstrat.audit.case import Case, case_of, reopen
from finstrat.audit.engines import agrees_with_a_second_engine
from finstrat.audit.events import around_documents
from finstrat.audit.fitted import out_of_sample
from finstrat.audit.future import uses_no_future
from finstrat.audit.lags import over_lags
from finstrat.audit.memory import needs_no_memory
from finstrat.audit.placebos import beats_placebos
from finstrat.audit.residual import beyond_prices
from finstrat.audit.stability import around_its_options
from finstrat.audit.trials import survives_its_trials
from finstrat.job import report_files
from finstrat.store import canonical_json, load, write_atomically
from finstrat.text.cache import ScoreCache
from finstrat.validate.verdict import AUDITS, DIAGNOSTICS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from finstrat.host import Host
    from finstrat.project import Project
    from finstrat.signals import Progress
    from finstrat.validate.luck import Diagnosis, Finding

__all__ = ["PLACEBOS", "Case", "audit", "audit_run", "beats_placebos", "case_of", "reopen"]

PLACEBOS = 200
"""Placebos of an audit, unless told otherwise: p can reach 0.005."""


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
    case: Case, *, placebos: int = PLACEBOS, checks: Collection[str] = (*AUDITS, *DIAGNOSTICS)
) -> dict[str, dict[str, Any]]:
    """The record of each of `checks`, by its name in `AUDITS` or `DIAGNOSTICS` of the verdict."""
    made: dict[str, Callable[[Case], Finding | Diagnosis]] = {
        "deflated-sharpe": survives_its_trials,
        "causality": uses_no_future,
        "placebo": partial(beats_placebos, draws=placebos),
        "past-returns": beyond_prices,
        "out-of-sample": out_of_sample,
        "memory": needs_no_memory,
        "second-engine": agrees_with_a_second_engine,
        "lags": over_lags,
        "event-study": around_documents,
        "stability": around_its_options,
        "capacity": at_more_capital,
    }
    return {name: made[name](case).to_dict() for name in checks}
