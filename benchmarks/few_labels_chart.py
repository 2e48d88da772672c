"""Draws the curves of `few_labels.py`: macro-F1 against labels, a panel a file.

    python benchmarks/few_labels_chart.py --chart FILE.svg TITLE=FIGURES.json …

FIGURES.json is what `--out` of `few_labels.py` wrote. Rules are one standard deviation over draws;
the language model is a level line, since it learns from none of the labels.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import vl_convert

_DRAWN = {"head": "head", "pairs": "few", "head, own": "head, own labels", "prompt": "prompt"}
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#777777")


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("figures", nargs="+", metavar="TITLE=FIGURES.json")
    parser.add_argument("--chart", type=Path, required=True)
    given = parser.parse_args()
    panels = [panel(*each.split("=", 1)) for each in given.figures]
    chart = alt.hconcat(*panels)
    given.chart.write_text(vl_convert.vegalite_to_svg(chart.to_json()))


def panel(title: str, file: str) -> alt.LayerChart:
    """The curves of one file of figures."""
    found = json.loads(Path(file).read_text())
    points = curves(found)
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X(
            "n:Q",
            title="labels a class",
            scale=alt.Scale(type="log", base=2, nice=False),
            axis=alt.Axis(values=sorted({each["n"] for each in points}), grid=False),
        ),
        color=alt.Color(
            "way:N",
            title=None,
            sort=list(_DRAWN.values()),
            scale=alt.Scale(domain=list(_DRAWN.values()), range=list(_COLOURS)),
        ),
    )
    value = alt.Y("value:Q", title="macro-F1", scale=alt.Scale(zero=False))
    line = base.mark_line(point=True).encode(y=value)
    spread = base.mark_rule(opacity=0.4).encode(y=alt.Y("low:Q", title="macro-F1"), y2="high:Q")
    return (line + spread).properties(width=200, height=220, title=title)


def curves(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A point for each way and number of labels, with a standard deviation on either side."""
    counts = sorted({each["n"] for each in found if each["n"]})
    points = []
    for way, name in _DRAWN.items():
        for n in counts:
            some = [
                each["macro_f1"] for each in found if each["way"] == way and each["n"] in {n, 0}
            ]
            if some:
                spread = float(np.std(some, ddof=1)) if len(some) > 1 else 0.0
                middle = float(np.mean(some))
                told = {"low": middle - spread, "high": middle + spread}
                points.append({"way": name, "n": n, "value": middle, **told})
    return points


if __name__ == "__main__":
    main()
