"""What was measured on an evaluation set, written into the card of `minilm-sentiment`, and drawn.

    python benchmarks/training/card.py compared.json [more.json] --card card.json
        --chart reliability.svg --set phrasebank --times 1

The files are what `benchmarks/scorers.py --json` wrote. Every scorer in them gets its line in the
card, `minilm-sentiment` also its confusion matrices and reliability. `--times` says how many
candidates were measured on this set before the shipped one was settled, itself included.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

OURS = "minilm-sentiment"
# Trained on nine tenths of PhraseBank itself, measured on the rest; so no like for like.
PUBLISHED = {
    "FinBERT, trained on PhraseBank (Araci, 2019, table 2)": {
        "50": {"accuracy": 0.86, "macro_f1": 0.84},
    }
}


def evaluation(compared: dict[str, Any], *, times: int) -> dict[str, Any]:
    """The card's entry: figures rounded to four places, levels of agreement as they came."""
    ours = rounded(compared[OURS]["levels"])
    brief = ("n", "accuracy", "macro_f1", "ece")
    others = {
        name: {
            level: {key: measured[key] for key in brief}
            for level, measured in rounded(found["levels"]).items()
        }
        for name, found in compared.items()
        if name != OURS
    }
    return {"candidates_measured": times, "levels": ours, "beside": others, "published": PUBLISHED}


def rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """`value` with every number of four places at most."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def reliability_chart(levels: dict[str, Any]) -> str:
    """SVG: share of right answers over the stated probability, a line a level of agreement."""
    rows = [
        {
            "agreement": f"at least {level} %",
            "stated": each["confidence"],
            "right": each["accuracy"],
            "texts": each["n"],
        }
        for level, measured in levels.items()
        for each in measured["reliability"]
    ]
    axes = {
        "x": alt.X("stated:Q", title="stated probability of the likeliest class")
        .scale(domain=[0.2, 1])
        .axis(format=".0%"),
        "y": alt.Y("right:Q", title="share of right answers")
        .scale(domain=[0.2, 1])
        .axis(format=".0%"),
    }
    perfect = (
        alt.Chart(alt.Data(values=[{"stated": 0.2, "right": 0.2}, {"stated": 1, "right": 1}]))
        .mark_line(color="#999", strokeDash=[4, 4])
        .encode(**axes)
    )
    measured = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point={"filled": True})
        .encode(
            **axes,
            color=alt.Color(
                "agreement:N",
                title="annotators' agreement",
                sort=[f"at least {level} %" for level in levels],
            ),
        )
    )
    chart = (perfect + measured).properties(width=420, height=320, background="white")
    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg


def main() -> None:
    """Read, write, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("compared", type=Path, nargs="+")
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--chart", type=Path, required=True)
    parser.add_argument("--set", default="phrasebank")
    parser.add_argument("--times", type=int, required=True)
    told = parser.parse_args()

    card = json.loads(told.card.read_text(encoding="utf-8"))
    compared: dict[str, Any] = {}
    for file in told.compared:
        compared |= json.loads(file.read_text(encoding="utf-8"))
    found = evaluation(compared, times=told.times)
    card.setdefault("evaluation", {})[told.set] = found
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    told.card.write_text(text, encoding="utf-8")
    told.chart.write_text(reliability_chart(found["levels"]), encoding="utf-8")


if __name__ == "__main__":
    main()
