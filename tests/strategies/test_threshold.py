import numpy as np
import pytest
from finstrat_strategies.threshold import Threshold
from pydantic import ValidationError

NAN = np.nan


def held(seen, signal, close=None, **options):
    signal = np.array(signal, dtype=float)[:, None]
    close = np.full(signal.shape, 10.0) if close is None else np.array(close, float)[:, None]
    strategy = Threshold({"signal": "s.value", "enter": 1.0, "leave": 0.0} | options)
    decision = strategy.decide(seen(close, **{"s.value": signal}))
    return decision.eligible[:, 0].int().tolist(), decision.rebalance.int().tolist()


def test_between_the_levels_a_name_stays_as_it_was(seen):
    assert held(seen, [0.5, 1.0, 0.5, -0.1, 0.5])[0] == [0, 1, 1, 0, 0]


def test_it_trades_when_a_name_comes_or_goes_and_on_the_schedule(seen):
    # The first session is a Monday and the first of the data.
    assert held(seen, [0.5, 1.0, 0.5, -0.1, 0.5])[1] == [1, 1, 0, 1, 0]


def test_an_unknown_signal_changes_nothing(seen):
    assert held(seen, [NAN, 1.0, NAN, -1.0, NAN])[0] == [0, 1, 1, 0, 0]


def test_a_loss_stops_until_the_signal_has_been_low(seen):
    # Entered at 10; 8.9 is more than 10 % down. 2 is still high; after 0.5 it may enter again.
    signal, close = [2, 2, 2, 0.5, 1.5], [10, 8.9, 9, 9, 9]
    assert held(seen, signal, close, stop_loss=0.1)[0] == [1, 0, 0, 0, 1]
    assert held(seen, signal, close, stop_loss=0.12)[0] == [1, 1, 1, 1, 1]


def test_a_gain_is_taken(seen):
    assert held(seen, [2, 2, 2], [10, 10.9, 11.1], take_profit=0.1)[0] == [1, 1, 0]


def test_a_trailing_stop_follows_the_highest_close(seen):
    # 20 less a tenth is 18; the entry at 10 doesn't matter any more.
    assert held(seen, [2] * 4, [10, 20, 18.1, 17.9], trailing_stop=0.1)[0] == [1, 1, 1, 0]


def test_a_name_without_a_price_is_not_entered(seen):
    assert held(seen, [2, 2, 2], [NAN, 10, 10])[0] == [0, 1, 1]


def test_leaving_above_the_entry_is_refused():
    with pytest.raises(ValidationError, match=r"leave 2.0 lies above enter 1.0"):
        Threshold({"signal": "s.value", "enter": 1, "leave": 2})
