"""The StockNet data: daily prices of 69 US stocks and tweets about them, 2012-2015.

It reads a folder that the user has (`prices.parquet`, `tweets.parquet`); nothing is downloaded.
`followers` carries no moment at which it was seen, so it is never read.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.components import Component, MarketSource, TextSource
from finstrat.data import Documents, Finding
from finstrat.data.frames import read_table, require_columns, require_utc
from finstrat.data.panel import PRICES
from finstrat.data.prices import panel_from_table
from finstrat.data.snowflake import post_times
from finstrat.errors import DataError

if TYPE_CHECKING:
    from finstrat.data import Panel, Span, Universe

FOLDER_VARIABLE = "FINSTRAT_STOCKNET"
SHARED_VARIABLE = "FINSTRAT_SHARED_DATA"

COLUMNS = {
    "prices.parquet": ("ticker", "date", *PRICES, "adj_close", "volume"),
    "tweets.parquet": ("id", "ticker", "created_at", "text", "lang"),
}


class Folder(Component.Config):
    """Where the data are.

    Attributes:
        path: the folder; by default FINSTRAT_STOCKNET, or `stocknet` in FINSTRAT_SHARED_DATA.
    """

    path: Path | None = None


class StocknetPrices(MarketSource):
    """Raw daily prices with `adj_factor`; a stock listed later is unknown before."""

    name = "stocknet-prices"
    version = "1"

    class Config(Folder):
        """Where the data are."""

    config: Config

    def load(self, universe: Universe, span: Span) -> Panel:
        """The prices of the chosen stocks.

        Raises:
            DataError: the folder, a file or a column is missing.
        """
        table = _read("prices.parquet", self.config.path)
        table = table.rename(columns={"ticker": "asset"}).assign(currency="USD")
        return panel_from_table(
            table, universe, span=span, source=self.name, where="stocknet prices.parquet"
        )


class StocknetTweets(TextSource):
    """Documents of kind "tweet", one row for each stock that a tweet names.

    The tweets are part of Twitter's one-percent sample: the ids' milliseconds all lie within ten
    of each second (Pfeffer, Mayer, Morstatter, "Tampering with Twitter's Sample API", 2018).
    Tweets that aren't in English are kept and counted.
    """

    name = "stocknet-tweets"
    version = "1"

    class Config(Folder):
        """Where the data are."""

    config: Config

    def load(self, universe: Universe, span: Span) -> Documents:
        """The tweets of `span` (dates in UTC) about the chosen stocks.

        Known once their second and their id's time are over.

        Raises:
            DataError: the folder, a file or a column is missing.
        """
        where = "stocknet tweets.parquet"
        rows = _read("tweets.parquet", self.config.path)
        stamps = require_utc(rows, "created_at", where=where).dt.tz_localize(None).to_numpy()
        posted = post_times(stamps, rows["id"].to_numpy("int64"), source=self.name)
        known_at = pd.DatetimeIndex(posted.known_at).tz_localize("UTC")
        documents = pd.DataFrame(
            {
                "id": rows["id"],
                "asset": rows["ticker"],
                "event_at": known_at,
                "known_at": known_at,
                "kind": "tweet",
                "text": rows["text"],
            }
        )
        found = Documents.from_frame(documents, where=where).within(span, universe.assets)
        foreign = set(rows["id"][rows["lang"] != "en"].astype(str))
        count = sum(name in foreign for name in found.ids)
        findings = posted.findings
        if count:
            findings += (Finding(self.name, "not marked as English", count, "kept"),)
        return replace(found, findings=findings)


def _read(name: str, path: Path | None) -> pd.DataFrame:
    """One of the folder's tables, its columns checked."""
    folder = path
    if folder is None and (given := os.environ.get(FOLDER_VARIABLE)):
        folder = Path(given)
    if folder is None and (given := os.environ.get(SHARED_VARIABLE)):
        folder = Path(given) / "stocknet"
    if folder is None or not (folder / name).is_file():
        files = "; ".join(f"{file} ({', '.join(columns)})" for file, columns in COLUMNS.items())
        raise DataError(
            f"stocknet: {'no folder was given' if folder is None else f'{folder} has no {name}'}; "
            f"expected: a folder with {files}. Set the source's option path, or the environment "
            f"variable {FOLDER_VARIABLE}, or {SHARED_VARIABLE} to the folder above `stocknet`"
        )
    table = read_table(folder / name)
    require_columns(table, COLUMNS[name], where=str(folder / name))
    return table
