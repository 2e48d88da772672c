"""How well a credit model tells borrowers apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_curve

from finstrat.components import Section
from finstrat.report.block import Block, Chart, Table
from finstrat.report.chart import BLUE, GREY, SCHEMA
from finstrat.report.credit import LABELS, judged, measures
from finstrat.risk import credit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.store import RunResult

_POINTS = 200


class CreditRankingSection(Section):
    """ROC curve, ROC-AUC and its relatives, and the same by fold and by family."""

    name = "credit-ranking"
    version = "1"
    serves = ("credit",)
    order = 20

    def build(self, result: RunResult) -> Block:
        """Figures with bootstrap intervals; each fold's own AUC shows how far they scatter."""
        rows = judged(result)
        chance = rows["probability"].to_numpy(dtype=np.float64)
        defaulted = rows["defaulted"].to_numpy(dtype=bool)
        both = bool(defaulted.any() and not defaulted.all())
        tables = []
        if "fold" in rows:
            of_row = rows["fold"].to_numpy(dtype=np.int64)
            folds = tuple(
                (
                    fold + 1,
                    int((of_row == fold).sum()),
                    int(defaulted[of_row == fold].sum()),
                    str(rows["family"].to_numpy()[of_row == fold][0]),
                    round(credit.roc_auc(chance[of_row == fold], defaulted[of_row == fold]), 4),
                )
                for fold in np.unique(of_row).tolist()
            )
            columns = ("Fold", "Borrowers", "Defaults", "Family chosen without it", "ROC-AUC")
            tables.append(Table("By outer fold", columns, folds))
        rivals = result.manifest.get("families")
        if rivals:
            tables.append(
                Table(
                    "Each family alone, on the same folds",
                    ("Family", "ROC-AUC", "PR-AUC", "Brier"),
                    tuple((name, *found) for name, found in sorted(rivals.items())),
                    note="Means over the outer folds; the family above was chosen without them.",
                )
            )
        return Block(
            id=self.name,
            title="Telling borrowers apart",
            figures=tuple(
                (LABELS[name], figure)
                for name, figure in measures(result).items()
                if name != "credit.calibration-slope"
            ),
            tables=tuple(tables),
            charts=(_roc_chart(chance, defaulted),) if both else (),
        )


def _roc_chart(chance: NDArray[np.float64], defaulted: NDArray[np.bool_]) -> Chart:
    false_rate, true_rate, _ = roc_curve(defaulted, chance)
    at = np.linspace(0.0, 1.0, _POINTS + 1)
    points = [
        {"false": round(float(x), 4), "true": round(float(y), 4)}
        for x, y in zip(at, np.interp(at, false_rate, true_rate), strict=True)
    ]
    axes = {
        "x": {
            "field": "false",
            "type": "quantitative",
            "title": "share of those who paid",
            "axis": {"format": ".0%"},
        },
        "y": {
            "field": "true",
            "type": "quantitative",
            "title": "share of defaults found",
            "axis": {"format": ".0%"},
        },
    }
    auc = credit.roc_auc(chance, defaulted)
    half = float(np.interp(0.1, false_rate, true_rate))
    return Chart(
        title="Defaults found against those who paid turned away",
        alt=f"ROC curve, area {auc:.3f}: turning away 10 % of payers finds {half:.0%} of defaults.",
        spec={
            "$schema": SCHEMA,
            "width": "container",
            "height": 280,
            "autosize": {"type": "fit", "contains": "padding"},
            "layer": [
                {
                    "data": {"values": [{"false": 0, "true": 0}, {"false": 1, "true": 1}]},
                    "mark": {"type": "line", "color": GREY, "strokeDash": [4, 4]},
                    "encoding": axes,
                },
                {
                    "data": {"values": points},
                    "mark": {"type": "line", "color": BLUE, "strokeWidth": 2},
                    "encoding": {
                        **axes,
                        "tooltip": [
                            {
                                "field": "false",
                                "type": "quantitative",
                                "title": "Paid, turned away",
                                "format": ".1%",
                            },
                            {
                                "field": "true",
                                "type": "quantitative",
                                "title": "Defaults found",
                                "format": ".1%",
                            },
                        ],
                    },
                },
            ],
        },
    )
