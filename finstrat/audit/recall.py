"""Asks a run's generative models what they remember of its period, without its prompt.

Two questions, through the likelihoods that the scorer's own model gives: which way an asset went on
a date, from its name alone; and how a held text goes on. Encoders and word lists can't be asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.data.entities import Entities
from finstrat.errors import FinstratError
from finstrat.text.clean import clean
from finstrat.validate.luck import Finding
from finstrat.validate.memory import recalls_directions, recalls_texts, together

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.audit.case import Case
    from finstrat.components import Scorer

QUESTIONS = 240
"""Dated returns that a model is asked about."""

TEXTS = 120
"""Texts from each side of the cutoff that a model goes on with."""

_HALVES = 8
"""Words that a text needs, so that each half says something."""


def recall_of(case: Case, scorers: Mapping[str, Scorer], cutoff: dt.date | None) -> Finding:
    """What each generative model recalls of the period up to `cutoff`, None = all of it."""
    findings = []
    for name, scorer in scorers.items():
        try:
            finding = _recall_of(case, scorer, cutoff)
        except FinstratError as error:
            finding = Finding("inconclusive", f"No recall probe: {error}")
        if finding is None:
            continue
        figures = tuple((f"{label}, {name}", figure) for label, figure in finding.figures)
        findings.append(replace(finding, evidence=f"{name}: {finding.evidence}", figures=figures))
    if not findings:
        told = "No recall probe: no model here gives the likelihood of a text."
        return Finding("not applicable", told)
    return together(findings)


def _recall_of(case: Case, scorer: Scorer, cutoff: dt.date | None) -> Finding | None:
    """Both questions to one model, or None where it can't be asked."""
    rng = np.random.default_rng(case.seed)
    if scorer.log_likelihoods(["It went"], [" up"]) is None:
        return None
    case.progress("memory", 2, 3)
    documents = case.market.documents
    days = documents.known_at.astype("datetime64[D]")
    later = np.zeros(len(days), bool) if cutoff is None else days > np.datetime64(cutoff, "D")
    before, after = (
        _gains(scorer, _some(documents.texts, chosen, rng)) for chosen in (~later, later)
    )
    return together([_directions(case, scorer, cutoff, rng), recalls_texts(before, after)])


def _directions(
    case: Case, scorer: Scorer, cutoff: dt.date | None, rng: np.random.Generator
) -> Finding:
    """Names and dates drawn from the run's sessions up to the cutoff, asked for up or down."""
    panel = case.market.panel
    returns = panel.returns()[case.market.first :]
    days = pd.DatetimeIndex(panel.index[case.market.first :])
    allowed = ~np.isnan(returns) & (returns != 0.0)
    if cutoff is not None:
        allowed &= np.asarray(days <= pd.Timestamp(cutoff))[:, None]
    rows, columns = np.nonzero(allowed)
    drawn = np.sort(rng.choice(len(rows), size=min(QUESTIONS, len(rows)), replace=False))
    rows, columns = rows[drawn], columns[drawn]
    names = _names(panel.assets)
    asked = [
        f"On {days[row]:%B} {days[row].day}, {days[row].year}, shares of {names[column]} went"
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    up, down = (_likelihoods(scorer, asked, [word] * len(asked)) for word in (" up", " down"))
    return recalls_directions(up - down, returns[rows, columns], columns, seed=case.seed)


def _names(assets: Sequence[str]) -> list[str]:
    """How texts call each asset: the first name in the table, else the ticker."""
    known: dict[str, str] = {}
    for alias in Entities.bundled().aliases:
        known.setdefault(alias.asset, alias.name)
    return [known.get(asset, asset) for asset in assets]


def _some(texts: Sequence[str], chosen: NDArray[np.bool_], rng: np.random.Generator) -> list[str]:
    """Up to `TEXTS` distinct ones of the chosen texts, cleaned and long enough to be halved."""
    found: dict[str, None] = {}
    for row in rng.permutation(np.flatnonzero(chosen)).tolist():
        if len(found) == TEXTS:
            break
        text = clean(texts[row])
        if len(text.split()) >= _HALVES:
            found.setdefault(text)
    return list(found)


def _gains(scorer: Scorer, texts: Sequence[str]) -> NDArray[np.float64]:
    """What a text's own first half adds to the likelihood of its second, `[D]`.

    It is held against the first half of the next text.
    """
    if len(texts) < 2:
        return np.full(len(texts), np.nan)
    words = [text.split() for text in texts]
    firsts = [" ".join(each[: len(each) // 2]) for each in words]
    seconds = [" " + " ".join(each[len(each) // 2 :]) for each in words]
    others = [*firsts[1:], firsts[0]]
    return _likelihoods(scorer, firsts, seconds) - _likelihoods(scorer, others, seconds)


def _likelihoods(
    scorer: Scorer, beginnings: Sequence[str], endings: Sequence[str]
) -> NDArray[np.float64]:
    found = scorer.log_likelihoods(beginnings, endings)
    assert found is not None
    values: NDArray[np.float64] = found.double().cpu().numpy()
    return values
