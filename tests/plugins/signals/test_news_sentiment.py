import datetime as dt

import numpy as np
import pandas as pd
import pytest
import torch
from finstrat_plugins.signals.news_sentiment import NewsSentiment
from pydantic import ValidationError

from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, Span

ASSETS = ("A", "B")
CLOCK = Clock.build("XNYS", Span(dt.date(2015, 1, 2), dt.date(2015, 6, 30)))
TONES = {"good": 1.0, "bad": -1.0, "fine": 0.5}
OUTPUTS = {name: k for k, name in enumerate(NewsSentiment.outputs)}


def inputs(*rows, sessions=5, assets=ASSETS):
    """(asset, session, text, kind) rows, each known an hour before that session's cutoff.

    A text's tone is that of its first word.
    """
    clock = CLOCK.slice(0, sessions)
    known = [pd.Timestamp(CLOCK.cutoff[t], tz="UTC") - pd.Timedelta(hours=1) for _, t, *_ in rows]
    frame = pd.DataFrame(
        {
            "id": [f"{i:05}" for i in range(len(rows))],
            "asset": [row[0] for row in rows],
            "known_at": pd.to_datetime(known),
            "event_at": pd.to_datetime(known),
            "text": [row[2] for row in rows],
            "kind": [row[3] if len(row) > 3 else "news" for row in rows],
        }
    )
    documents = Documents.from_frame(frame, where="test")
    tones = [[TONES.get(each.split()[0], np.nan)] for each in documents.texts]
    close = np.ones((sessions, len(assets)))
    return Inputs(
        panel=Panel.from_fields(clock.sessions, assets, {"close": close}),
        documents=documents,
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
        scorer=lambda _: torch.tensor(tones, dtype=torch.float32).reshape(len(documents), 1),
    )


def output(given, name, **options):
    return NewsSentiment(options).compute(given)[..., OUTPUTS[name]]


def test_repetition_weighs_nothing_unless_novelty_is_off():
    given = inputs(("A", 0, "good luck"), ("A", 0, "bad debts"), ("A", 0, "bad debts"))
    assert output(given, "tone")[0, 0].item() == pytest.approx(0.0)
    assert output(given, "tone", novelty=0.0)[0, 0].item() == pytest.approx(-1 / 3)
    assert output(given, "volume")[0, 0].item() == 3.0


def test_old_texts_weigh_less_by_the_half_life():
    given = inputs(("A", 0, "good luck"), ("A", 2, "bad debts"))
    tone = output(given, "tone", half_life=2.0, min_volume=0.0)
    assert tone[1, 0].item() == pytest.approx(1.0)
    assert tone[2, 0].item() == pytest.approx((0.5 - 1.0) / 1.5)


def test_tone_is_unknown_without_enough_texts_and_other_assets_do_not_count():
    tone = output(inputs(("A", 0, "good luck")), "tone", half_life=1.0, min_volume=0.5)
    np.testing.assert_array_equal(tone[:, 0], [1, 1, np.nan, np.nan, np.nan])
    assert tone[:, 1].isnan().all()


def test_sources_weigh_as_given_and_others_one():
    given = inputs(("A", 0, "good luck", "wire"), ("A", 0, "bad debts", "blog"))
    tone = output(given, "tone", source_weights={"blog": 0.25})
    assert tone[0, 0].item() == pytest.approx((1.0 - 0.25) / 1.25)


def test_only_chosen_events_count():
    given = inputs(("A", 0, "good dividend"), ("A", 0, "bad lawsuit"), ("A", 0, "fine day"))
    assert output(given, "tone", events=["litigation"])[0, 0].item() == -1.0
    assert output(given, "volume", events=["litigation", "payout"])[0, 0].item() == 2.0


def test_disagreement_is_the_deviation_of_the_texts_and_unknown_for_one():
    given = inputs(("A", 0, "good luck"), ("A", 0, "bad debts"), ("B", 0, "good news"))
    spread = output(given, "disagreement")
    assert spread[0, 0].item() == pytest.approx(2**0.5)
    assert spread[:, 1].isnan().all()


def test_text_without_a_score_counts_for_nothing():
    given = inputs(("A", 0, "good luck"), ("A", 0, "unscored text"))
    assert output(given, "volume")[0, 0].item() == 1.0


def many(count, seed=0):
    rng = np.random.default_rng(seed)
    words = ["good luck", "bad debts", "fine day", "good profit", "bad loss"]
    return [
        (str(rng.choice(ASSETS)), int(rng.integers(0, 60)), str(rng.choice(words)))
        for _ in range(count)
    ]


def test_surprise_is_measured_against_the_own_past_alone():
    given = inputs(*many(300), sessions=60)
    options = {"history": 10.0, "min_history": 5}
    tone = pd.Series(output(given, "tone", **options)[:, 0].numpy())
    past = tone.ewm(halflife=10.0)
    expected = (tone - past.mean().shift(1)) / past.std().shift(1)
    surprise = output(given, "surprise", **options)[:, 0].numpy()
    np.testing.assert_allclose(surprise[6:], expected[6:], rtol=1e-9)
    assert np.isnan(surprise[:5]).all()


def test_attention_grows_with_unusually_many_texts():
    quiet = [("A", day, f"good luck {day}") for day in range(10)]
    burst = [("A", 10, f"bad debts {i}") for i in range(20)]
    attention = output(inputs(*quiet, *burst, sessions=11), "attention", min_history=3)[:, 0]
    assert attention[10] > 1.0 > attention[9]


def test_later_texts_never_change_earlier_rows():
    rows = many(300)
    whole = NewsSentiment().compute(inputs(*rows, sessions=60))
    for cut in (1, 17, 40):
        past = NewsSentiment().compute(inputs(*(r for r in rows if r[1] < cut), sessions=cut))
        torch.testing.assert_close(whole[:cut], past, rtol=0, atol=0, equal_nan=True)


def test_order_of_assets_does_not_matter():
    rows = many(200)
    one = NewsSentiment().compute(inputs(*rows, sessions=60))
    other = NewsSentiment().compute(inputs(*rows, sessions=60, assets=ASSETS[::-1]))
    torch.testing.assert_close(one, other.flip(1), rtol=0, atol=0, equal_nan=True)


def test_unknown_event_is_named():
    with pytest.raises(ValidationError, match='no kind of event "earning"; known: earnings'):
        NewsSentiment({"events": ["earning"]})
