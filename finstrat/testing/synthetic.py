"""An invented market with planted truths: what may be found in it, and what must not be.

Prices, texts and facts are drawn at random on real sessions, with what real data have: half-days,
late listings, a delisting, missing prices, a split and dividends, changing membership, texts after
the close and on weekends, restated figures, and counts that were crawled months later.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from finstrat import features
from finstrat.data import Clock, Documents, Facts, Panel, Span, align
from finstrat.testing.scoring import installed_scoring
from finstrat.validate.causality import World

if TYPE_CHECKING:
    from numpy.typing import NDArray

ASSETS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")
SPAN = Span(dt.date(2015, 1, 2), dt.date(2015, 12, 31))

NEXT_SESSION = 0.006
"""What one positive text adds to the return of the session after the one that may use it."""

SAME_SESSION = 0.010
"""What it adds to the return of the session it falls in, before anyone could trade on it."""

NOISE = 0.010
"""Standard deviation of the rest of a daily return."""

WORDS = {
    1: ("profitable quarter with strong gains", "excellent progress and an improved outlook"),
    -1: ("losses widened on weak demand", "impairment and litigation after a decline"),
}

LATE, DELISTED, JOINS, LEAVES, SPLIT = 45, 200, 80, 150, 120
"""Rows at which something happens to one asset each."""


@dataclass(frozen=True, eq=False)
class SyntheticMarket(World):
    """A `World` of which the truth is known.

    Attributes:
        expected: `[T, N]`: the part of the next session's return that is known at cutoff t. A
            perfect signal is proportional to it.
        tone: `[T, N]`: sum of the tones of the texts that count for session t.
    """

    expected: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    tone: torch.Tensor = field(default_factory=lambda: torch.zeros(0))


def synthetic_market(seed: int = 0) -> SyntheticMarket:
    """One year of eight assets; the same for the same seed.

    Planted: each text moves its asset's price within its session (too late to trade) and again in
    the next. `features` holds "planted.asset", last week's texts, and "planted.market", their sum.
    Facts: `eps`, quarterly, accepted 40 days after the period and restated 60 days after that;
    `likes`, counts of each week's posts that were crawled 90 days later.
    """
    rng = np.random.default_rng(seed)
    clock = Clock.build("XNYS", SPAN)
    shape = (len(clock), len(ASSETS))
    frame = _texts(clock, rng)
    documents = Documents.from_frame(frame.drop(columns="tone"), where="synthetic texts")
    tones = dict(zip(frame["id"], frame["tone"], strict=True))
    tone = np.zeros(shape)
    session = align.document_sessions(documents, clock)
    column = align.document_assets(documents, ASSETS)
    for i, name in enumerate(documents.ids):
        if session[i] < len(clock) and column[i] >= 0:
            tone[session[i], column[i]] += tones[name]
    moves = rng.normal(0, NOISE, shape) + rng.normal(0, NOISE / 2, (shape[0], 1))
    moves += SAME_SESSION * tone
    moves[1:] += NEXT_SESSION * tone[:-1]
    known = torch.from_numpy(tone)
    recent = features.rolling_sum(known, 5, min_periods=1)
    return SyntheticMarket(
        panel=_panel(clock, moves, rng),
        clock=clock,
        documents=documents,
        facts=_facts(clock, rng),
        features={"planted.asset": recent, "planted.market": recent.sum(dim=1)},
        score=installed_scoring(),
        expected=NEXT_SESSION * known,
        tone=known,
    )


def _panel(clock: Clock, moves: NDArray[np.float64], rng: np.random.Generator) -> Panel:
    """Raw prices with `adj_factor`, from daily total log returns."""
    adjusted = 40.0 * np.exp(moves.cumsum(axis=0))
    factor = np.ones_like(adjusted)
    factor[:SPLIT, 1] = 0.5
    for row in range(40, len(clock), 63):
        factor[:row, 2] *= 0.995
    close = adjusted / factor
    opened = close * np.exp(rng.normal(0, 0.003, close.shape))
    spread = np.exp(np.abs(rng.normal(0, 0.004, close.shape)))
    volume = np.round(rng.lognormal(11, 0.4, close.shape) / factor)
    fields = {
        "open": opened,
        "high": np.maximum(opened, close) * spread,
        "low": np.minimum(opened, close) / spread,
        "close": close,
        "volume": volume,
        "adj_factor": factor,
    }
    absent = rng.random(close.shape) < 0.01
    absent[:LATE, 7] = True
    absent[DELISTED:, 6] = True
    for values in fields.values():
        values[absent] = np.nan
    member = ~np.isnan(close)
    member[:JOINS, 4] = False
    member[LEAVES:, 5] = False
    return Panel.from_fields(clock.sessions, ASSETS, fields, member=member)


def _texts(clock: Clock, rng: np.random.Generator) -> pd.DataFrame:
    """Texts at all hours, weekends too; some about two assets at one moment, some about none."""
    days = pd.date_range(SPAN.start, SPAN.end, tz="UTC")
    rows = []
    for number in range(len(clock) * 4):
        hour = float(rng.choice([13.0, 15.5, 19.9, 21.5, 23.2], p=[0.2, 0.3, 0.1, 0.3, 0.1]))
        at = days[int(rng.integers(len(days)))] + pd.Timedelta(hours=hour)
        at += pd.Timedelta(seconds=int(rng.integers(0, 300)))
        tone = int(rng.choice([-1, 1]))
        text = f"{WORDS[tone][int(rng.integers(2))]}, report {number}"
        about = rng.choice([0, 1, 2], p=[0.1, 0.75, 0.15])
        names = [None] if about == 0 else rng.choice(ASSETS, about, replace=False).tolist()
        rows += [
            {"id": f"n{number:05}", "asset": name, "known_at": at, "text": text, "tone": tone}
            for name in names
        ]
    frame = pd.DataFrame(rows)
    return frame.assign(event_at=frame["known_at"], kind="news")


def _facts(clock: Clock, rng: np.random.Generator) -> Facts:
    rows = []
    ends = pd.to_datetime(["2014-09-30", "2014-12-31", "2015-03-31", "2015-06-30", "2015-09-30"])
    for name in ASSETS:
        for end in ends:
            value = float(rng.normal(1, 0.3))
            accepted = end.tz_localize("UTC") + pd.Timedelta(days=40, hours=21.5)
            restated = accepted + pd.Timedelta(days=60)
            rows.append((name, "eps", value, end, accepted, 1))
            rows.append((name, "eps", value * float(rng.uniform(0.5, 1.5)), end, restated, 2))
        for day in clock.sessions[::5]:
            crawled = pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=90)
            rows.append((name, "likes", float(rng.integers(1, 900)), day, crawled, 1))
    columns = ["asset", "item", "value", "period_end", "known_at", "version"]
    return Facts.from_frame(pd.DataFrame(rows, columns=columns), where="synthetic facts")
