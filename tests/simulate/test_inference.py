"""What reading costs is due when a document counts, and leaves the account in order."""

import numpy as np
import pandas as pd
import pytest

from finstrat import risk
from finstrat.simulate.inference import (
    InferencePrice,
    after_inference,
    inference_drag,
    net_of_inference,
    paid_by_session,
)


def test_price_counts_documents_or_tokens():
    texts = ["a" * 40, "b" * 400, ""]
    assert InferencePrice(per_1000_documents=2.0).of(texts).tolist() == [0.002] * 3
    tokens = InferencePrice(per_million_tokens=10.0, prompt_tokens=90)
    assert tokens.of(texts) == pytest.approx([100e-5, 190e-5, 90e-5])
    assert not InferencePrice().of(texts).any()


def test_document_is_paid_at_the_session_it_counts_from_and_warm_up_at_the_first():
    cost = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    sessions = np.array([0, 2, 3, 3, 5])  # of five; the last is never used
    assert paid_by_session(cost, sessions, first=2, count=5).tolist() == [3.0, 12.0, 0.0]


def test_capital_loses_what_is_paid_at_each_close():
    net = net_of_inference(
        np.array([0.10, 0.0, -0.5]), np.array([10.0, 50.0, 0.0]), initial_cash=100.0
    )
    # 100 → 110 − 10 = 100 → 50 → 25
    assert net == pytest.approx([0.0, -0.5, -0.5])


def test_reading_more_than_there_is_ends_the_account():
    frame = pd.DataFrame({"net": [0.1, 0.1, 0.1], "equity": [110.0, 121.0, 133.1]})
    paid = np.array([10.0, 200.0, 5.0])
    after = after_inference(frame, paid, initial_cash=100.0)
    assert after["net"].tolist() == pytest.approx([0.0, -1.0, 0.0])
    assert after["equity"].tolist() == pytest.approx([100.0, 0.0, 0.0])
    assert after["inference"].tolist() == [10.0, 200.0, 0.0]


def test_drag_is_what_was_paid_over_the_capital_before():
    frame = pd.DataFrame({"net": [0.10, 0.05], "equity": [110.0, 115.5]})
    after = after_inference(frame, np.array([2.0, 1.0]), initial_cash=100.0)
    drag = inference_drag(after, initial_cash=100.0)
    assert drag == pytest.approx([0.02, 1.0 / 108.0])
    assert (after["net"] + drag).tolist() == pytest.approx(frame["net"].tolist())
    assert not inference_drag(frame, initial_cash=100.0).any()


def test_break_even_cost_is_edge_over_turnover_beyond_the_twins():
    day = np.ones(4)
    figure = risk.break_even_cost(0.003 * day, 0.001 * day, 0.5 * day, 0.1 * day, 0.0004 * day)
    assert figure.value == pytest.approx((0.003 - 0.001 - 0.0004) / 0.4 * 1e4)  # 40 basis points
    for changed, reason in (
        ((day * 0.001, day * 0.001, day, 0 * day, 0 * day), "no edge"),
        ((day * 0.002, day * 0.001, day, day, 0 * day), "no more than its twin"),
        ((day, np.nan * day, day, day, day), "no twin"),
    ):
        assert reason in risk.break_even_cost(*changed).reason_if_null


def test_break_even_capital_is_cost_over_edge_before_it():
    net, twin, drag = np.full(4, 0.0008), np.zeros(4), np.full(4, 0.0002)
    # 0.1 % a session earns the 20 that reading costs on 20,000.
    assert risk.break_even_capital(net, twin, drag, np.full(4, 20.0)).value == pytest.approx(20_000)
    assert "not declared" in risk.break_even_capital(net, twin, drag, None).reason_if_null
    lost = risk.break_even_capital(-net, twin, drag, np.full(4, 20.0))
    assert "no edge" in lost.reason_if_null
