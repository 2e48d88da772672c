"""Whether a run looked at a holdout once, with a configuration fixed before, and still earned.

It knows a run's recorded looks and its daily returns; who may look is decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.risk.conventions import known, observed, unknown
from finstrat.validate.bootstrap import bootstrap_interval
from finstrat.validate.verdict import Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from finstrat.validate.verdict import Status

HOLDOUT = "holds in the holdout"


def holds_in_the_holdout(
    looks: Mapping[str, Mapping[str, Any]],
    days: NDArray[np.datetime64],
    excess: NDArray[np.float64],
    *,
    seed: int,
) -> Check:
    """Whether the first look at an opened holdout confirms the run.

    `looks` are those of the run's manifest, by holdout, `days` `[T]` its sessions, and `excess`
    `[T]` its daily return less the twin's (net where no text is read). Only the first look, by a
    configuration that had run before the opening, is out of sample: any other is inconclusive. It
    passes where the mean over the holdout's sessions is positive, and fails where its 90 %
    bootstrap interval lies below zero.
    """
    if not looks:
        return Check(HOLDOUT, "not applicable", "No holdout is declared, or the run ends before.")
    kept = observed(excess[_inside(looks.values(), days)])
    told = "; ".join(_told(name, look) for name, look in looks.items())
    label = "Mean daily excess in the holdout"
    if not len(kept):
        figure = unknown("holdout.daily-mean", n=0, reason="no session lies in the holdout")
        evidence = f"{told}. It was loaded for warm-up; no session of it was traded."
        return Check(HOLDOUT, "inconclusive", evidence, ((label, figure),))
    mean, interval = float(kept.mean()), bootstrap_interval(kept, np.mean, seed=seed)
    figure = known(
        "holdout.daily-mean",
        mean,
        n=len(kept),
        ci=interval.bounds if interval else None,
        method=interval.method if interval else "no interval: too few sessions",
    )
    status: Status = "inconclusive"
    if max(look["number"] for look in looks.values()) > 1:
        why = "; after the first look nothing in it is out of sample"
    elif not all(look["fixed"] for look in looks.values()):
        why = "; this configuration had not run before the opening"
    elif interval is not None and interval.high < 0:
        status, why = "fail", ", the whole interval below zero"
    elif mean <= 0:
        why = ", not above zero"
    else:
        status, why = "pass", ""
    evidence = f"{told}. Over {len(kept)} sessions the mean is {mean * 1e4:+.2f} basis points{why}."
    return Check(HOLDOUT, status, evidence, ((label, figure),))


def _inside(looks: Iterable[Mapping[str, Any]], days: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """The sessions that lie in any of the holdouts, `[T]`."""
    inside = np.zeros(len(days), dtype=bool)
    for look in looks:
        own = days >= np.datetime64(look["start"])
        inside |= own if look["end"] is None else own & (days <= np.datetime64(look["end"]))
    return inside


def _told(holdout: str, look: Mapping[str, Any]) -> str:
    """One look in words."""
    number = look["number"]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 % 10 != 1 else 0, "th")
    return (
        f"Holdout {holdout} opened on {look['opened_at'][:10]} by {look['by']} "
        f"({look['reason']}), {number}{ending} look"
    )
