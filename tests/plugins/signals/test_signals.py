import numpy as np
import torch
from finstrat_plugins.signals.market_mood import MarketMood
from finstrat_plugins.signals.momentum import Momentum
from finstrat_plugins.signals.news_sentiment import NewsSentiment
from finstrat_strategies.long_short import LongShort
from finstrat_strategies.mood_overlay import MoodOverlay
from finstrat_strategies.top_k import TopK

from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, Span


def inputs(close, **features):
    import datetime as dt

    clock = Clock.build("XNYS", Span(dt.date(2015, 3, 2), dt.date(2015, 12, 31)))
    clock = clock.slice(0, len(close))
    names = [chr(65 + i) for i in range(close.shape[1])]
    return Inputs(
        panel=Panel.from_fields(clock.sessions, names, {"close": close}),
        documents=Documents.empty(),
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
        features={key: torch.tensor(value, dtype=torch.float64) for key, value in features.items()},
        scorer=lambda _name: torch.zeros((0, 1)),
    )


PRICES = np.array([[1.0, 4.0], [2.0, 4.0], [3.0, 2.0], [6.0, 1.0]])


def test_momentum_is_the_return_that_ended_skip_sessions_ago():
    values = Momentum({"window": 2, "skip": 1}).compute(inputs(PRICES))
    assert values[:3].isnan().all()
    assert values[3].tolist() == [2.0, -0.5]


def test_signals_without_a_text_know_nothing():
    assert MarketMood().compute(inputs(PRICES))[:, :2].isnan().all()
    assert NewsSentiment().compute(inputs(PRICES))[..., :2].isnan().all()


def test_overlay_is_clipped_and_neutral_where_mood_is_unknown():
    mood = {"mood.level": [np.nan, 10.0, -10.0, 0.4]}
    decision = MoodOverlay({"signal": "mood.level"}).decide(inputs(PRICES, **mood))
    assert decision.exposure.tolist() == [0.75, 1.0, 0.25, 0.85]


def test_top_k_takes_the_best_and_all_where_nothing_is_told_apart():
    signal = {"s.value": [[1.0, 2.0], [1.0, 1.0], [np.nan, 0.0], [2.0, 1.0]]}
    decision = TopK({"signal": "s.value", "k": 1}).decide(inputs(PRICES, **signal))
    assert decision.eligible.tolist() == [[False, True], [True, True], [False, True], [True, False]]


def test_long_short_is_neutral_and_holds_cash_where_nothing_is_told_apart():
    signal = {"s.value": [[1.0, 2.0], [1.0, 1.0], [np.nan, 0.0], [2.0, 1.0]]}
    options = {"signal": "s.value", "fraction": 0.5, "min_names": 2}
    decision = LongShort(options).decide(inputs(PRICES, **signal))
    assert decision.weights.tolist() == [[-0.5, 0.5], [0.0, 0.0], [0.0, 0.0], [0.5, -0.5]]
