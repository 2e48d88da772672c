"""Prices, documents and facts out of a user's own CSV, Parquet or JSON-lines files.

`docs/data.md` shows every accepted shape. It doesn't guess: what a file leaves open, such as a
time zone, is refused.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING

from finstrat.components import Component, FactSource, MarketSource, TextSource
from finstrat.data import Documents, Facts, Finding
from finstrat.data.documents import SCHEMA
from finstrat.data.facts import COLUMNS
from finstrat.data.frames import read_table, require_columns, require_utc, with_standard_names
from finstrat.data.price_files import read_prices
from finstrat.data.prices import panel_from_table

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from finstrat.data import Panel, Span, Universe


class File(Component.Config):
    """One file.

    Attributes:
        path: of a .csv, .csv.gz, .parquet, .jsonl or .jsonl.gz file.
    """

    path: Path


class FilesPrices(MarketSource):
    """Daily prices, long or wide."""

    name = "files-prices"
    version = "1"

    class Config(File):
        """Which file."""

    config: Config

    def load(self, universe: Universe, span: Span) -> Panel:
        """The file's prices within `span`; raw with `adj_factor` where it has adjusted closes.

        Raises:
            DataError: see `read_prices` and `panel_from_table`.
        """
        path = self.config.path
        table = read_prices(path)
        return panel_from_table(table, universe, span=span, source=self.name, where=str(path))


class FilesDocuments(TextSource):
    """Texts with the moment at which each could first be read."""

    name = "files-documents"
    version = "1"

    class Config(File):
        """Which file."""

    config: Config

    def load(self, universe: Universe, span: Span) -> Documents:
        """The file's documents known within `span` (dates in UTC), market-wide ones included.

        A `known_at` or `event_at` that is a date alone becomes the end of that day in the
        exchange's zone; without `event_at`, an event happens when it is known. An empty text
        stays, as "".

        Raises:
            DataError: the file can't be read, a column is missing, or a stamp has no zone.
        """
        where = str(self.config.path)
        rows = with_standard_names(read_table(self.config.path), where=where)
        require_columns(rows, ("id", "known_at", "text"), where=where)
        findings = _unread(rows, SCHEMA.names, source=self.name)
        given = rows["event_at"] if "event_at" in rows else rows["known_at"]
        if given.isna().any():
            given = given.astype(object).where(given.notna(), rows["known_at"].astype(object))
        rows = rows.assign(event_at=given, text=rows["text"].fillna(""))
        for name in ("known_at", "event_at"):
            rows[name] = require_utc(rows, name, where=where, end_of_day=universe.end_of_day)
        documents = Documents.from_frame(rows, where=where, findings=findings)
        return documents.within(span, universe.assets)


class FilesFacts(FactSource):
    """Reported numbers with the moment at which each became public."""

    name = "files-facts"
    version = "1"

    class Config(File):
        """Which file."""

    config: Config

    def load(self, universe: Universe, span: Span) -> Facts:
        """The file's facts known until the end of `span`.

        Those known before its start are kept, since they still hold then. A `known_at` that is a
        date alone becomes the end of that day in the exchange's zone.

        Raises:
            DataError: the file can't be read, a column is missing, or a stamp has no zone.
        """
        where = str(self.config.path)
        rows = with_standard_names(read_table(self.config.path), where=where)
        require_columns(rows, COLUMNS[:-1], where=where)
        findings = _unread(rows, COLUMNS, source=self.name)
        rows["known_at"] = require_utc(
            rows, "known_at", where=where, end_of_day=universe.end_of_day
        )
        facts = Facts.from_frame(rows, where=where, findings=findings)
        return facts.until(span.end, universe.assets)


def _unread(rows: pd.DataFrame, names: Collection[str], *, source: str) -> tuple[Finding, ...]:
    """The columns that aren't read, named.

    Counts such as likes or followers grow after the document is known, so they may not be used.
    """
    extra = sorted(set(rows.columns) - set(names))
    return (Finding(source, "column not read", len(extra), ", ".join(extra)),) if extra else ()
