"""Runs on disk, and the ledger of everything that was ever tried.

A run's directory is written whole or not at all. The ledger only grows: deleting a run keeps its
trial, because a result chosen among many is only as good as the number it was chosen from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from finstrat.data import Finding
    from finstrat.text.card import ModelCard


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run when it starts."""

    name: str
    config: dict[str, Any]


@dataclass(frozen=True, eq=False)
class RunResult:
    """One finished run; everything in it but `provenance` follows from its inputs alone.

    Attributes:
        kind: what was run; sections of a report declare which kinds they serve.
        name: of the backtest.
        config: as resolved: file, overrides and defaults.
        sessions: one row a session of the evaluated span (index `session`), columns
            net, gross: simple daily returns of the strategy after and before costs;
            benchmark: daily returns of the benchmark (NaN column where there is none);
            twin: daily net returns of the text-neutral twin (NaN column where there is none);
            equity: net asset value at the close, in `config["market"]["currency"]`;
            exposure: Σ|w| held at the close; net_exposure: Σw;
            turnover: traded value / net asset value before the trades;
            fees, slippage: paid that session, in currency; cash: at the close.
        targets: target weights decided at each session's close, `[T, N]`; NaN row = hold.
        holdings: weights held at each close, `[T, N]`.
        orders: one row a fill: session (of the fill), asset, side ("buy"/"sell"), shares, price
            (after slippage), value, fee, slippage.
        periods_per_year: average sessions a year of the calendar.
        initial_cash: net asset value before the first session.
        findings: data quality, counted.
        cards: of the models whose scores were used.
        manifest: input hashes, components with version and file, engine, seeds, counts of what was
            scored ("documents", "texts", ...).
        trials: `{"family", "recorded", "declared", "total"}`: how many were tried on this universe
            and span, this one included.
        checks: results of audits, by name; an absent one was not run.
        provenance: run id, time, machine, device, library versions, timings.
        path: the run's directory, or None where it was not stored.
    """

    kind: Literal["backtest", "credit", "returns"]
    name: str
    config: dict[str, Any]
    sessions: pd.DataFrame
    targets: pd.DataFrame
    holdings: pd.DataFrame
    orders: pd.DataFrame
    periods_per_year: float
    initial_cash: float
    findings: tuple[Finding, ...] = ()
    cards: tuple[ModelCard, ...] = ()
    manifest: dict[str, Any] = field(default_factory=dict)
    trials: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
