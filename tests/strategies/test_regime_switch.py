import numpy as np
import pytest
from finstrat_strategies.regime_switch import RegimeSwitch
from pydantic import ValidationError

OPTIONS = {"mood": "m.level", "good": "up.value", "bad": "calm.value", "k": 1}


def test_the_mood_decides_which_signal_ranks_and_how_much_is_held(seen):
    count = 5
    inputs = seen(
        np.full((count, 2), 10.0),
        **{
            "m.level": [np.nan, 1.0, 0.0, -1.0, 0.0],
            "up.value": [[1.0, 2.0]] * count,
            "calm.value": [[2.0, 1.0]] * count,
        },
    )
    decision = RegimeSwitch(OPTIONS).decide(inputs)
    # Between the two levels the mood stays what it was.
    good = [False, True, True, False, False]
    assert decision.eligible[:, 1].tolist() == good
    assert decision.eligible[:, 0].tolist() == [not each for each in good]
    assert decision.exposure.tolist() == [0.5, 1.0, 1.0, 0.5, 0.5]
    assert decision.rebalance.tolist() == [True, True, False, True, False]


def test_levels_in_the_wrong_order_are_refused():
    with pytest.raises(ValidationError, match=r"lower 1.0 lies above upper 0.5"):
        RegimeSwitch(OPTIONS | {"lower": 1.0})
