import numpy as np
import pytest
from finstrat_strategies.sentiment_momentum import SentimentMomentum
from numpy.testing import assert_allclose
from pydantic import ValidationError

OPTIONS = {"signal": "s.value", "fast": 1, "slow": 2, "hold": 1, "fraction": 0.5, "min_names": 2}


def weights(seen, signal, **options):
    inputs = seen(np.full(np.shape(signal), 10.0), **{"s.value": signal})
    return SentimentMomentum(OPTIONS | options).decide(inputs).weights


def test_a_rise_is_bought_and_a_fall_sold(seen):
    # Only the change counts: A is higher throughout.
    assert_allclose(
        weights(seen, [[5.0, 1.0], [4.0, 2.0], [4.0, 1.0]])[1:], [[-0.5, 0.5], [0.5, -0.5]]
    )


def test_a_book_is_held_for_its_sessions(seen):
    signal = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    # One book is made, at the second session; afterwards nothing rises more than anything else.
    held = weights(seen, signal, hold=2)
    assert_allclose(held, [[0, 0], [0.25, -0.25], [0.25, -0.25], [0, 0]])


def test_too_few_names_make_no_book(seen):
    assert not weights(seen, [[0.0, 0.0], [1.0, 0.0]], min_names=3).any()


def test_a_recent_mean_over_the_whole_window_is_refused():
    with pytest.raises(ValidationError, match="fast 5 is not below slow 5"):
        SentimentMomentum(OPTIONS | {"fast": 5, "slow": 5})
