"""Every bundled strategy runs on real prices, within its limits, and trades."""

import pytest

import finstrat
from finstrat.components import Strategy
from finstrat.host import Host

SIGNALS = {
    "trend": "rank(returns(close, 60))",
    "calm": "-rank(volatility(close, 60))",
    "shock": "zscore(returns(close, 1))",
}
MOOD = """
class Mood(Signal):
    name, version, scope, needs, warmup = "mood", "1", "market", ("close",), 20

    def compute(self, inputs):
        from finstrat import features
        return 20 * features.returns(inputs.prices("close"), 20).nanmean(dim=1)
"""
ANY = {
    "event-drift": {"signal": "shock.value", "threshold": 2.0, "hold": 10},
    "long-short": {"signal": "trend.value"},
    "mood-overlay": {"signal": "mood.value"},
    "pairs": {"formation": 120, "months": 1},
    "rebalance-bands": {"band": 0.01, "to": "edge"},
    "regime-switch": {
        "mood": "mood.value",
        "upper": 0.1,
        "lower": -0.1,
        "k": 4,
        "good": "trend.value",
        "bad": "calm.value",
    },
    "screen": {"signal": "calm.value", "level": -0.8, "exclude": "below", "readmit": -0.6},
    "sentiment-momentum": {"signal": "shock.value"},
    "threshold": {"signal": "trend.value", "enter": 0.8, "leave": 0.5, "stop_loss": 0.1},
    "top-k": {"signal": "trend.value", "k": 4},
    "volatility-target": {"target": 0.12},
}
DECIDES_WEIGHTS = {"event-drift", "long-short", "pairs", "rebalance-bands", "sentiment-momentum"}
EVERY = [each.component.name for each in Host.load().all(Strategy)]


@pytest.mark.parametrize("name", EVERY)
def test_it_trades_within_its_limits(name, plugin, bare_project):
    host = Host.load([plugin("plugins/mood.py", MOOD, hook=["Mood"])])
    short = name in {"event-drift", "long-short", "pairs", "sentiment-momentum"}
    backtest = {
        "name": name,
        "span": {"start": "2008-01-02", "end": "2009-12-31"},
        "prices": {"use": "sp500"},
        "signals": {**SIGNALS, "mood": {"use": "mood"}},
        "strategy": {"use": name, **ANY[name]},
        "limits": {"long_only": False, "net": (-0.01, 0.01) if name == "pairs" else (-1, 1)}
        if short
        else {},
        "execution": {"fill": "next-close"},
    }
    if name not in DECIDES_WEIGHTS:
        backtest["optimizer"] = {"use": "equal"}
    result = finstrat.run(backtest, project=bare_project, host=host)
    assert len(result.orders) > 20
    assert result.targets.abs().sum(axis=1).max() <= 1 + 1e-9
    assert (result.sessions["equity"] > 0).all()
    # What it looks back on was loaded before the span: it holds something within a month.
    assert result.sessions["exposure"].iloc[:25].max() > 0.05
