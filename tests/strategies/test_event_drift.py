import numpy as np
from finstrat_strategies.event_drift import EventDrift
from numpy.testing import assert_allclose

NAN = np.nan
OPTIONS = {"signal": "s.value", "threshold": 1.0, "hold": 2, "slots": 2}


def decide(seen, signal, *, first=0, **options):
    signal = np.array(signal, dtype=float)
    inputs = seen(np.full(signal.shape, 10.0), first=first, **{"s.value": signal})
    return EventDrift(OPTIONS | options).decide(inputs)


def test_an_event_is_held_for_its_sessions_in_its_own_direction(seen):
    signal = [[NAN, NAN], [1.5, NAN], [NAN, -1.0], [NAN, NAN], [NAN, NAN]]
    decision = decide(seen, signal)
    assert_allclose(decision.weights, [[0, 0], [0.5, 0], [0.5, -0.5], [0, -0.5], [0, 0]])
    assert decision.rebalance.tolist() == [True, True, True, True, True]


def test_what_stays_beyond_the_threshold_is_one_event(seen):
    assert_allclose(decide(seen, [[2.0], [2.0], [2.0], [0.0]]).weights, [[0.5], [0.5], [0], [0]])


def test_a_later_event_replaces_the_one_held(seen):
    weights = decide(seen, [[2.0], [-2.0], [0.0], [0.0]]).weights
    assert_allclose(weights, [[0.5], [-0.5], [-0.5], [0]])


def test_more_events_than_slots_share_what_there_is(seen):
    weights = decide(seen, [[2.0, 2.0, -2.0], [0, 0, 0]]).weights
    assert_allclose(weights, [[1 / 3, 1 / 3, -1 / 3]] * 2)


def test_one_side_alone_leaves_the_other_out(seen):
    signal = [[2.0, -2.0], [0.0, 0.0]]
    assert_allclose(decide(seen, signal, sides="long").weights, [[0.5, 0]] * 2)
    assert_allclose(decide(seen, signal, sides="short").weights, [[0, -0.5]] * 2)


def test_an_event_of_the_warm_up_is_traded_at_the_first_session(seen):
    decision = decide(seen, [[0.0], [2.0], [0.0], [0.0], [0.0]], first=2, hold=3)
    assert decision.rebalance.tolist() == [False, True, True, False, True]
    assert_allclose(decision.weights[2], 0.5)
