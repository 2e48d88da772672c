import datetime as dt

import numpy as np
import pandas as pd
import pytest
import torch
from finstrat_plugins.signals.market_mood import MarketMood, one_step_ahead

from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, Span

CLOCK = Clock.build("XNYS", Span(dt.date(2012, 1, 3), dt.date(2014, 12, 31)))
OUTPUTS = {name: k for k, name in enumerate(MarketMood.outputs)}


def documents(*rows):
    """(id, asset, session, text) rows, each known an hour before that session's cutoff."""
    known = [pd.Timestamp(CLOCK.cutoff[t], tz="UTC") - pd.Timedelta(hours=1) for _, _, t, _ in rows]
    frame = pd.DataFrame(
        {
            "id": [row[0] for row in rows],
            "asset": [row[1] for row in rows],
            "known_at": pd.to_datetime(known),
            "event_at": pd.to_datetime(known),
            "text": [row[3] for row in rows],
        }
    )
    return Documents.from_frame(frame, where="test")


def inputs(docs, close):
    clock = CLOCK.slice(0, len(close))
    tones = [[1.0 if "good" in text else -1.0] for text in docs.texts]
    return Inputs(
        panel=Panel.from_fields(clock.sessions, ("A", "B"), {"close": close}),
        documents=docs,
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
        scorer=lambda _: torch.tensor(tones, dtype=torch.float32).reshape(len(docs), 1),
    )


def output(given, name, **options):
    return MarketMood(options).compute(given)[:, OUTPUTS[name]]


def test_copies_weigh_less_and_a_post_counts_once():
    docs = documents(
        ("1", "A", 0, "good day"),
        ("1", "B", 0, "good day"),
        ("2", None, 0, "bad $A day"),
        ("3", None, 0, "bad $B day"),
    )
    close = np.ones((5, 2))
    # Weights 1, 1 and 1/2: the second bad post is a copy of the first.
    assert output(inputs(docs, close), "level")[0].item() == pytest.approx(-0.5 / 2.5)
    assert output(inputs(docs, close), "volume")[0].item() == 2.5
    assert output(inputs(docs, close), "level", damping=0.0)[0].item() == pytest.approx(-1 / 3)


def test_attention_is_zero_where_posts_come_as_usual():
    docs = documents(*((str(t), None, t, f"good {chr(97 + t % 26)}x{t}") for t in range(60)))
    attention = output(inputs(docs, np.ones((60, 2))), "attention", half_life=1.0, window=20)
    assert attention[0].isnan()
    assert attention[59].abs() < 0.05


def test_forecast_of_an_autoregression_is_its_next_value():
    level = torch.empty(80, dtype=torch.float64)
    level[0] = 1.0
    for t in range(79):
        level[t + 1] = 0.2 + 0.5 * level[t] + 0.01 * (-1) ** t
    slow = one_step_ahead(level, 40)
    assert slow[:39].isnan().all()
    both = np.column_stack([np.ones(40), level[38:78].numpy()])
    fitted = np.linalg.lstsq(both, level[39:79].numpy(), rcond=None)[0]
    assert slow[78].item() == pytest.approx(float(fitted @ [1.0, level[78].item()]))


def restless(sessions=400, seed=0):
    """Every tenth session's posts speak of tariffs, and the market moves on the next."""
    rng = np.random.default_rng(seed)
    rows, returns = [], rng.normal(0, 0.002, (sessions, 2))
    for t in range(sessions):
        alarm = t % 10 == 0
        for k in range(3):
            word = "tariffs" if alarm else "golf"
            rows.append((f"{t:04}{k}", None, t, f"good {word} {chr(97 + k)}{chr(97 + t % 26)}y"))
        if alarm and t + 1 < sessions:
            returns[t + 1] += 0.05
    return documents(*rows), 100 * np.exp(returns.cumsum(axis=0))


def test_volatility_rises_with_words_that_came_before_large_moves():
    docs, close = restless()
    options = {"window": 40, "half_life": 0.5}
    volatility = output(inputs(docs, close), "volatility", **options).numpy()
    assert np.isnan(volatility[:40]).all()
    late = np.arange(300, 400)
    assert volatility[late[late % 10 == 0]].min() > volatility[late[late % 10 == 5]].max()


def test_later_posts_and_prices_never_change_earlier_rows():
    docs, close = restless(150)
    whole = MarketMood({"window": 40}).compute(inputs(docs, close))
    session = np.searchsorted(CLOCK.cutoff, docs.known_at, side="right")
    for cut in (60, 101, 149):
        past = inputs(docs.take(session < cut), close[:cut])
        torch.testing.assert_close(
            MarketMood({"window": 40}).compute(past), whole[:cut], rtol=0, atol=0, equal_nan=True
        )
