"""The script that asks for directions measures what it says."""

import datetime as dt
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from finstrat.components import Inputs
from finstrat.data import Clock, Documents, Facts, Panel, Span

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "stocknet_direction.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("stocknet_direction", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_accuracy_and_correlation_by_hand(script):
    said = np.array([True, True, True, False, False])
    truth = np.array([True, True, False, False, True])
    found, (low, high) = script.judged(said, truth, np.arange(5))
    # 2 hits up, 1 hit down, 1 wrongly up, 1 wrongly down: (2 - 1) / √(3 · 3 · 2 · 2).
    assert found.tolist() == pytest.approx([0.6, 1 / 6])
    assert (low <= found).all()
    assert (found <= high).all()


def test_saying_always_the_same_has_no_correlation(script):
    truth = np.array([True, False, True])
    found, _ = script.judged(np.ones(3, dtype=bool), truth, np.arange(3))
    assert found.tolist() == pytest.approx([2 / 3, 0.0])


def test_texts_are_averaged_in_their_session_and_fade(script):
    clock = Clock.build("XNYS", Span(dt.date(2015, 3, 2), dt.date(2015, 3, 4)))
    known_at = pd.to_datetime(
        ["2015-03-02T15:00Z", "2015-03-02T16:00Z", "2015-03-02T22:00Z"]  # the last after the close
    )
    frame = pd.DataFrame(
        {"id": ["1", "2", "3"], "asset": "A", "event_at": known_at, "known_at": known_at}
    ).assign(text="t")
    inputs = Inputs(
        panel=Panel.from_fields(clock.sessions, ("A", "B"), {"close": np.ones((3, 2))}),
        documents=Documents.from_frame(frame, where="test"),
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
    )
    scores = torch.tensor([[1.0], [0.0], [-1.0]])
    new = script.texts_seen(inputs, scores, new=True)
    assert new[:, 0, 0].tolist() == [0.5, -1.0, 0.0]
    assert new[:, 0, 1].exp().tolist() == pytest.approx([3.0, 2.0, 1.0])
    assert not new[:, 1].any()
    fading = script.texts_seen(inputs, scores, new=False)
    kept = 0.5**0.5
    assert fading[1, 0, 0].item() == pytest.approx((kept - 1) / (2 * kept + 1))
