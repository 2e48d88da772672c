"""Notes about stocks whose tone is noise, or noise with a little of the future mixed in on purpose.

For experiments on the verdict: how much a note knows is set, so what the verdict should say is
known. A note is honestly stamped; that it knows the future lies in how its words were made.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from scipy.special import ndtri
from scipy.stats import rankdata

import finstrat
from finstrat.components import Component, Scorer, TextSource
from finstrat.data import Documents
from finstrat.text.card import ModelCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from finstrat.data import Span, Universe

CUTOFF = dt.date(2010, 12, 31)
"""The last day that whoever scores the notes is said to know of."""


class PlantedNotes(TextSource):
    """A note about each asset on each week's first session, or about the market on every one.

    They are written in the morning. Their tone is ic / √(1 − φ²) of the future and the rest noise,
    both with the same autocorrelation φ, which halves every `half_life` sessions: the tone
    correlates by `ic` with the next return from fill to fill (open to open, as normal scores across
    assets), by φ · `ic` with the one after it, and so on.
    """

    name = "planted-notes"
    version = "1"

    class Config(TextSource.Config):
        """What the notes know, and of whom."""

        prices: Path = Field(description="parquet file with date, asset, open")
        seed: int = Field(0, description="of the noise")
        ic: float = Field(0.0, ge=0, lt=1, description="correlation with the next return")
        half_life: float = Field(0.0, ge=0, description="sessions; 0 = each note is its own")
        about: Literal["assets", "market"] = "assets"
        names: tuple[str, ...] = Field(
            (), description="of whom notes are written, whoever is asked for; empty = of those"
        )

    config: Config

    def load(self, universe: Universe, span: Span) -> Documents:
        """The notes of `span`."""
        return self.all(universe.assets).within(span, universe.assets)

    def all(self, assets: tuple[str, ...]) -> Documents:
        """The notes of the whole file, about `names`, or about `assets` where it has none."""
        written = self.config.names or assets
        return _notes(self.config.prices, written, self.config.about).with_texts(
            self.texts(written)
        )

    def texts(self, assets: tuple[str, ...]) -> list[str]:
        """What the notes say, `all` in their order: sessions, then assets."""
        phi = 0.5 ** (1.0 / self.config.half_life) if self.config.half_life else 0.0
        share = self.config.ic / np.sqrt(1.0 - phi**2)
        if share > 1:
            raise ValueError(f"an ic of {self.config.ic} is more than such notes can know")
        opened = _opens(self.config.prices, assets)
        rng = np.random.default_rng(self.config.seed)
        shape = (len(opened), 1 if self.config.about == "market" else len(assets))
        tone = np.sqrt(1.0 - share**2) * _persistent(rng.standard_normal(shape), phi)
        if share:
            tone += share * _persistent(_next_returns(opened)[::-1], phi)[::-1]
        written = _written(self.config.prices, self.config.about)
        return [f"note {value:+.2f}" for value in tone[written].ravel().tolist()]


class NoteTone(Scorer):
    """The number at the end of a note."""

    name = "note-tone"
    version = "1"
    outputs = ("score",)
    fingerprint = "note-tone:1"
    card = ModelCard(
        name="note-tone",
        version="1",
        summary="reads a number",
        training_data=(),
        licence="Apache-2.0",
        training_cutoff=CUTOFF,
        cutoff_reason="it was trained on nothing; the date is the experiment's",
    )

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """The number, `[D, 1]`."""
        return torch.tensor([[float(text.rpartition(" ")[2])] for text in texts])


def _persistent(shocks: NDArray[np.float64], phi: float) -> NDArray[np.float64]:
    """The first-order autoregression of `shocks` `[T, N]`, scaled to their variance."""
    values = shocks.copy()
    for t in range(1, len(values)):
        values[t] = phi * values[t - 1] + np.sqrt(1.0 - phi**2) * shocks[t]
    return values


def _next_returns(opened: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal scores across assets of open(t + 1) to open(t + 2), `[T, N]`; 0 in the last rows."""
    moves = np.zeros_like(opened)
    moves[:-2] = rankdata(opened[2:] / opened[1:-1], axis=1)
    moves[:-2] = ndtri((moves[:-2] - 0.5) / opened.shape[1])
    return moves


@lru_cache(maxsize=4)
def _table(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path).pivot_table(index="date", columns="asset", values="open")


@lru_cache(maxsize=4)
def _opens(path: Path, assets: tuple[str, ...]) -> NDArray[np.float64]:
    return _table(path)[list(assets)].to_numpy()


def _written(path: Path, about: str) -> NDArray[np.bool_]:
    """The sessions with notes, `[T]`."""
    week = pd.DatetimeIndex(_table(path).index).isocalendar().week.to_numpy()
    return np.append(True, week[1:] != week[:-1]) | (about == "market")


@lru_cache(maxsize=4)
def _notes(path: Path, assets: tuple[str, ...], about: str) -> Documents:
    """The notes with nothing in them yet."""
    days = pd.DatetimeIndex(_table(path).index)[_written(path, about)]
    named = [None] if about == "market" else list(assets)
    moment = (days + pd.Timedelta(hours=15)).tz_localize("UTC")
    frame = pd.DataFrame(
        {
            "id": [f"{day:%Y%m%d}-{i:03d}" for day in days for i in range(len(named))],
            "asset": named * len(days),
            "event_at": np.repeat(moment, len(named)),
            "known_at": np.repeat(moment, len(named)),
            "kind": "note",
            "text": "",
        }
    )
    return Documents.from_frame(frame, where="planted notes")


@finstrat.hookimpl
def finstrat_components() -> list[type[Component]]:
    """The notes, and who reads them."""
    return [PlantedNotes, NoteTone]
