"""Signals that know the future, each in a way that real research code has done it.

`caught_by` names the part of the check that must catch it.
"""

import numpy as np
import pandas as pd
import torch
from scipy import signal as filters
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.preprocessing import StandardScaler

import finstrat
from finstrat import features
from finstrat.components import Signal
from finstrat.fitting import FittedSignal


def closes(inputs):
    frame = inputs.panel["close"]
    return frame * inputs.panel["adj_factor"] if "adj_factor" in inputs.panel.fields else frame


def tensor(frame):
    return torch.from_numpy(np.array(frame, dtype=np.float64))


class Leaky(Signal):
    version = "1"
    needs = ("close",)
    memory = "expanding"
    caught_by = "prefix"


class Peek(Leaky):
    """shift(-1)."""

    name = "peek"

    def compute(self, inputs):
        return tensor(closes(inputs).pct_change(fill_method=None).shift(-1))


class GlobalZscore(Leaky):
    """Standardised by the mean and deviation of the whole sample."""

    name = "global-zscore"

    def compute(self, inputs):
        move = closes(inputs).pct_change(5, fill_method=None)
        return tensor((move - move.mean()) / move.std())


class Backfill(Leaky):
    """Holes filled from behind."""

    name = "backfill"
    caught_by = "holes"

    def compute(self, inputs):
        return tensor(closes(inputs).bfill().ffill().pct_change(5, fill_method=None))


class Interpolated(Leaky):
    """Holes filled by a line to the next known price."""

    name = "interpolated"
    caught_by = "holes"

    def compute(self, inputs):
        return tensor(closes(inputs).interpolate().pct_change(3, fill_method=None))


class CentredWindow(Leaky):
    """A moving average around the day instead of before it."""

    name = "centred-window"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None)
        return tensor(moves.rolling(5, center=True, min_periods=1).mean())


class FullSampleScaler(Leaky):
    """scikit-learn's scaler fitted on everything."""

    name = "full-sample-scaler"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(10, fill_method=None)
        return tensor(StandardScaler().fit_transform(moves))


class FullSamplePca(Leaky):
    """Residual of the first principal component of all returns there will be."""

    name = "full-sample-pca"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None).fillna(0.0).to_numpy()
        model = PCA(1).fit(moves)
        return tensor(moves - model.inverse_transform(model.transform(moves)))


class FitOnAll(Leaky):
    """A regression fitted on all rows, then asked about each of them."""

    name = "fit-on-all"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None)
        past = np.stack([moves.shift(k).fillna(0.0).to_numpy() for k in range(3)], axis=2)
        target = moves.shift(-1).fillna(0.0).to_numpy()
        model = LinearRegression().fit(past.reshape(-1, 3), target.ravel())
        return tensor(model.predict(past.reshape(-1, 3)).reshape(target.shape))


class Fitted(FittedSignal):
    version = "1"
    needs = ("close",)
    refit = "monthly"
    window = 40
    memory = "expanding"
    caught_by = "prefix"

    def observe(self, inputs):
        close = inputs.prices("close")
        return features.stack([features.returns(close, k) for k in (1, 5)])

    def fit(self, examples):
        return LinearRegression().fit(examples.x, examples.y)

    def predict(self, model, x):
        return model.predict(x)


class ScaledByAll(Fitted):
    """Walked forward, on features that were scaled by the whole sample."""

    name = "scaled-by-all"

    def observe(self, inputs):
        seen = super().observe(inputs)
        return seen / seen.nan_to_num().std(dim=(0, 1))

    def fit(self, examples):
        return Ridge(100.0).fit(examples.x, examples.y)


class Hoards(Fitted):
    """Keeps everything it was shown, and fits on that instead of the examples it is handed."""

    name = "hoards"

    def observe(self, inputs):
        seen = super().observe(inputs)
        close = inputs.prices("close")
        after = torch.full_like(close, torch.nan)
        after[:-1] = close[1:] / close[:-1] - 1
        known = ~(seen.isnan().any(dim=2) | after.isnan())
        self.all = seen[known].numpy(), after[known].numpy()
        return seen

    def fit(self, examples):
        return LinearRegression().fit(*self.all)


class TargetOfTomorrow(Fitted):
    """Learns what it says is known by a session, and is the next one's return."""

    name = "target-of-tomorrow"
    horizon = 1

    def target(self, inputs):
        return tensor(closes(inputs).pct_change(fill_method=None).shift(-1))


class TargetLeak(Leaky):
    """Refitted every session, on labels that end five sessions later."""

    name = "target-leak"

    def compute(self, inputs):
        close = closes(inputs)
        past = close.pct_change(5, fill_method=None).fillna(0.0).to_numpy()
        label = (close.shift(-5) / close - 1).fillna(0.0).to_numpy()
        result = np.full(past.shape, np.nan)
        for row in range(60, len(past)):
            x, y = past[: row + 1].ravel(), label[: row + 1].ravel()
            result[row] = past[row] * (x @ y) / (x @ x)
        return tensor(result)


class MinMaxEver(Leaky):
    """Where the price stands between the lowest and the highest of all time to come."""

    name = "min-max-ever"

    def compute(self, inputs):
        close = closes(inputs)
        return tensor((close - close.min()) / (close.max() - close.min()))


class RankOverTime(Leaky):
    """Each move ranked among all moves of its asset, later ones too."""

    name = "rank-over-time"

    def compute(self, inputs):
        return tensor(closes(inputs).pct_change(5, fill_method=None).rank(pct=True))


class ClippedByAll(Leaky):
    """Outliers cut at quantiles of the whole sample."""

    name = "clipped-by-all"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None)
        return tensor(moves.clip(moves.quantile(0.1), moves.quantile(0.9), axis=1))


class ZeroPhase(Leaky):
    """A low-pass filter run forwards and backwards, so that it has no lag."""

    name = "zero-phase"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None).fillna(0.0)
        b, a = filters.butter(2, 0.2)
        return tensor(filters.filtfilt(b, a, moves, axis=0))


class Detrended(Leaky):
    """What is left of log prices after the line through all of them."""

    name = "detrended"

    def compute(self, inputs):
        logs = np.log(closes(inputs)).ffill().fillna(0.0)
        return tensor(filters.detrend(logs, axis=0))


class WeekLabels(Leaky):
    """Weekly returns labelled with the Monday of their week."""

    name = "week-labels"

    def compute(self, inputs):
        weekly = closes(inputs).resample("W-MON", label="left", closed="left").last()
        moves = weekly.pct_change(fill_method=None)
        return tensor(moves.reindex(inputs.panel.index, method="ffill"))


class MonthMean(Leaky):
    """The mean return of a month, from its first day on."""

    name = "month-mean"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None)
        return tensor(moves.groupby(moves.index.to_period("M")).transform("mean"))


class BestWindow(Leaky):
    """The look-back that worked best over the whole sample."""

    name = "best-window"
    caught_by = "future"

    def compute(self, inputs):
        close = closes(inputs)
        ahead = close.pct_change(fill_method=None).shift(-1).to_numpy()
        tried = [close.pct_change(k, fill_method=None).to_numpy() for k in (2, 5, 10, 20, 40)]
        return tensor(max(tried, key=lambda x: np.nansum(x * ahead) / np.sqrt(np.nansum(x * x))))


class RightWayRound(Leaky):
    """Turned round if it would have lost over the whole sample."""

    name = "right-way-round"
    caught_by = "future"

    def compute(self, inputs):
        close = closes(inputs)
        past = close.pct_change(5, fill_method=None)
        ahead = close.pct_change(fill_method=None).shift(-1)
        return tensor(past * np.sign(np.nansum(past.to_numpy() * ahead.to_numpy())))


class SometimesTomorrow(Leaky):
    """Tomorrow's return, but only ahead of the rare large moves."""

    name = "sometimes-tomorrow"
    caught_by = "future"

    def compute(self, inputs):
        moves = closes(inputs).pct_change(fill_method=None)
        ahead = moves.shift(-1)
        return tensor(moves.where(~(ahead.abs() > 0.05), ahead))


class LiquidOnes(Leaky):
    """Among the half that trades most over the whole sample."""

    name = "liquid-ones"

    def compute(self, inputs):
        volume = inputs.panel["volume"].mean()
        keep = (volume >= volume.median()).to_numpy()
        moves = closes(inputs).pct_change(5, fill_method=None)
        return tensor(moves.where(np.broadcast_to(keep, moves.shape)))


class FutureMembers(Leaky):
    """A rank among those who will be members at the end."""

    name = "future-members"
    caught_by = "future"

    def compute(self, inputs):
        last = torch.from_numpy(inputs.panel.member[-1].copy()).expand(inputs.shape)
        return features.rank(features.returns(inputs.prices("close"), 5), mask=last)


class PeriodEnd(Leaky):
    """Earnings from the day their quarter ends."""

    name = "period-end"
    needs = ("facts",)

    def compute(self, inputs):
        facts = inputs.facts.frame
        eps = facts[(facts["item"] == "eps") & (facts["version"] == 1)]
        wide = eps.pivot_table(index="period_end", columns="asset", values="value")
        return tensor(by_day(wide, inputs))


class Restated(Leaky):
    """Earnings from the day they were accepted, with the figure they were restated to."""

    name = "restated"
    needs = ("facts",)

    def compute(self, inputs):
        eps = inputs.facts.frame.query("item == 'eps'").sort_values("version")
        keys = ["asset", "period_end"]
        latest = eps.groupby(keys).agg(value=("value", "last"), known_at=("known_at", "first"))
        latest["day"] = latest["known_at"].dt.tz_localize(None).dt.normalize()
        latest["day"] += pd.Timedelta(days=1)
        wide = latest.reset_index().pivot_table(index="day", columns="asset", values="value")
        return tensor(by_day(wide, inputs))


class CrawledLikes(Leaky):
    """Likes of the week's posts, as counted a quarter later."""

    name = "crawled-likes"
    needs = ("facts",)

    def compute(self, inputs):
        likes = inputs.facts.frame.query("item == 'likes'")
        wide = likes.pivot_table(index="period_end", columns="asset", values="value")
        return tensor(by_day(wide, inputs))


def by_day(wide, inputs):
    index = wide.index.union(inputs.panel.index)
    wide = wide.reindex(index=index, columns=list(inputs.panel.assets)).ffill()
    return wide.reindex(inputs.panel.index)


class SameDayNews(Leaky):
    """Texts counted on their date, also those of after the close."""

    name = "same-day-news"
    needs = ("documents",)

    def compute(self, inputs):
        days = pd.DatetimeIndex(inputs.documents.known_at).normalize()
        counts = pd.crosstab(days, np.array(inputs.documents.assets, dtype=object))
        wide = counts.reindex(index=inputs.panel.index, columns=list(inputs.panel.assets))
        return tensor(wide.fillna(0.0))


class ShareOfAllNews(Leaky):
    """Each session's share of all the texts there will be."""

    name = "share-of-all-news"
    needs = ("documents",)

    def compute(self, inputs):
        first = inputs.document_sessions()
        new = torch.bincount(first, minlength=len(inputs.clock) + 1)[:-1].double()
        return (new / len(inputs.documents)).unsqueeze(1).expand(inputs.shape).contiguous()


class HiddenRandom(Leaky):
    """Ties broken by the global random state."""

    name = "hidden-random"
    caught_by = "repeat"

    def compute(self, inputs):
        move = closes(inputs).pct_change(fill_method=None)
        return tensor(move + np.random.normal(0, 1e-6, move.shape))  # noqa: NPY002 - the leak


class Remembers(Leaky):
    """Adapts to how often it was called."""

    name = "remembers"
    caught_by = "repeat"

    calls = 0

    def compute(self, inputs):
        self.calls += 1
        return features.returns(inputs.prices("close"), self.calls)


class AdjustedLevels(Leaky):
    """Cheap stocks, by a price that every later split makes lower."""

    name = "adjusted-levels"
    caught_by = "rescaling"

    def compute(self, inputs):
        return -inputs.prices("close").log()


class ShortWarmup(Leaky):
    """Says it looks back three sessions, and looks back twenty."""

    name = "short-warmup"
    caught_by = "start"
    memory = "finite"
    warmup = 3

    def compute(self, inputs):
        moves = features.returns(inputs.prices("close"), 1)
        return features.rolling_mean(moves, 20, min_periods=1)


class FirstColumn(Leaky):
    """Returns against those of whichever asset comes first."""

    name = "first-column"
    caught_by = "assets"

    def compute(self, inputs):
        moves = features.returns(inputs.prices("close"), 5)
        return moves - moves[:, :1].nan_to_num()


class LastOfTies(Leaky):
    """The tone of whichever of several texts of one moment comes last in the table."""

    name = "last-of-ties"
    caught_by = "documents"
    scope = "market"
    needs = ("documents",)

    def compute(self, inputs):
        tone = torch.tensor(["strong" in text for text in inputs.documents.texts]).double()
        by_asset = inputs.document_assets().double() + tone
        result = torch.full((len(inputs.clock),), torch.nan, dtype=torch.float64)
        for session, value in zip(inputs.document_sessions(), by_asset, strict=True):
            if session < len(result):
                result[session] = value
        return result


@finstrat.hookimpl
def finstrat_components():
    return [*Leaky.__subclasses__(), *Fitted.__subclasses__()]
