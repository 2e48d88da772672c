import dataclasses

import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.sections.attribution import AttributionSection
from finstrat_plugins.sections.stress import StressSection


@pytest.fixture
def autumn(make_result):
    """Two assets through the autumn of 2018, equally held, and losing one percent a session."""
    days = pd.DatetimeIndex(pd.bdate_range("2018-09-20", "2018-12-24"), name="session")
    held = pd.DataFrame({"A": 0.5, "B": 0.25}, index=days)
    moves = np.where(np.arange(len(days)) % 2, -0.03, 0.01)
    returns = pd.DataFrame({"A": moves, "B": -0.01}, index=days)
    net = (held * returns).sum(axis=1)
    return make_result(net, days=days, holdings=held, asset_returns=returns)


def test_named_fall_is_replayed_with_the_last_weights_and_others_say_why_not(autumn):
    *_, replays = StressSection().build(autumn).tables
    told = {row[0]: row[1:] for row in replays.rows}
    count = len(autumn.sessions)
    grown = 1.01 ** (count // 2 - 1 + count % 2) * 0.97 ** (count // 2)
    expected = 0.5 * (1 - grown) + 0.25 * (1 - 0.99 ** (count - 1))
    loss, deepest, proxied, reason = told["Rates and trade, 2018"]
    assert loss == pytest.approx(expected * 100, abs=0.006)
    assert deepest >= loss
    assert (proxied, reason) == (0.0, "")
    assert told["Pandemic, 2020"] == (None, None, None, "it ended after the date of the data")


def test_worst_stretches_are_as_long_as_the_data_allow(autumn):
    *_, stretches, _ = StressSection().build(autumn).tables
    assert [row[0] for row in stretches.rows] == [1, 5, 21, 63]
    assert stretches.rows[0][3] == pytest.approx(-1.75)


def test_without_a_benchmark_market_shocks_are_null_with_the_reason(autumn):
    figures = dict(StressSection().build(autumn).figures)
    assert figures["If the benchmark falls by 20%"].reason_if_null == "this run has no benchmark"
    today = figures["Volatility of today's holdings"].value
    assert figures["The same, if all correlations were 1"].value == pytest.approx(today)


def test_variance_is_shared_among_what_is_held(autumn):
    (shares,) = AttributionSection().build(autumn).tables
    # B never varies: all the variance is A's.
    assert shares.rows[0] == ("A", 50.0, 100.0)
    assert shares.rows[1][2] == pytest.approx(0.0)


def test_groups_are_those_of_the_limits_and_effects_stand_by_group(autumn):
    groups = {"up": {"assets": ["A"]}, "down": {"assets": ["B"]}}
    config = {"market": {"benchmark": "equal-weight"}, "limits": {"groups": groups}}
    result = dataclasses.replace(autumn, config=config)
    block = AttributionSection().build(result)
    by_group, _, shares = block.tables
    (effects,) = block.charts
    drawn = [round(each["value"] * 100, 2) for each in effects.spec["data"]["values"]]
    assert drawn == [number for row in by_group.rows for number in row[3:]]
    assert shares.rows == (("up", 50.0, 100.0), ("down", 25.0, 0.0))
    down, up, cash = by_group.rows
    assert (down[0], down[1:3]) == ("down", (25.0, 50.0))
    assert (up[0], up[1:3]) == ("up", (50.0, 50.0))
    assert cash[:3] == ("cash", 25.0, 0.0)
    moves = autumn.asset_returns.iloc[1:]
    own, other = ((1 + moves @ weights).prod() for weights in ([0.5, 0.25], [0.5, 0.5]))
    assert f"sum to {(own - other) * 100:,.2f} %" in by_group.note
    assert sum(sum(row[3:]) for row in by_group.rows) == pytest.approx(
        (own - other) * 100, abs=0.03
    )


def test_without_groups_for_every_asset_there_is_no_attribution_by_group(autumn):
    config = {"market": {"benchmark": "equal-weight"}}
    result = dataclasses.replace(autumn, config=config)
    block = AttributionSection().build(result)
    assert len(block.tables) == 1
    assert block.charts == ()
