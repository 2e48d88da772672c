"""Whether a source looked as hard at one time as at another, and at those who are gone.

A count of documents measures the world only where the collecting stayed the same. What changed in
the world can't be told from what changed in the collecting, so everything here is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from finstrat.data.finding import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.data.documents import Documents
    from finstrat.data.panel import Panel

TIMES = 3.0
"""A month or an asset's half with so many times the documents of its like, or so small a part."""

FEWEST_MONTHS, FEWEST_A_MONTH = 6, 30
"""Months and documents a month below which a month can be far from the usual by chance: at 30
expected, 10 or fewer come in one month of 20,000."""

FEWEST_AN_ASSET = 24
"""Documents of an asset below which its halves can differ threefold by chance: at 24, they do for
about one asset in fifty."""

MANY, SHARE = 3, 0.10
"""As many assets, and this share of them: more than chance or a few listings give."""

LATE_SHARE = 0.20
"""The share of assets first written about after a quarter of the time. New listings are about one
in twenty a year."""

LEAVE = 0.04
"""The share of large listed companies that leave their exchange in a year, taken over or failed; it
is higher among all."""

EXPECTED = 3.0
"""As many expected to leave, and none did: the chance is e⁻³, 5 %."""


def coverage_findings(documents: Documents, *, source: str) -> tuple[Finding, ...]:
    """Warnings about how documents of named assets spread over time.

    Documents about the market as a whole are left out: a single stream is as lively as its author.
    """
    codes, names = documents.asset_codes.codes, documents.asset_codes.names
    named = codes >= 0
    times, codes = documents.known_at[named], codes[named]
    if not len(times):
        return ()
    found = [
        _months(times, source),
        _halves(times, codes, names, source),
        _late_assets(times, codes, names, source),
    ]
    return tuple(each for each in found if each)


def _months(times: NDArray[np.datetime64], source: str) -> Finding | None:
    """Whole months that are far from the median one; the first and last may be partial."""
    month = times.astype("datetime64[M]").astype(np.int64)
    counts = np.bincount(month - month[0])[1:-1]
    if len(counts) < FEWEST_MONTHS or np.median(counts) < FEWEST_A_MONTH:
        return None
    usual = float(np.median(counts))
    far = (counts * TIMES <= usual) | (counts >= TIMES * usual)
    if not far.any():
        return None
    first = int(np.argmax(far))
    name = np.datetime64(int(month[0]) + 1 + first, "M")
    return _warning(
        source,
        "coverage differs by month",
        int(far.sum()),
        f"months with a third or three times of the usual {usual:,.0f} documents: a gap or a "
        "change in collecting, or seasons; don't use counts; "
        f"first: {name} with {counts[first]:,}",
    )


def _halves(
    times: NDArray[np.datetime64],
    codes: NDArray[np.int64],
    names: tuple[str, ...],
    source: str,
) -> Finding | None:
    """Assets with far more documents in one half of the time than in the other."""
    middle = times[0] + (times[-1] - times[0]) // 2
    early = np.bincount(codes[times < middle], minlength=len(names))
    late = np.bincount(codes[times >= middle], minlength=len(names))
    enough = early + late >= FEWEST_AN_ASSET
    drifted = enough & ((early >= TIMES * late) | (late >= TIMES * early))
    if drifted.sum() < max(MANY, SHARE * enough.sum()):
        return None
    first = int(np.argmax(drifted))
    return _warning(
        source,
        "coverage drifts",
        int(drifted.sum()),
        f"of {enough.sum()} assets with {FEWEST_AN_ASSET} documents or more, those with three "
        "times as many in one half of the time as in the other: what is collected changed, or the "
        f"news; don't use counts; first: {names[first]} with {early[first]}, then {late[first]}",
    )


def _late_assets(
    times: NDArray[np.datetime64],
    codes: NDArray[np.int64],
    names: tuple[str, ...],
    source: str,
) -> Finding | None:
    """Assets that nothing is said of in the first quarter of the time."""
    # Documents come in order of time, so the first of each asset is its first row.
    present, rows = np.unique(codes, return_index=True)
    begins = times[0] + (times[-1] - times[0]) // 4
    late = times[rows] > begins
    if late.sum() < max(MANY, LATE_SHARE * len(present)):
        return None
    first = int(np.argmax(late))
    day = times[rows[first]].astype("datetime64[D]")
    return _warning(
        source,
        "assets that appear late",
        int(late.sum()),
        f"of {len(present)} assets, those first written about after a quarter of the time: chosen "
        "or collected afterwards, or coverage that grows; before, silence says nothing; first: "
        f"{names[present[first]]} on {day}",
    )


def survivors(panel: Panel, *, source: str) -> Finding | None:
    """A warning where so many assets over so long a time should have lost some, and lost none."""
    close = panel.field("close")
    years = float((panel.times[-1] - panel.times[0]) / np.timedelta64(365, "D"))
    expected = len(panel.assets) * years * LEAVE
    # A last price may come a few sessions early, for a halt.
    if expected < EXPECTED or np.isnan(close[-5:]).all(axis=0).any():
        return None
    return _warning(
        source,
        "survivors only",
        len(panel.assets),
        f"no asset's prices end within {years:.1f} years, where about {expected:.0f} of "
        f"{len(panel.assets)} companies leave their exchange: chosen by who is still there, which "
        f"flatters whatever holds them; first: {panel.assets[0]}",
    )


def _warning(source: str, check: str, count: int, detail: str) -> Finding:
    return Finding(source, check, count, detail, "warning")
