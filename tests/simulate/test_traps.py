"""What goes wrong silently in vectorbt, each in a case to be checked by hand, on both engines.

The remaining traps stand where their subject is. In `test_account`: labels, same-bar fills, weights
above 1 or infinite, orders that wait, delistings, fees without a buffer or below 0, bankruptcy, the
first fee. In `test_ledger`: the terms and costs that vectorbt refuses and the ledger knows. In
`test_as_vectorbt`: the length of a year.
"""

import gc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from finstrat import risk
from finstrat.costs import CostRates
from finstrat.data import Panel
from finstrat.errors import DataError
from finstrat.simulate.account import simulate
from finstrat.simulate.execution import Execution

NAN = np.nan


@pytest.fixture
def keep(engine):
    """Keeps an account of 1,000 on a panel, with fills at the next close and no buffer."""

    def run(weights, panel, **terms):
        terms = {"fill": "next-close", "initial_cash": 1000.0, "cash_buffer": 0.0} | terms
        return simulate(
            pd.DataFrame(np.asarray(weights, dtype=float), panel.index, list(panel.assets)),
            panel,
            rates=CostRates(np.zeros(panel.shape), np.zeros(panel.shape)),
            execution=Execution(engine=engine, **terms),
        )

    return run


def panel_of(sessions=4, *, start="2024-01-01", **fields):
    times = pd.bdate_range(start, periods=sessions).to_numpy().astype("datetime64[D]")
    return Panel.from_fields(times, ("a",), {k: np.asarray(v, float) for k, v in fields.items()})


def test_a_dividend_and_a_split_earn_their_total_return_on_adjusted_prices(keep):
    # Bought at 100; a dividend of 10 % of the price, then two shares for one.
    close = [[100.0], [100.0], [90.0], [45.0]]
    factor = [[0.45], [0.45], [0.5], [1.0]]
    result = keep([[0.5], [NAN], [NAN], [NAN]], panel_of(close=close, adj_factor=factor))
    assert_allclose(result.sessions["equity"], 1000.0)
    assert_allclose(result.holdings["a"].iloc[1:], 0.5)


def test_a_negative_weight_is_a_share_of_value_whatever_came_before(keep):
    # 50 short at 10, worth 400 at 8; then -0.5 of 1,100 at 8 is 68.75 short.
    result = keep([[-0.5], [NAN], [-0.5], [NAN]], panel_of(close=[[10], [10], [8], [8]]))
    assert result.orders["side"].tolist() == ["sell", "sell"]
    assert_allclose(result.orders["shares"], [50, 18.75])


def test_fractions_of_a_share_are_kept(keep):
    result = keep([[1 / 3], [NAN], [NAN], [NAN]], panel_of(close=[[7]] * 4))
    assert_allclose(result.orders["shares"], [1000 / 21], rtol=1e-12)


@pytest.mark.parametrize("volume", [0.0, NAN])
def test_a_session_without_volume_stops_nothing(keep, volume):
    fields = {"close": [[10]] * 4, "volume": [[100], [volume], [volume], [100]]}
    result = keep([[0.5], [NAN], [NAN], [NAN]], panel_of(**fields))
    assert result.orders["session"].tolist() == [pd.Timestamp("2024-01-02")]


@pytest.mark.parametrize("volume", [0.0, NAN])
def test_an_order_held_to_a_volume_waits_for_one_or_is_refused(keep, engine, volume):
    panel = panel_of(close=[[10]] * 4, volume=[[100], [volume], [volume], [100]])
    weights = [[0.05], [NAN], [NAN], [NAN]]
    if engine == "vectorbt":
        with pytest.raises(ValueError, match="knows no participation"):
            keep(weights, panel, participation=0.1)
        return
    # 5 shares of at most 0, 0 and 10.
    result = keep(weights, panel, participation=0.1)
    assert_allclose(result.orders["shares"], [5])
    assert result.orders["session"].tolist() == [pd.Timestamp("2024-01-04")]


def test_a_price_of_zero_is_refused_before_anything_trades():
    with pytest.raises(DataError, match="close"):
        panel_of(close=[[10], [0], [10], [10]])


def test_sessions_that_repeat_or_go_back_are_refused():
    times = np.array(["2024-01-02", "2024-01-01"], dtype="datetime64[D]")
    for wrong in (times, times[[0, 0]]):
        with pytest.raises(DataError):
            Panel.from_fields(wrong, ("a",), {"close": np.full((2, 1), 10.0)})


def test_a_weekend_is_no_session(keep):
    # Thursday, Friday, Monday, Tuesday.
    panel = panel_of(start="2024-01-04", close=[[10], [10], [12], [12]])
    result = keep([[NAN], [0.5], [NAN], [NAN]], panel)
    assert result.orders["session"].tolist() == [pd.Timestamp("2024-01-08")]
    assert len(result.sessions) == 4


def test_an_account_that_never_trades_has_no_sharpe_ratio(keep):
    result = keep([[NAN]] * 4, panel_of(close=[[10], [12], [9], [11]]))
    figure = risk.sharpe(result.sessions["net"].to_numpy(), periods_per_year=252)
    assert figure.value is None
    assert "nothing was ever held" in figure.reason_if_null


def test_no_portfolio_is_left_behind_in_a_reference_cycle(keep):
    import vectorbt

    gc.collect()
    before = sum(issubclass(type(each), vectorbt.Portfolio) for each in gc.get_objects())
    for _ in range(3):
        keep([[0.5], [NAN], [NAN], [NAN]], panel_of(close=[[10]] * 4))
    after = sum(issubclass(type(each), vectorbt.Portfolio) for each in gc.get_objects())
    assert after == before
