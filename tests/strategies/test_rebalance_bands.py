import numpy as np
import pytest
from finstrat_strategies.rebalance_bands import RebalanceBands
from numpy.testing import assert_allclose
from pydantic import ValidationError

from finstrat.errors import ConfigError

NAN = np.nan


def decide(seen, close, *, first=0, **options):
    return RebalanceBands(options).decide(seen(close, first=first))


def test_within_the_band_nothing_is_traded_and_beyond_it_all_is(seen):
    # A at 13/23 is 6.5 % too much; at 12/22 it was 4.5 %.
    decision = decide(seen, [[10, 10], [12, 10], [13, 10], [13, 10]], band=0.05)
    assert decision.rebalance.tolist() == [True, False, True, False]
    assert_allclose(decision.weights[decision.rebalance], 0.5)
    assert_allclose(decision.weights[1], [12 / 22, 10 / 22])


def test_a_trade_to_the_edge_leaves_what_the_band_allows(seen):
    close = [[10, 10], [20, 10], [20, 10]]
    decision = decide(seen, close, weights={"A": 0.4, "B": 0.4}, band=0.05, to="edge")
    # A and B drift to 0.8 / 1.4 and 0.4 / 1.4; the edges are 0.45 and 0.35.
    assert decision.rebalance.tolist() == [True, True, False]
    assert_allclose(decision.weights[1], [0.45, 0.35])


def test_edges_never_need_more_than_the_targets(seen):
    close = [[10, 10, 10], [20, 20, 10]]
    decision = decide(seen, close, weights={"A": 0.3, "B": 0.3, "C": 0.4}, band=0.02, to="edge")
    # 0.6, 0.6 and 0.4 of 1.6: A and B to 0.32, C to 0.38, and the 0.02 too much off A and B.
    assert_allclose(decision.weights[1], [0.31, 0.31, 0.38])


def test_a_new_member_changes_the_targets(seen):
    decision = decide(seen, [[10, NAN], [10, 10], [10, 10]], band=0.9)
    assert decision.rebalance.tolist() == [True, True, False]
    assert_allclose(decision.weights[decision.rebalance], [[1, 0], [0.5, 0.5]])


def test_it_begins_with_the_first_traded_session(seen):
    decision = decide(seen, [[10, 10], [20, 10], [20, 10]], first=1)
    assert decision.rebalance.tolist() == [False, True, False]


def test_an_asset_that_is_not_there_is_named(seen):
    with pytest.raises(ConfigError, match='no asset "AA"; did you mean "A"'):
        decide(seen, [[10, 10]], weights={"AA": 0.5})


def test_weights_above_one_are_refused():
    with pytest.raises(ValidationError, match="sum to 1.2"):
        RebalanceBands({"weights": {"A": 0.6, "B": 0.6}})
