"""Signals that know nothing too early, many of them written the careful way round a leak."""

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

import finstrat
from finstrat import features
from finstrat.components import Signal
from finstrat.data import align
from finstrat.fitting import FittedSignal


class Honest(Signal):
    version = "1"
    needs = ("close",)
    memory = "expanding"


def closes(inputs):
    frame = inputs.panel["close"]
    return frame * inputs.panel["adj_factor"] if "adj_factor" in inputs.panel.fields else frame


def tensor(frame):
    return torch.from_numpy(np.array(frame, dtype=np.float64))


class Lagged(Honest):
    """shift(+1)."""

    name = "lagged"
    memory = "finite"
    warmup = 6

    def compute(self, inputs):
        return features.lag(features.returns(inputs.prices("close"), 5), 1)


class TrailingZscore(Honest):
    """Standardised by the trailing window."""

    name = "trailing-zscore"
    memory = "finite"
    warmup = 25

    def compute(self, inputs):
        moves = features.returns(inputs.prices("close"), 5)
        return features.rolling_zscore(moves, 20, min_periods=10)


class ExpandingZscore(Honest):
    """Standardised by everything so far, in pandas."""

    name = "expanding-zscore"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(5, fill_method=None)
        return tensor((moves - moves.expanding(20).mean()) / moves.expanding(20).std())


class FilledForward(Honest):
    """Holes filled from before."""

    name = "filled-forward"

    def compute(self, inputs):
        return tensor(closes(inputs).ffill().pct_change(5, fill_method=None))


class TrailingWindow(Honest):
    """A moving average that ends with the day."""

    name = "trailing-window"
    memory = "finite"
    warmup = 5

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None)
        return tensor(moves.rolling(5, min_periods=1).mean())


class WalkForwardPca(Honest):
    """Residual of the first principal component, refitted each month on the past."""

    name = "walk-forward-pca"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None).fillna(0.0).to_numpy()
        result = np.full(moves.shape, np.nan)
        model = None
        for row, refit in enumerate(inputs.clock.starts_of("monthly")):
            if refit and row >= 40:
                model = PCA(1).fit(moves[:row])
            if model is not None:
                now = moves[row : row + 1]
                result[row] = (now - model.inverse_transform(model.transform(now)))[0]
        return tensor(result)


class MaturedLabels(Honest):
    """Refitted every session on labels that had ended by then."""

    name = "matured-labels"

    def compute(self, inputs):
        close = closes(inputs)
        past = close.pct_change(5, fill_method=None).fillna(0.0).to_numpy()
        label = (close.shift(-5) / close - 1).fillna(0.0).to_numpy()
        result = np.full(past.shape, np.nan)
        for row in range(60, len(past)):
            x, y = past[: row - 4].ravel(), label[: row - 4].ravel()
            result[row] = past[row] * (x @ y) / (x @ x)
        return tensor(result)


class Walked(FittedSignal):
    """Fitted at the start of each month, on the labels that had ended by then."""

    name = "walked"
    version = "1"
    needs = ("close",)
    refit = "monthly"
    window = 40
    lookback = 5

    def observe(self, inputs):
        close = inputs.prices("close")
        return features.stack([features.returns(close, k) for k in (1, 5)])

    def fit(self, examples):
        return LinearRegression().fit(examples.x, examples.y)

    def predict(self, model, x):
        return model.predict(x)


class WalkedVolatility(Walked):
    """Learns next week's volatility of the market from this week's, on everything so far."""

    name = "walked-volatility"
    scope = "market"
    memory = "expanding"

    def observe(self, inputs):
        close = inputs.prices("close")
        return features.rolling_std(features.returns(close, 1), 5, min_periods=3).nanmean(dim=1)

    def target(self, inputs):
        return self.observe(inputs)


class ExpandingMinMax(Honest):
    """Where the price stands between the lowest and the highest so far."""

    name = "expanding-min-max"

    def compute(self, inputs):
        close = closes(inputs)
        low, high = close.expanding(20).min(), close.expanding(20).max()
        return tensor((close - low) / (high - low))


class OneSidedFilter(Honest):
    """A low-pass filter run forwards only."""

    name = "one-sided-filter"

    def compute(self, inputs):
        return features.ewma(features.returns(inputs.prices("close"), 1), 5.0)


class FinishedWeeks(Honest):
    """Weekly returns, each from the session after its week is over."""

    name = "finished-weeks"

    def compute(self, inputs):
        weekly = closes(inputs).resample("W-FRI").last().pct_change(fill_method=None)
        weekly.index += pd.Timedelta(days=1)
        return tensor(weekly.reindex(inputs.panel.index, method="ffill"))


class MembersNow(Honest):
    """A rank among those who are members at the time."""

    name = "members-now"
    memory = "finite"
    warmup = 5

    def compute(self, inputs):
        return features.rank(features.returns(inputs.prices("close"), 5), mask=inputs.members())


class Accepted(Honest):
    """Earnings as last known at each cutoff, restatements from their own day on."""

    name = "accepted"
    needs = ("facts",)

    def compute(self, inputs):
        assets = inputs.panel.assets
        return tensor(align.facts_as_of(inputs.facts, "eps", clock=inputs.clock, assets=assets))


class LikesWhenCounted(Honest):
    """Likes from the moment at which they were counted."""

    name = "likes-when-counted"
    needs = ("facts",)

    def compute(self, inputs):
        assets = inputs.panel.assets
        return tensor(align.facts_as_of(inputs.facts, "likes", clock=inputs.clock, assets=assets))


class NewsByCutoff(Honest):
    """Texts counted from the first session that may use them."""

    name = "news-by-cutoff"
    needs = ("documents",)
    memory = "finite"
    warmup = 3

    def compute(self, inputs):
        first, column = inputs.document_sessions(), inputs.document_assets()
        keep = (first < inputs.shape[0]) & (column >= 0)
        counts = torch.zeros(inputs.shape, dtype=torch.float64)
        ones = torch.ones(int(keep.sum()), dtype=torch.float64)
        counts.index_put_((first[keep], column[keep]), ones, accumulate=True)
        return features.rolling_sum(counts, 3, min_periods=1)


class ShareOfNewsSoFar(Honest):
    """Each session's share of the texts so far."""

    name = "share-of-news-so-far"
    scope = "market"
    needs = ("documents",)

    def compute(self, inputs):
        first = inputs.document_sessions()
        new = torch.bincount(first, minlength=len(inputs.clock) + 1)[:-1].double()
        return new / new.cumsum(0).clamp(min=1.0)


class DecayedTone(Honest):
    """Tone by the lexicon, fading."""

    name = "decayed-tone"
    needs = ("documents",)

    def compute(self, inputs):
        tone = inputs.scores("lm-lexicon")[:, -1].double()
        at, column = inputs.document_sessions(), inputs.document_assets()
        return features.decayed_mean(tone, at, inputs.shape, assets=column, half_life=3.0)


class OwnRandom(Honest):
    """Noise from a generator of its own, one draw a session and the same every time."""

    name = "own-random"

    def compute(self, inputs):
        noise = np.random.default_rng(0).normal(0, 1e-3, (len(inputs.clock), 1))
        return features.returns(inputs.prices("close"), 1) + tensor(noise)


class RawLevels(Honest):
    """Cheap stocks, by the price that was really paid."""

    name = "raw-levels"
    memory = "finite"

    def compute(self, inputs):
        return -tensor(inputs.panel["close"]).log()


class DollarVolume(Honest):
    """Traded value at the prices of the day."""

    name = "dollar-volume"
    needs = ("close", "volume")
    memory = "finite"
    warmup = 20

    def compute(self, inputs):
        value = tensor(inputs.panel["close"] * inputs.panel["volume"])
        return features.rolling_mean(value, 20, min_periods=5)


class AgainstTheMean(Honest):
    """Returns against the mean of all assets."""

    name = "against-the-mean"
    memory = "finite"
    warmup = 5

    def compute(self, inputs):
        moves = features.returns(inputs.prices("close"), 5)
        return moves - moves.nanmean(dim=1, keepdim=True)


class ThroughAMatrix(Honest):
    """A product whose rounding depends on how many rows there are."""

    name = "through-a-matrix"

    def compute(self, inputs):
        moves = features.returns(inputs.prices("close"), 1).nan_to_num()
        equal = torch.full((moves.shape[1],) * 2, 1 / moves.shape[1], dtype=torch.float64)
        return moves - moves @ equal


class DecayedLength(Honest):
    """Whatever a scorer of one's choice says first, fading."""

    name = "decayed-length"
    needs = ("documents",)

    class Config(Signal.Config):
        scorer: str = "lm-lexicon"

    def compute(self, inputs):
        said = inputs.scores(self.config.scorer)[:, 0].double()
        at, column = inputs.document_sessions(), inputs.document_assets()
        return features.decayed_mean(said, at, inputs.shape, assets=column, half_life=3.0)


class PlantedAsset(Honest):
    """Last month's returns, for strategies that read a signal of assets."""

    name = "planted-asset"
    memory = "finite"
    warmup = 21
    outputs = ("asset",)

    def compute(self, inputs):
        return features.returns(inputs.prices("close"), 21)


class PlantedMarket(Honest):
    """Last month's mean return, for strategies that read a signal of the market."""

    name = "planted-market"
    memory = "finite"
    warmup = 21
    scope = "market"
    outputs = ("market",)

    def compute(self, inputs):
        return features.returns(inputs.prices("close"), 21).nanmean(dim=1).nan_to_num(nan=0.0)


@finstrat.hookimpl
def finstrat_components():
    return [*Honest.__subclasses__(), Walked, WalkedVolatility]
