"""Whether a source, asked earlier, would have said the same.

A signal's check cuts what the source gave; where the source itself knows too much, every cut view
does. So the source is asked for less: for a span that ended earlier, that began later, for fewer
assets; and, where it reads files, from the files as they were: without the rows that came later.

What no part can see: a package or service that only gives the latest word (there is no earlier one
to ask), and a file whose stamps are themselves wrong.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.components import FactSource, MarketSource, TextSource
from finstrat.data import Span, Universe
from finstrat.errors import FinstratError
from finstrat.validate.causality.report import Change, Check, Report
from finstrat.validate.causality.subject import fresh, seeded, told
from finstrat.validate.causality.tables import first_change, of_documents, of_facts, of_prices
from finstrat.validate.causality.vintage import file_option, write_vintage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Source = MarketSource | TextSource | FactSource

ENDS = 5
"""Earlier ends of the span, and moments to cut files at, that are tried."""


def check_source(source: Source, universe: Universe, span: Span, *, seed: int = 0) -> Report:
    """The causality of a source over `span`; every part loads anew."""
    rng = np.random.default_rng(seed)

    def report(*checks: Check) -> Report:
        return Report(source.kind, source.name, source.version, checks)

    try:
        whole = _table(source, universe, span)
    except FinstratError as error:
        return report(Check("load", "inconclusive", str(error), 1))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        return report(Check("load", "failed", f"it raised {told(error)}", 1))
    if whole.empty:
        return report(Check("load", "inconclusive", f"nothing from {span.start} to {span.end}", 1))
    days = _days(whole, span)
    if len(days) < 3:
        return report(Check("load", "inconclusive", "fewer than three dates in the span", 1))
    cuts = sorted(rng.choice(days[:-1], min(ENDS, len(days) - 1), replace=False).tolist())
    checks = [
        Check("load", "passed", f"{len(whole):,} rows from {span.start} to {span.end}", 1),
        _tried("repeat", lambda: _repeats(source, universe, span, whole), "loaded again"),
        _tried(
            "end",
            lambda: _earlier_ends(source, universe, span, whole, cuts),
            "spans that ended earlier",
        ),
        _tried(
            "start",
            lambda: _later_starts(source, universe, span, whole, cuts),
            "spans that began later",
        ),
        _tried("assets", lambda: _fewer(source, universe, span, whole), "asked for fewer assets"),
        _vintages(source, universe, span, whole, cuts),
    ]
    if isinstance(source, FactSource):
        checks.append(_delays(whole))
    return report(*checks)


def _tried(name: str, changes: Callable[[], Iterator[Change | None]], detail: str) -> Check:
    count = 0
    try:
        for change in changes():
            count += 1
            if change is not None:
                return Check(name, "failed", detail, count, change)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        return Check(name, "inconclusive", f"{detail}: it raised {told(error)}", count)
    return Check(name, "passed", f"{detail} ({count} tried)", count)


def _table(source: Source, universe: Universe, span: Span) -> pd.DataFrame:
    """What a source gives as one long table: moment, asset, key and value, sorted.

    `moment` is when the row could first be known; `key` says what else makes it that row.
    """
    source = fresh(source)
    if isinstance(source, MarketSource):
        return of_prices(source.load(universe, span))
    if isinstance(source, TextSource):
        return of_documents(source.load(universe, span))
    return of_facts(source.load(universe, span))


def _days(table: pd.DataFrame, span: Span) -> NDArray[np.datetime64]:
    """The dates of `span` on which something became known."""
    days = np.unique(table["moment"].to_numpy().astype("datetime64[D]"))
    return days[(days >= np.datetime64(span.start)) & (days <= np.datetime64(span.end))]


def _until(table: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    return table[table["moment"] < pd.Timestamp(day) + pd.Timedelta(days=1)]


def _repeats(
    source: Source, universe: Universe, span: Span, whole: pd.DataFrame
) -> Iterator[Change | None]:
    seeded(1)
    again = _table(source, universe, span)
    seeded(0)
    yield first_change(whole, again, "it was loaded again with other global random seeds")


def _earlier_ends(
    source: Source, universe: Universe, span: Span, whole: pd.DataFrame, cuts: list[dt.date]
) -> Iterator[Change | None]:
    for day in cuts:
        part = _table(source, universe, Span(span.start, day))
        yield first_change(_until(whole, day), part, f"the span ended on {day}")


def _later_starts(
    source: Source, universe: Universe, span: Span, whole: pd.DataFrame, cuts: list[dt.date]
) -> Iterator[Change | None]:
    for day in cuts:
        start = pd.Timestamp(day)
        part = _table(source, universe, Span(day, span.end))
        kept, whole_kept = part[part["moment"] >= start], whole[whole["moment"] >= start]
        if isinstance(source, MarketSource):
            # Ratios are to the first price of a span: put both on the later one.
            kept, whole_kept = _rebased(kept), _rebased(whole_kept)
        yield first_change(whole_kept, kept, f"the span began on {day}")


def _rebased(table: pd.DataFrame) -> pd.DataFrame:
    first = table.sort_values("moment").groupby(["asset", "key"])["value"].transform("first")
    ratio = table["key"] != "member"
    return table.assign(value=table["value"].where(~ratio, table["value"] / first))


def _fewer(
    source: Source, universe: Universe, span: Span, whole: pd.DataFrame
) -> Iterator[Change | None]:
    named = sorted(set(whole["asset"]) - {""})
    if len(named) < 2:
        return
    chosen = tuple(named[::-2])
    asked = Universe(chosen, universe.calendar, universe.currency)
    part = _table(source, asked, span)
    expected = whole[whole["asset"].isin({"", *chosen})]
    # A session on which none of the chosen has a price may be absent.
    if isinstance(source, MarketSource):
        expected = expected[expected["moment"].isin(part["moment"])]
    yield first_change(expected, part, f"only {', '.join(chosen[:5])} … were asked for")


def _vintages(
    source: Source, universe: Universe, span: Span, whole: pd.DataFrame, cuts: list[dt.date]
) -> Check:
    """The same source over its files as they were at earlier moments."""
    option = file_option(source)
    if option is None:
        detail = "it reads no file named by an option, so no earlier state of it can be made"
        return Check("vintage", "not applicable", detail)
    name, path = option
    uncut: set[str] = set()

    def changes() -> Iterator[Change | None]:
        with tempfile.TemporaryDirectory() as folder:
            for day in cuts:
                earlier = write_vintage(path, Path(folder) / str(day), day=day)
                uncut.update(earlier.uncut)
                older = type(source)(source.config.model_copy(update={name: earlier.path}))
                part = _table(older, universe, span)
                yield first_change(
                    _until(whole, day),
                    _until(part, day),
                    f"{path.name} held only the rows stamped until {day}",
                )

    check = _tried("vintage", changes, f"{path.name} without the rows that came later")
    if uncut:
        left = f"{check.detail}; nothing says when rows of {', '.join(sorted(uncut))} came to be"
        return replace(check, detail=left)
    return check


def _delays(whole: pd.DataFrame) -> Check:
    """Facts that are known on the very day their period ends are more likely misdated."""
    same = whole["moment"].dt.normalize() <= whole["period_end"].dt.normalize()
    if same.mean() > 0.5:
        return Check(
            "delay",
            "inconclusive",
            f"{int(same.sum()):,} of {len(whole):,} facts are known by the day their period ends; "
            "a filing is known from its acceptance, never from its period's end",
        )
    return Check("delay", "passed", "facts are known after the end of their period")
