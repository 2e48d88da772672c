"""Sources, leaky and honest, over the files that a test writes; and two scorers."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

import finstrat
from finstrat.components import FactSource, MarketSource, Scorer, TextSource
from finstrat.data import Documents, Facts
from finstrat.data.prices import panel_from_table
from finstrat.text.card import ModelCard

KEYS = ["asset", "item", "period_end"]


class Filings(FactSource):
    """Figures from their acceptance, restatements too."""

    name = "filings"
    version = "1"

    class Config(FactSource.Config):
        path: Path

    def rows(self):
        table = pd.read_csv(self.config.path)
        table["known_at"] = pd.to_datetime(table["accepted"], utc=True)
        table["version"] = table.sort_values("accepted").groupby(KEYS).cumcount() + 1
        return table

    def load(self, universe, span):
        facts = Facts.from_frame(self.rows(), where=self.name)
        return facts.until(span.end, universe.assets)


class PeriodEndFilings(Filings):
    """Figures from the last day of their period."""

    name = "period-end-filings"
    caught_by = "vintage"

    def rows(self):
        rows = super().rows()
        rows = rows[rows["version"] == 1]
        return rows.assign(known_at=pd.to_datetime(rows["period_end"], utc=True))


class RestatedFilings(Filings):
    """What each figure was restated to, from the day of the first filing."""

    name = "restated-filings"
    caught_by = "vintage"

    def rows(self):
        rows = super().rows().sort_values("version")
        last = rows.groupby(KEYS).last().assign(version=1)
        last["known_at"] = rows.groupby(KEYS)["known_at"].first()
        return last.reset_index()


class Prices(MarketSource):
    """Prices as they are in the file."""

    name = "prices"
    version = "1"

    class Config(MarketSource.Config):
        path: Path

    def table(self, _span):
        return pd.read_csv(self.config.path)

    def load(self, universe, span):
        where = self.name
        return panel_from_table(self.table(span), universe, span=span, source=where, where=where)


class BackfilledPrices(Prices):
    """Holes filled with the next price, before anything is cut."""

    name = "backfilled-prices"
    caught_by = "vintage"

    def table(self, _span):
        wide = super().table(_span).pivot_table(index="date", columns="asset", values="close")
        long = wide.bfill().reset_index().melt("date", var_name="asset", value_name="close")
        return long.dropna()


class Survivors(Prices):
    """Only those that still have a price when the span ends."""

    name = "survivors"
    caught_by = "end"

    def table(self, span):
        table = super().table(span)
        inside = table[table["date"] <= str(span.end)]
        alive = inside.loc[inside["date"] == inside["date"].max(), "asset"]
        return table[table["asset"].isin(alive)]


class NormalisedPrices(Prices):
    """Prices from 1 to 2 by the lowest and highest of the span."""

    name = "normalised-prices"
    caught_by = "end"

    def table(self, span):
        table = super().table(span)
        inside = table[table["date"] <= str(span.end)]
        low, high = (getattr(inside.groupby("asset")["close"], how)() for how in ("min", "max"))
        scaled = (table["close"] - table["asset"].map(low)) / table["asset"].map(high - low) + 1
        return table.assign(close=scaled.clip(lower=0.5))


class JitteredPrices(Prices):
    """A little noise from the global random state."""

    name = "jittered-prices"
    caught_by = "repeat"

    def table(self, span):
        table = super().table(span)
        noise = np.random.uniform(0.999, 1.001, len(table))  # noqa: NPY002 - the leak
        return table.assign(close=table["close"] * noise)


class RelativePrices(Prices):
    """Prices against the mean of whatever was asked for."""

    name = "relative-prices"
    caught_by = "assets"

    def load(self, universe, span):
        table = self.table(span)
        if universe.assets:
            table = table[table["asset"].isin(universe.assets)]
        mean = table.groupby("date")["close"].transform("mean")
        where = self.name
        table = table.assign(close=table["close"] / mean)
        return panel_from_table(table, universe, span=span, source=where, where=where)


class Posts(TextSource):
    """All posts."""

    name = "posts"
    version = "1"

    class Config(TextSource.Config):
        path: Path

    def rows(self):
        # "null" is a text like any other.
        table = pd.read_csv(
            self.config.path, dtype={"id": str}, keep_default_na=False, na_values={"asset": [""]}
        )
        posted = pd.to_datetime(table["created_at"], utc=True)
        return table.assign(event_at=posted, known_at=posted)

    def load(self, universe, span):
        found = Documents.from_frame(self.rows(), where=self.name)
        return found.within(span, universe.assets)


class PopularPosts(Posts):
    """Only posts with many likes, as they were counted by a crawl months later."""

    name = "popular-posts"
    caught_by = "vintage"

    def rows(self):
        return super().rows().query("likes > 400")


class LikesInText(Posts):
    """The likes counted later, written into the text of the post."""

    name = "likes-in-text"
    caught_by = "vintage"

    def rows(self):
        rows = super().rows()
        return rows.assign(text=rows["text"] + " likes " + rows["likes"].astype(str))


class Length(Scorer):
    """How long a text is."""

    name = "length"
    version = "1"
    outputs = ("score",)
    fingerprint = "length-1"
    card = ModelCard(
        name="length",
        version="1",
        summary="Counts letters.",
        training_data=(),
        licence="Apache-2.0",
        training_cutoff=None,
        cutoff_reason="a rule",
    )

    def score(self, texts):
        return torch.tensor([[float(len(text))] for text in texts])


class LengthAgainstBatch(Length):
    """How long a text is, against its companions."""

    name = "length-against-batch"
    caught_by = "batches"

    def score(self, texts):
        lengths = super().score(texts)
        return lengths - lengths.mean()


@finstrat.hookimpl
def finstrat_components():
    return [
        *(Filings, PeriodEndFilings, RestatedFilings),
        *(Prices, BackfilledPrices, Survivors, NormalisedPrices, JitteredPrices, RelativePrices),
        *(Posts, PopularPosts, LikesInText),
        *(Length, LengthAgainstBatch),
    ]
