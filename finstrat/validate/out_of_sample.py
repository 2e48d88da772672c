"""What walk-forward and cross-validated paths say together of what was fitted.

Pure functions over figures; how signals are walked and crossed is known elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from finstrat.risk.conventions import known
from finstrat.validate.luck import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from finstrat.risk.figure import Figure

STEADY = 0.8
"""Share of paths on which a relation must hold to be called steady."""


def holds_out_of_sample(
    walk: Mapping[str, Figure], paths: Mapping[str, Sequence[Figure]], ratios: Sequence[Figure]
) -> Finding:
    """Whether every fitted signal foretold what followed, walked forward and on nearly all paths.

    `walk` has each signal's IC on the run's own sessions, with its interval; `paths` those of its
    cross-validated paths; `ratios` are net Sharpe ratios of the strategy on the same paths. It
    passes where each interval lies above zero and each signal is ahead on `STEADY` of its paths,
    fails where an interval lies below zero, and is inconclusive otherwise.
    """
    told: list[str] = []
    figures: list[tuple[str, Figure]] = []
    steady = True
    for name, figure in walk.items():
        ics = [each.value for each in paths[name] if each.value is not None]
        ahead = float(np.mean([ic > 0 for ic in ics])) if ics else 0.0
        steady &= ahead >= STEADY
        figures.append((f"{name}: IC walked forward", figure))
        figures.append(
            (f"{name}: paths ahead", known("fit.paths-ahead", ahead, n=len(paths[name])))
        )
        figures += _spread(f"{name}: IC on a path", paths[name])
        value = "unknown" if figure.value is None else f"{figure.value:+.4f}"
        interval = (
            f", 90 % interval {figure.ci[0]:+.4f} to {figure.ci[1]:+.4f}" if figure.ci else ""
        )
        told.append(
            f"{name}, walked forward, has an IC of {value}{interval}, and one above zero on "
            f"{sum(ic > 0 for ic in ics)} of {len(paths[name])} paths"
        )
    figures += _spread("Sharpe ratio on a path", ratios)
    evidence = f"{'; '.join(told)}."
    if any(figure.ci is not None and figure.ci[1] < 0 for figure in walk.values()):
        return Finding(
            "fail", f"{evidence} What it learnt was the wrong way round.", tuple(figures)
        )
    above = all(figure.ci is not None and figure.ci[0] > 0 for figure in walk.values())
    return Finding("pass" if above and steady else "inconclusive", evidence, tuple(figures))


def _spread(label: str, figures: Sequence[Figure]) -> list[tuple[str, Figure]]:
    """The lowest, middle and highest of the figures that have a value, without intervals."""
    ranked = sorted(
        (each for each in figures if each.value is not None), key=lambda f: f.value or 0
    )
    if not ranked:
        return []
    chosen = {"lowest": ranked[0], "median": ranked[len(ranked) // 2], "highest": ranked[-1]}
    method = f"of {len(ranked)} paths"
    return [
        (f"{label}, {which}", replace(figure, ci=None, method=method))
        for which, figure in chosen.items()
    ]
