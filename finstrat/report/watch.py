"""The page of a monitor: what changed since a date, and which limits were passed.

It draws what `finstrat.monitor` told and computes nothing.
"""

from __future__ import annotations

from typing import Any

from finstrat.report.block import Block, Table
from finstrat.report.document import Document, Opening


def document_of(told: dict[str, Any], *, standing: str) -> Document:
    """The document of what `finstrat.monitor` told."""
    alarms = told["alarms"]
    sentences = tuple(alarms) or ("Nothing is distributed otherwise, and no limit was passed.",)
    if told["changed"]:
        sentences += (f"Code that changed since the run: {', '.join(told['changed'])}.",)
    return Document(
        kind="monitor",
        name=f"{told['subject']} since {told['since']}",
        kicker="Monitor",
        standing=standing,
        span={
            "start": told["since"],
            "end": told["until"],
            told["unit"]: told["drifts"][0]["recent"],
        },
        opening=Opening(
            tone="refuted" if alarms else "supported",
            title=f"{len(alarms)} alarms" if len(alarms) != 1 else "1 alarm",
            sentences=sentences,
        ),
        blocks=(_levels(told), _drifts(told)),
        provenance={"limits": told["limits"]},
    )


def _levels(told: dict[str, Any]) -> Block:
    return Block(
        id="levels",
        title="Coverage, latency, results",
        status="fail" if any(each["passed"] for each in told["levels"]) else "pass",
        tables=(
            Table(
                "Held to limits",
                ("What", "Since", "Before", "Limit", "Passed"),
                tuple(
                    (
                        each["name"],
                        _short(each["recent"]),
                        _short(each["before"]),
                        "–"
                        if each["limit"] is None
                        else f"{'≥' if each['least'] else '≤'} {each['limit']:g}",
                        "yes" if each["passed"] else "no",
                    )
                    for each in told["levels"]
                ),
            ),
        ),
    )


def _drifts(told: dict[str, Any]) -> Block:
    alpha = told["limits"]["alpha"]
    alarm = any(each.get("p_adjusted", 1.0) <= alpha for each in told["drifts"])
    return Block(
        id="drifts",
        title="Distributions",
        status="fail" if alarm else "pass",
        text=(f"An alarm where the corrected p is at most {alpha:g}, the chance of a false one.",),
        tables=(
            Table(
                "Since the date against before",
                ("What", "Kind", "Before", "Since", "KS", "PSI", "PSI usual", "p", "Corrected"),
                tuple(
                    (
                        each["name"],
                        each["kind"],
                        each["reference"],
                        each["recent"],
                        _short(each["ks"]),
                        _short(each["psi"]),
                        _short(each["psi_usual"]),
                        _short(each["p"]),
                        _short(each.get("p_adjusted")) if each["p"] else each["reason_if_null"],
                    )
                    for each in told["drifts"]
                ),
                note=(
                    "PSI usual: what it stays below in 95 % of the reorderings. Corrected for all "
                    "tests together by Holm's method."
                ),
            ),
        ),
    )


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}".replace("-", "\u2212")
