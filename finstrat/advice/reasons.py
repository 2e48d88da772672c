"""Why a stock is recommended, in plain words, each with the row it rests on.

Reasons repeat what signals, documents, facts and prices said on the day; they add no opinion. A
source is kept under an id, so that a page or a program can open it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from finstrat.lineage import prices_told, signal_told, signals_used

if TYPE_CHECKING:
    from finstrat.audit import Case

MOST_DOCUMENTS = 3
"""Documents quoted for one stock."""


@dataclass
class Sources:
    """The rows that reasons rest on, by id."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, row: dict[str, Any]) -> str:
        """The id of a row, kept once."""
        key = "source-" + "".join(each if each.isalnum() else "-" for each in name)
        self.rows.setdefault(key, row)
        return key


def reasons_for(case: Case, column: int, row: int, sources: Sources) -> list[dict[str, str]]:
    """What the pipeline knew of one asset at one session, as `{"text", "source"}`."""
    asset = case.market.panel.assets[column]
    found = _of_signals(case, "asset", column, row, sources=sources)
    prices = prices_told(case, column, row)
    year = prices["past_returns"].get("252")
    if year is not None:
        day = str(case.market.panel.times[row])
        source = sources.add(f"{asset} prices", {"kind": "prices", "session": day, **prices})
        word = "gained" if year >= 0 else "lost"
        found.append(
            {"text": f"It {word} {abs(year):.1%} over the 252 sessions before.", "source": source}
        )
    return found


def reasons_of_market(case: Case, row: int, sources: Sources) -> list[dict[str, str]]:
    """What market-level signals say of all assets alike at one session."""
    return _of_signals(case, "market", 0, row, sources=sources)


def _of_signals(
    case: Case, scope: str, column: int, row: int, *, sources: Sources
) -> list[dict[str, str]]:
    """What the signals of one scope say."""
    asset, day = case.market.panel.assets[column], str(case.market.panel.times[row])
    found = []
    for key in signals_used(case):
        if case.plan.signals[key.partition(".")[0]].scope == scope:
            told = signal_told(case, key, column, row)
            found += _of_signal(told, asset, day, sources)
    return found


def _of_signal(
    told: dict[str, Any], asset: str, day: str, sources: Sources
) -> list[dict[str, str]]:
    """A signal's own place on the day, then the facts and documents it read."""
    found = []
    row = {key: each for key, each in told.items() if key not in {"documents", "facts"}}
    if told["value"] is not None:
        whose = asset if told["scope"] == "asset" else "market"
        source = sources.add(f"{whose} {told['output']}", {"kind": "figure", "session": day, **row})
        found.append({"text": _place(told), "source": source})
    for fact in told.get("facts", ()):
        source = sources.add(f"{asset} {fact['item']}", {"kind": "fact", "asset": asset, **fact})
        found.append(
            {
                "text": f"It reported {fact['item']} of {fact['value']:,.4g} for the period to "
                f"{fact['period_end']}.",
                "source": source,
            }
        )
    for document in told.get("documents", ())[:MOST_DOCUMENTS]:
        source = sources.add(f"document {document['id']}", {"kind": "document", **document})
        found.append(
            {
                "text": f"A text of {document['known_at'][:10]} moved {told['output']} by "
                f"{document['effect']:+.3f}: “{_short(document['text'])}”",
                "source": source,
            }
        )
    return found


def _place(told: dict[str, Any]) -> str:
    value = f"{told['output']} is {told['value']:+.3f}"
    if told["scope"] == "asset":
        return f"{value}: {_rank(told['higher_assets'] + 1)} of {told['known_assets']} stocks."
    below = told["share_of_past_year_below"]
    if below is None:
        return f"For the whole market, {value}."
    return f"For the whole market, {value}: above {below:.0%} of the past year's sessions."


def _rank(place: int) -> str:
    return "the highest" if place == 1 else f"number {place}"


def _short(text: str, most: int = 140) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
