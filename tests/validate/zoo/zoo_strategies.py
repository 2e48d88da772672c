"""Strategies, leaky and honest; `caught_by` names the part that must catch a leak."""

import torch

import finstrat
from finstrat import features
from finstrat.components import Decision, Strategy


class Tomorrow(Strategy):
    """Holds tomorrow's winner."""

    name = "tomorrow"
    version = "1"
    caught_by = "prefix"

    def decide(self, inputs):
        moves = features.returns(inputs.prices("close"), 1)
        ahead = torch.cat([moves[1:], moves[-1:]]).nan_to_num(nan=-1.0)
        best = torch.nn.functional.one_hot(ahead.argmax(dim=1), ahead.shape[1])
        return Decision(weights=best.double())


class MonthEnds(Strategy):
    """Rebalances on the last session of a month, found by looking at the next."""

    name = "month-ends"
    version = "1"
    caught_by = "prefix"

    def decide(self, inputs):
        month = torch.from_numpy(inputs.clock.sessions.astype("datetime64[M]").astype("int64"))
        last = torch.ones(len(month), dtype=torch.bool)
        last[:-1] = month[1:] != month[:-1]
        return Decision(rebalance=last)


class ScaledByAll(Strategy):
    """Exposure scaled to an average of one over the whole run."""

    name = "scaled-by-all"
    version = "1"
    caught_by = "prefix"

    def decide(self, inputs):
        mood = inputs.feature("planted.market").sigmoid()
        return Decision(exposure=mood / mood.mean())


class Calm(Strategy):
    """Less exposure while the market moves more than it used to; the first session of a month."""

    name = "calm"
    version = "1"

    def decide(self, inputs):
        moves = features.returns(inputs.prices("close"), 1).nanmean(dim=1)
        recent = features.rolling_std(moves, 10, min_periods=5)
        usual = features.ewma(recent, 60.0)
        exposure = (usual / recent).clamp(0.2, 1.0).nan_to_num(nan=0.5)
        return Decision(
            exposure=exposure, rebalance=torch.from_numpy(inputs.clock.starts_of("monthly"))
        )


class Followers(Strategy):
    """In proportion to a signal where it is positive."""

    name = "followers"
    version = "1"

    def decide(self, inputs):
        signal = inputs.feature("planted.asset").nan_to_num(nan=0.0).clamp(min=0.0)
        signal = signal * inputs.members()
        return Decision(weights=signal / signal.sum(dim=1, keepdim=True).clamp(min=1e-12))


@finstrat.hookimpl
def finstrat_components():
    return [Tomorrow, MonthEnds, ScaledByAll, Calm, Followers]
