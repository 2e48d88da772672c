import numpy as np
import pytest

from finstrat.data import Panel
from finstrat.data.labels import forward_returns
from finstrat.errors import DataError
from finstrat.testing import synthetic_market
from finstrat.validate.tearsheet import t_statistic, tearsheet


def panel(close, **fields):
    close = np.asarray(close, dtype=float)
    times = np.datetime64("2024-01-02") + np.arange(len(close))
    assets = [f"A{i:02}" for i in range(close.shape[1])]
    return Panel.from_fields(times, assets, {"close": close, **fields})


@pytest.fixture(scope="module")
def market():
    return synthetic_market()


def test_a_label_runs_from_fill_to_fill():
    prices = panel([[1.0], [2.0], [4.0], [5.0], [10.0]], open=np.array([[1.0], [2], [3], [6], [9]]))
    close = forward_returns(prices, 1, fill="next-close")[:, 0]
    assert close[:3].tolist() == [1.0, 0.25, 1.0]
    assert np.isnan(close[3:]).all()
    opened = forward_returns(prices, 2, fill="next-open")[:, 0]
    assert opened[:2].tolist() == [2.0, 2.0]
    assert np.isnan(opened[2:]).all()


def test_a_label_beyond_the_data_is_unknown():
    assert np.isnan(forward_returns(panel([[1.0], [2.0]]), 5, fill="next-close")).all()


def test_labels_say_what_they_need():
    with pytest.raises(DataError, match="horizon: expected 1 session or more, got 0"):
        forward_returns(panel([[1.0], [2.0]]), 0, fill="next-close")
    with pytest.raises(DataError, match='no field "open"'):
        forward_returns(panel([[1.0], [2.0]]), 1, fill="next-open")


def test_a_perfect_rank_has_ic_one_where_it_looks_and_a_hand_computed_spread():
    moves = np.array([[0.0, 0.01, 0.02, 0.03, 0.04, 0.05]] * 40)
    moves[::2] = moves[::2, ::-1]
    prices = panel(100 * np.cumprod(1 + moves, axis=0))
    forward = forward_returns(prices, 1, fill="next-close")
    sheet = tearsheet(np.nan_to_num(forward), prices, fill="next-close", groups=3)
    assert sheet.forward[1].value == pytest.approx(1.0)
    # Every session reverses the order of the one before.
    assert sheet.next_session.value == pytest.approx(-1.0)
    assert [each.value for each in sheet.quantiles] == pytest.approx([0.005, 0.025, 0.045])
    assert sheet.spread.value == pytest.approx(0.04)
    assert sheet.autocorrelation.value == pytest.approx(-1.0, abs=0.1)


def test_turnover_is_zero_for_a_constant_rank_and_two_for_a_reversed_one():
    prices = panel(np.cumprod(np.full((40, 6), 1.01), axis=0))
    constant = np.tile(np.arange(6.0), (40, 1))
    assert tearsheet(constant, prices, fill="next-close").turnover.value == 0.0
    constant[::2] *= -1
    assert tearsheet(constant, prices, fill="next-close").turnover.value == pytest.approx(2.0)


def test_the_planted_truth_is_found_next_session_and_more_so_in_the_same(market):
    sheet = tearsheet(market.tone.numpy(), market.panel, fill="next-open")
    assert sheet.same_session.value > sheet.next_session.value > 0.1
    assert t_statistic(sheet.next_session) > 5
    # Two opens later the planted return is over.
    assert abs(t_statistic(sheet.forward[21])) < 3
    assert sheet.coverage.value == pytest.approx(1.0)


def test_noise_seldom_looks_significant(market):
    rng = np.random.default_rng(0)
    sheets = [
        tearsheet(rng.normal(size=market.panel.shape), market.panel, fill="next-close")
        for _ in range(20)
    ]
    t = np.array([t_statistic(sheet.forward[1]) for sheet in sheets])
    assert (np.abs(t) > 2).sum() <= 3
    assert abs(t.mean()) < 0.7


def test_correlation_with_another_signal_is_by_rank(market):
    tone = market.tone.numpy()
    sheet = tearsheet(tone, market.panel, fill="next-close", others={"cubed": tone**3})
    assert sheet.correlations["cubed"].value == pytest.approx(1.0)


def test_few_sessions_give_no_interval_and_none_gives_a_reason():
    prices = panel(np.cumprod(np.full((10, 6), 1.01), axis=0))
    sheet = tearsheet(np.tile(np.arange(6.0), (10, 1)), prices, fill="next-close")
    assert sheet.turnover.ci is None
    assert sheet.same_session.value is None
    assert "no session has enough known values" in sheet.same_session.reason_if_null


def test_a_market_level_signal_has_no_tearsheet():
    with pytest.raises(DataError, match="a tearsheet compares assets"):
        tearsheet(np.zeros(10), panel(np.ones((10, 2))), fill="next-close")
