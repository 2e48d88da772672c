import datetime as dt

import numpy as np
from finstrat_strategies.pairs import Pairs, closest
from numpy.testing import assert_allclose

NAN = np.nan
PAST = 20
"""Sessions of a formation; the first of December 2015 is a Tuesday, 22 sessions before January."""


def market(after):
    """A and B swing against each other by 1 % at most, C is far away; then `after`, by hand."""
    swing = 1 + 0.01 * np.sin(np.arange(22))
    before = np.column_stack([10 * swing, 20 / swing, 5 * np.linspace(1, 3, 22)])
    return np.vstack([before, np.asarray(after, dtype=float)])


def traded(seen, after, **options):
    close = market(after)
    strategy = Pairs({"formation": PAST, "months": 1, "pairs": 1} | options)
    decision = strategy.decide(seen(close, start=dt.date(2015, 12, 1)))
    return decision.weights[22:], decision.rebalance[22:]


def test_the_closest_pair_has_the_least_squared_difference():
    prices = np.array([[1, 1, 1, 1], [2, 1, 2.1, NAN]], dtype=float)
    left, right = closest(prices, 2)
    assert list(zip(left, right, strict=True)) == [(0, 2), (0, 1)]


def test_the_loser_is_bought_and_the_winner_sold_until_they_meet(seen):
    # One deviation of the formation is about 0.014: 10 % apart opens, and 0 closes.
    after = [[10, 20, 9], [11, 20, 9], [10.5, 20, 9], [10.4, 21, 9], [10.4, 21, 9]]
    weights, rebalance = traded(seen, after)
    assert_allclose(weights, [[0] * 3, [-0.5, 0.5, 0], [-0.5, 0.5, 0], [0] * 3, [0] * 3])
    assert rebalance.tolist() == [False, True, False, True, False]


def test_a_pair_that_loses_a_price_is_closed_for_good(seen):
    after = [[10, 20, 9], [11, 20, 9], [NAN, 20, 9], [11, 20, 9]]
    weights, _ = traded(seen, after)
    assert_allclose(weights, [[0] * 3, [-0.5, 0.5, 0], [0] * 3, [0] * 3])


def test_a_pair_beyond_the_stop_is_given_up(seen):
    after = [[10, 20, 9], [11, 20, 9], [20, 20, 9], [11, 20, 9]]
    weights, _ = traded(seen, after, stop=20.0)
    assert_allclose(weights[:, 0], [0, -0.5, 0, 0])


def test_every_open_pair_has_its_part_of_gross(seen):
    weights, _ = traded(seen, [[10, 20, 9], [11, 20, 9]], pairs=2, gross=0.8)
    # The second pair is B and C, whose formation had large deviations.
    assert_allclose(weights[1], [-0.2, 0.2, 0])


def test_without_a_whole_formation_nothing_is_held(seen):
    weights, _ = traded(seen, [[10, 20, 9], [11, 20, 9]], formation=30)
    assert not weights.any()
