"""Whether borrowers are still those that the model learnt from, and how they move between bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat import risk
from finstrat.components import Section
from finstrat.credit.bands import band_names
from finstrat.report.block import Block, Table
from finstrat.risk import credit

if TYPE_CHECKING:
    from finstrat.store import RunResult


class CreditStabilitySection(Section):
    """Population stability of the probabilities, and migration from one date to the next."""

    name = "credit-stability"
    version = "1"
    serves = ("credit",)
    order = 40

    def build(self, result: RunResult) -> Block:
        """PSI against the training rows, or the later half of the dates against the earlier."""
        rows = result.assessments
        assert rows is not None
        names = band_names(result.config["bands"])
        moves = _moves(rows[rows["sample"] == "judged"], names)
        tables = (moves,) if moves is not None else ()
        text = () if tables else ("No borrower comes at two dates, so there is no migration.",)
        label, figure = _stability(rows)
        shifted = figure.value is not None and figure.value > 0.25
        return Block(
            id=self.name,
            title="Stability and migration",
            text=text,
            figures=((label, figure),),
            tables=tables,
            status="warning" if shifted else "",
        )


def _stability(rows: pd.DataFrame) -> tuple[str, risk.Figure]:
    """The PSI of what is judged, and against what."""
    judged = rows[rows["sample"] == "judged"]
    chance = judged["probability"].to_numpy(dtype=np.float64)
    reference = rows.loc[rows["sample"] == "reference", "probability"]
    if len(reference):
        base = reference.to_numpy(dtype=np.float64)
        return "PSI against the training rows", credit.population_stability(base, chance)
    label = "PSI, later half of the dates against the earlier"
    if "as_of" not in judged or judged["as_of"].nunique() < 2:
        reason = "one sample without dates: nothing to compare it with"
        return label, risk.unknown("credit.psi", n=len(judged), reason=reason)
    late = (judged["as_of"] > judged["as_of"].median()).to_numpy()
    return label, credit.population_stability(chance[~late], chance[late])


def _moves(rows: pd.DataFrame, names: tuple[str, ...]) -> Table | None:
    """Where borrowers of each band were at their next date, in percent; None where none recurs."""
    if "as_of" not in rows:
        return None
    ordered = rows[rows["band"] != ""].sort_values(["entity", "as_of"], kind="stable")
    following = ordered.groupby("entity", sort=False)["band"].shift(-1)
    pairs = pd.crosstab(ordered["band"], following)
    if pairs.empty:
        return None
    counts = pairs.reindex(index=names, columns=names, fill_value=0)
    moved = counts.to_numpy(dtype=np.int64)
    cells = tuple(
        (name, int(row.sum()), *(100.0 * row / row.sum()).round(1).tolist())
        for name, row in zip(names, moved, strict=True)
        if row.sum()
    )
    columns = ("From band", "Moves", *(f"to {name}, %" for name in names))
    return Table("Migration to the next date", columns, cells)
