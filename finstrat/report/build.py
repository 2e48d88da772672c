"""A run's report as plain data: `report.json` is the truth, and this is where it is made.

Everything in it follows from the result alone, but for the one key `provenance`; nothing here
knows how a report is drawn. A section that fails leaves a block that says so, and the report is
still written.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.errors import DataError
from finstrat.report.assess import headline_of, session_dates, verdict_of
from finstrat.report.block import Block
from finstrat.report.credit import judged
from finstrat.risk.conventions import CONVENTIONS
from finstrat.risk.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.components import Section
    from finstrat.report.assess import Labelled
    from finstrat.store import RunResult
    from finstrat.validate.verdict import Verdict

SCHEMA_VERSION = 1
"""Raised whenever a key of the report changes its meaning or goes away."""


def build_report(result: RunResult, sections: Sequence[Section]) -> dict[str, Any]:
    """The report of a run: JSON values only, the same for the same result.

    Keys: schema_version, kind, name, span, verdict, headline, blocks, conventions (the meaning of
    every id that occurs), and provenance, the only one that differs between identical runs.
    `sections` that serve another kind of result are left out; the rest appear by (order, name).

    Raises:
        DataError: the result has no session, or an infinite return.
    """
    serving = [section for section in sections if result.kind in section.serves]
    return assembled(
        kind=result.kind,
        name=result.name,
        span=_span(result),
        verdict=verdict_of(result),
        headline=headline_of(result),
        blocks=[
            _block_of(section, result)
            for section in sorted(serving, key=lambda each: (each.order, each.name))
        ],
        provenance=result.provenance,
    )


def assembled(
    *,
    kind: str,
    name: str,
    span: dict[str, Any],
    verdict: Verdict,
    headline: Labelled,
    blocks: list[dict[str, Any]],
    provenance: dict[str, Any],
) -> dict[str, Any]:
    """The parts of a report as one, with the meaning of every figure that occurs in them."""
    report: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "name": name,
        "span": span,
        "verdict": _verdict(verdict),
        "headline": labelled(headline),
        "blocks": blocks,
        "provenance": plain(provenance),
    }
    return {**report, "conventions": conventions_in(report)}


def conventions_in(report: dict[str, Any]) -> dict[str, Any]:
    """The meaning of every convention id that occurs in a report, in order."""
    return {
        name: {"unit": CONVENTIONS[name].unit, "meaning": CONVENTIONS[name].meaning}
        for name in sorted(_convention_ids(report))
        if name in CONVENTIONS
    }


def _span(result: RunResult) -> dict[str, Any]:
    """First and last day, null where there are no dates, and how many sessions or borrowers."""
    if result.assessments is not None:
        rows = judged(result)
        if rows.empty:
            raise DataError(f'report of "{result.name}": there is no borrower to report on')
        dated = "as_of" in rows
        ends = (str(rows["as_of"].min().date()), str(rows["as_of"].max().date())) if dated else ()
        start, end = ends or (None, None)
        return {"start": start, "end": end, "borrowers": rows["entity"].nunique()}
    if result.sessions.empty:
        raise DataError(f'report of "{result.name}": the run has no session to report on')
    days = session_dates(result)
    return {"start": str(days[0]), "end": str(days[-1]), "sessions": len(days)}


def plain(value: Any) -> Any:  # noqa: ANN401 - turns anything a block may hold into JSON's own types
    """`value` as JSON values: figures and dataclasses as objects, dates as ISO, NaN as null.

    Raises:
        DataError: a number is infinite, or a type has no place in JSON.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise DataError("report: an infinite number; give a figure that is null, and why")
        return None if math.isnan(value) else value
    return _plain_object(value)


def _plain_object(value: Any) -> Any:  # noqa: ANN401 - see `plain`
    if isinstance(value, Figure):
        return plain(value.to_dict())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    raise DataError(f"report: a {type(value).__name__} can't be written as JSON ({value!r:.60})")


def _verdict(verdict: Verdict) -> dict[str, Any]:
    """The verdict, with each check's figures as objects."""
    return {
        "outcome": verdict.outcome,
        "sentence": verdict.sentence,
        "checks": [
            {**plain(check), "figures": labelled(check.figures)} for check in verdict.checks
        ],
    }


def _block_of(section: Section, result: RunResult) -> dict[str, Any]:
    """The section's block, or one that says why there is none."""
    try:
        return block_as_json(section.build(result))
    except Exception as error:  # noqa: BLE001 - any section may fail; the report must not
        reason = f"{type(error).__name__}: {error}"
        text = (f'The section "{section.name}" (version {section.version}) failed. {reason}',)
        title = section.name.replace("-", " ").capitalize()
        return dict(plain(Block(id=section.name, title=title, text=text, status="fail")))


def block_as_json(block: Block) -> dict[str, Any]:
    """A block as JSON values, its figures as objects."""
    return {**plain(block), "figures": labelled(block.figures)}


def labelled(figures: Labelled) -> list[dict[str, Any]]:
    """Labels and figures as objects."""
    return [{"label": label, "figure": plain(figure)} for label, figure in figures]


def _convention_ids(node: Any) -> set[str]:  # noqa: ANN401 - walks a JSON tree
    """Every `convention_id` below `node`."""
    if isinstance(node, dict):
        found = {node["convention_id"]} if "convention_id" in node else set()
        return found.union(*map(_convention_ids, node.values()))
    if isinstance(node, list):
        return set().union(*map(_convention_ids, node))
    return set()
