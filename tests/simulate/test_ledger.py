"""What only the ledger does; every number here can be checked by hand."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

from finstrat.costs import CostRates
from finstrat.data import Panel
from finstrat.errors import ConfigError, DataError, SimulationError
from finstrat.simulate.account import simulate
from finstrat.simulate.execution import Execution
from finstrat.simulate.ledger import Prices, daily_returns

NAN = np.nan


@pytest.fixture
def ledger():
    """Simulates an account of 1,000 on the ledger, without a buffer, fills at the next close."""

    def run(weights, close, *, fields=None, costs=None, max_gross=1.0, gap=1, **terms):
        close = np.asarray(close, dtype=float)
        times = np.datetime64("2024-01-01") + gap * np.arange(len(close))
        fields = {name: np.asarray(values, dtype=float) for name, values in (fields or {}).items()}
        panel = Panel.from_fields(times, "abcdef"[: close.shape[1]], {"close": close, **fields})
        given = {"fees": 0.0, "slippage": 0.0} | (costs or {})
        usual = {"engine": "ledger", "fill": "next-close", "initial_cash": 1000.0}
        terms = usual | {"cash_buffer": 0.0} | terms
        return simulate(
            pd.DataFrame(np.asarray(weights, dtype=float), panel.index, list(panel.assets)),
            panel,
            rates=CostRates(**{k: np.full(panel.shape, v) for k, v in given.items()}),
            execution=Execution(**terms),
            max_gross=max_gross,
        )

    return run


def test_sizing_after_costs_leaves_the_weight_asked_for(ledger):
    plain = ledger([[1.0], [NAN]], [[10], [10]], costs={"fees": 0.01})
    aware = ledger([[0.5], [NAN]], [[10], [10]], costs={"fees": 0.01}, sizing="after-costs")
    # Cut to what cash pays for: 1000 / 10.1 shares.
    assert_allclose(plain.orders["shares"], [1000 / 10.1])
    assert plain.partial_fills == 1
    # V − C with C = 0.01 · 0.5 · (V − C), V = 1000: V − C = 1000 / 1.005.
    assert_allclose(aware.sessions["equity"].iloc[-1], 1000 / 1.005)
    assert_allclose(aware.holdings["a"].iloc[-1], 0.5)
    full = ledger([[1.0], [NAN]], [[10], [10]], costs={"fees": 0.01}, sizing="after-costs")
    assert_allclose(full.sessions["cash"].iloc[-1], 0, atol=1e-9)
    assert full.partial_fills == 0


def test_taxes_are_charged_to_their_side_alone(ledger):
    costs = {"buy_tax": 0.005, "sell_tax": 0.002}
    result = ledger([[0.5], [0.0], [NAN]], [[10], [10], [10]], costs=costs)
    assert_allclose(result.orders["fee"], [2.5, 1.0])
    assert_allclose(result.sessions["equity"], [1000, 997.5, 996.5])


def test_fees_a_share_and_an_order(ledger):
    result = ledger([[0.5], [NAN]], [[10], [10]], costs={"per_share": 0.02, "per_order": 3.0})
    assert_allclose(result.orders["fee"], [50 * 0.02 + 3])


def test_a_fee_a_share_counts_shares_as_the_exchange_does(ledger):
    # Adjusted 10 is a raw 20: 500 of currency are 25 shares there.
    fields = {"adj_factor": [[0.5], [0.5]]}
    result = ledger([[0.5], [NAN]], [[20], [20]], fields=fields, costs={"per_share": 0.02})
    assert_allclose(result.orders["fee"], [25 * 0.02])


def test_a_purchase_is_cut_so_that_cash_pays_the_fees_of_every_kind(ledger):
    costs = {"fees": 0.01, "per_share": 0.1, "per_order": 5.0}
    result = ledger([[1.0], [NAN]], [[10], [10]], costs=costs)
    assert_allclose(result.orders["shares"], [(1000 - 5) / (10 * 1.01 + 0.1)])
    assert_allclose(result.sessions["cash"].iloc[-1], 0, atol=1e-9)


def test_impact_grows_with_the_square_root_of_the_order(ledger):
    costs = {"impact": 0.1, "daily_value": 5000.0}
    result = ledger([[0.2], [NAN], [0.0], [NAN]], [[10]] * 4, costs=costs)
    # 200 of 5000 traded: 0.1 · √0.04 = 2 %; the sale is of 20 shares, 200 at the quote.
    assert_allclose(result.orders["price"], [10.2, 9.8])
    assert_allclose(result.orders["slippage"], [4, 4])
    # A purchase beyond the cash is cut with its impact: s·10·(1 + 0.1·√(10 s / 5000)) = 1000.
    cut = ledger([[1.0], [NAN]], [[10], [10]], costs=costs)
    shares = cut.orders["shares"].iloc[0]
    assert_allclose(shares * 10 * (1 + 0.1 * np.sqrt(shares * 10 / 5000)), 1000)


def test_what_would_move_the_price_by_an_unknown_amount_waits(ledger):
    costs = {"impact": [[NAN], [NAN], [0.1]], "daily_value": 1e9}
    result = ledger([[0.5], [NAN], [NAN]], [[10], [10], [10]], costs=costs)
    assert result.orders["session"].dt.day.tolist() == [3]
    assert result.waited_orders == 1


def test_shorts_pay_their_borrow_fee_by_calendar_days(ledger):
    result = ledger([[-0.5], [NAN], [NAN]], [[10], [10], [12]], costs={"borrow": 0.36}, gap=3)
    # Opened at the second close: from then on 500 · 0.36 · 3 / 360.
    assert_allclose(result.sessions["borrow"], [0, 0, 1.5])
    assert_allclose(result.sessions["equity"], [1000, 1000, 1000 - 100 - 1.5])
    assert_allclose(result.sessions["gross"].iloc[-1], -0.1)


def test_cash_earns_interest_and_a_loan_costs_it(ledger):
    result = ledger(
        [[2.0], [NAN], [NAN]],
        [[10], [10], [10]],
        gap=2,
        max_gross=2.0,
        cash_rate=0.018,
        loan_rate=0.072,
        margin={"initial": 0.5, "maintenance": 0.25},
    )
    # 1000 · 0.018 · 2 / 360 = 0.1 before the purchase; then 1000 - 0.1 are owed.
    assert_allclose(result.sessions["interest"], [0, 0.1, -999.9 * 0.072 * 2 / 360])


def test_dividends_and_splits_are_booked_on_raw_prices(ledger):
    fields = {
        "dividend": [[0], [0], [1.0], [0], [0]],
        "split": [[NAN], [1], [1], [4], [1]],
    }
    close = [[10], [10], [9], [2.25], [2.5]]
    result = ledger([[0.5], [NAN], [NAN], [NAN], [NAN]], close, fields=fields, prices="raw")
    # 50 shares: 50 paid at the ex-date; 200 shares after the split.
    assert_allclose(result.sessions["dividends"], [0, 0, 50, 0, 0])
    assert_allclose(result.sessions["cash"], [1000, 500, 550, 550, 550])
    assert_allclose(result.sessions["equity"], [1000, 1000, 1000, 1000, 1050])
    short = ledger([[-0.5], [NAN], [NAN], [NAN], [NAN]], close, fields=fields, prices="raw")
    assert_allclose(short.sessions["equity"], [1000, 1000, 1000, 1000, 950])


def test_an_order_over_a_split_is_sized_in_new_shares(ledger):
    fields = {"dividend": [[0]] * 3, "split": [[1], [4], [1]]}
    result = ledger([[0.5], [NAN], [NAN]], [[10], [2.5], [5]], fields=fields, prices="raw")
    assert_allclose(result.orders[["shares", "price"]].to_numpy(), [[200, 2.5]])


def test_a_split_on_a_session_without_a_price_changes_no_value(ledger):
    fields = {"dividend": [[0, 0]] * 4, "split": [[1, 1], [1, 1], [4, 1], [1, 1]]}
    close = [[10, 1], [10, 1], [NAN, 1], [3, 1]]
    weights = [[0.5, 0], [NAN, NAN], [NAN, NAN], [NAN, NAN]]
    result = ledger(weights, close, fields=fields, prices="raw")
    assert_allclose(result.sessions["equity"], [1000, 1000, 1000, 1100])


def test_raw_prices_need_their_corporate_actions(ledger):
    with pytest.raises(ConfigError, match='needs the field "dividend"'):
        ledger([[0.5], [NAN]], [[10], [10]], prices="raw")
    fields = {"dividend": [[0], [0]], "split": [[1], [0]]}
    with pytest.raises(DataError, match=r"split of a on 2024-01-02 is 0\.0"):
        ledger([[0.5], [NAN]], [[10], [10]], fields=fields, prices="raw")


def test_positions_are_whole_lots(ledger):
    result = ledger([[0.57], [-0.33], [0.0], [NAN]], [[10]] * 4, lot=20)
    # 57 and -33 shares are wanted; towards 0.
    assert_allclose(result.holdings["a"], [0, 0.4, -0.2, 0])
    assert_allclose(result.orders["shares"], [40, 60, 20])


def test_a_cut_purchase_is_of_whole_lots_too(ledger):
    result = ledger([[1.0], [NAN]], [[10], [12]], lot=10)
    assert_allclose(result.orders["shares"], [80])
    assert result.partial_fills == 1


def test_volume_carries_the_rest_to_the_sessions_after(ledger):
    volume = [[0], [100], [0], [NAN], [150], [400]]
    result = ledger(
        [[0.5], *[[NAN]] * 5],
        [[10], [10], [10], [10], [20], [10]],
        fields={"volume": volume},
        participation=0.2,
    )
    # 50 shares wanted: 20, none, none (unknown), 30.
    assert_allclose(result.orders["shares"], [20, 30])
    assert result.orders["session"].dt.day.tolist() == [2, 5]
    assert result.carried_orders == 1


def test_a_new_decision_replaces_what_is_carried(ledger):
    result = ledger(
        [[0.5], [0.1], [NAN], [NAN]],
        [[10]] * 4,
        fields={"volume": [[100]] * 4},
        participation=0.2,
    )
    assert_allclose(result.orders["shares"], [20, 10])
    assert result.orders["side"].tolist() == ["buy", "sell"]


def test_volume_is_counted_on_the_basis_of_the_prices(ledger):
    fields = {"volume": [[100]] * 2, "adj_factor": [[0.5]] * 2}
    result = ledger([[0.5], [NAN]], [[20], [20]], fields=fields, participation=0.1)
    # 10 shares at 20 are 20 adjusted ones at 10.
    assert_allclose(result.orders[["shares", "price"]].to_numpy(), [[20, 10]])


def test_a_lost_listing_needs_no_volume(ledger):
    result = ledger(
        [[0.5, 0], *[[NAN, NAN]] * 3],
        [[10, 1], [10, 1], [NAN, 1], [NAN, 1]],
        fields={"volume": [[1000, 1]] * 2 + [[NAN, 1]] * 2},
        participation=0.1,
        delisting_return=-0.5,
    )
    assert_allclose(result.sessions["equity"], [1000, 1000, 750, 750])
    assert result.orders["reason"].tolist() == ["decision", "delisting"]


@pytest.mark.parametrize("engine", ["vectorbt", "ledger"])
def test_a_listing_may_carry_its_own_delisting_return(ledger, engine):
    result = ledger(
        [[0.5, 0], *[[NAN, NAN]] * 2],
        [[10, 1], [10, 1], [NAN, 1]],
        fields={"delisting_return": [[NAN, NAN], [-0.8, NAN], [NAN, NAN]]},
        delisting_return=0.1,
        engine=engine,
    )
    assert_allclose(result.sessions["equity"], [1000, 1000, 600])


def test_nobody_loses_more_than_everything_in_a_delisting(ledger):
    with pytest.raises(DataError, match=r"delisting_return of a is -1\.5"):
        ledger(
            [[0.5, 0], [NAN, NAN]],
            [[10, 1], [NAN, 1]],
            fields={"delisting_return": [[-1.5, NAN], [NAN, NAN]]},
        )


@pytest.mark.parametrize("engine", ["vectorbt", "ledger"])
def test_a_halted_name_has_a_quote_and_no_fill(ledger, engine):
    fields = {"halted": [[0], [1], [0]]}
    result = ledger([[0.5], [NAN], [NAN]], [[10], [10], [10]], fields=fields, engine=engine)
    assert result.orders["session"].dt.day.tolist() == [3]
    assert result.waited_orders == 1


LOANS = {"margin": {"initial": 0.5, "maintenance": 0.3}, "max_gross": 3.0}


def test_margin_pays_for_twice_the_value_and_no_more(ledger):
    result = ledger([[1.8], [NAN]], [[10], [10]], **LOANS)
    assert_allclose(result.sessions["cash"], [1000, -800])
    assert_allclose(result.holdings["a"], [0, 1.8])
    cut = ledger([[1.8, -0.6], [NAN, NAN]], [[10, 10], [10, 10]], **LOANS)
    # 2.4 wanted and 2.0 allowed: both by 2.0 / 2.4.
    assert_allclose(cut.holdings.iloc[-1], [1.5, -0.5])
    assert cut.partial_fills == 2


def test_fees_are_part_of_what_margin_must_cover(ledger):
    result = ledger([[2.0], [NAN]], [[10], [10]], costs={"fees": 0.01}, **LOANS)
    # f · 2000 · 0.5 = 1000 − 20, the cost in full.
    assert_allclose(result.orders["value"], [1960])
    assert_allclose(result.sessions["equity"].iloc[-1], 1000 - 19.6)


def test_margin_never_hinders_a_trade_that_reduces_risk(ledger):
    result = ledger([[2.0, 0.0], [0.5, 0.0], [NAN, NAN]], [[10, 10], [10, 10], [6, 10]], **LOANS)
    assert result.orders["side"].tolist() == ["buy", "sell"]
    # The second decision is sized at 10: down to 50 shares.
    assert_allclose(result.orders["shares"], [200, 150])


def test_a_margin_call_reduces_every_position_at_the_next_fill(ledger):
    result = ledger(
        [[1.2, -0.8], *[[NAN, NAN]] * 3], [[10, 10], [10, 10], [7, 12.5], [7, 12.5]], **LOANS
    )
    # 120 long and 80 short: 1000 + 120 · (-3) - 80 · 2.5 = 440 over 840 + 1000: 0.239 < 0.3.
    # Both by the factor 440 / (0.5 · 1840).
    factor = 440 / 920
    assert_allclose(result.sessions["equity"], [1000, 1000, 440, 440])
    assert_allclose(result.orders["shares"].iloc[2:], [120 * (1 - factor), 80 * (1 - factor)])
    assert result.orders["reason"].iloc[2:].tolist() == ["margin call"] * 2
    assert result.margin_calls == 1
    assert_allclose(result.sessions["exposure"].iloc[-1], 2.0)


def test_an_account_that_owes_more_than_it_holds_is_closed_out(ledger):
    result = ledger([[2.0], *[[NAN]] * 3], [[10], [10], [4], [10]], **LOANS)
    # -1000 of cash and 200 · 4.
    assert_allclose(result.sessions["equity"], [1000, 1000, -200, -200])
    assert result.bankrupt_at == pd.Timestamp("2024-01-03")
    assert result.orders["reason"].tolist() == ["decision", "closed out"]


def test_a_name_that_drifts_beyond_its_limit_is_traded_back(ledger):
    result = ledger(
        [[0.4, 0.4], *[[NAN, NAN]] * 2], [[10, 10], [10, 10], [20, 10]], limits={"name": 0.5}
    )
    # Known before the fill: 400 of 1000, no order; the next session would see 800 of 1400.
    assert len(result.orders) == 2
    result = ledger(
        [[0.4, 0.4], *[[NAN, NAN]] * 3],
        [[10, 10], [10, 10], [20, 10], [20, 10]],
        limits={"name": 0.5},
    )
    # 0.5 · 1400 / 20 = 35 shares of 40.
    assert_allclose(result.orders["shares"].iloc[-1], 5)
    assert result.orders["reason"].iloc[-1] == "limit"
    assert_allclose(result.holdings["a"].iloc[-1], 0.5)


def test_net_and_gross_limits_scale_what_is_held(ledger):
    close = [[10, 10], [10, 10], [20, 10], [20, 10]]
    weights = [[0.5, -0.5], *[[NAN, NAN]] * 3]
    net = ledger(weights, close, limits={"net": [-0.2, 0.2]})
    # 1000 long, 500 short, of 1500: the long side is cut to 500 + 0.2 · 1500.
    assert_allclose(net.holdings.iloc[-1], [800 / 1500, -500 / 1500])
    gross = ledger(weights, close, limits={"gross": 0.8})
    # The decision itself asks for 1.0 and gets 0.8; 400 long and short, the long one doubles.
    assert_allclose(gross.holdings.iloc[1], [0.4, -0.4])
    assert_allclose(gross.sessions["exposure"].iloc[-1], 0.8)
    short = ledger(
        [[0.0, -0.5], *[[NAN, NAN]] * 3], [[1, 10]] * 2 + [[1, 15]] * 2, limits={"net": [-0.6, 1.0]}
    )
    # 750 short of 750: -1.0 is brought to -0.6.
    assert_allclose(short.holdings["b"].iloc[-1], -0.6)


def bars(rows):
    """Open, high, low and close of one asset."""
    rows = np.asarray(rows, dtype=float)
    return rows[:, [3]], {"open": rows[:, [0]], "high": rows[:, [1]], "low": rows[:, [2]]}


HOLD = [[0.5], *[[NAN]] * 3]


@pytest.mark.parametrize(
    ("bar", "terms", "price", "reason"),
    [
        ((10, 10.5, 8.9, 10.2), {"stop_loss": 0.1}, 9.0, "stop-loss"),
        ((8.5, 9.5, 8, 9), {"stop_loss": 0.1}, 8.5, "stop-loss"),
        ((10, 12.5, 9.9, 11), {"take_profit": 0.2}, 12.0, "take-profit"),
        ((13, 13.5, 12.5, 13), {"take_profit": 0.2}, 13.0, "take-profit"),
        ((10, 12.5, 8.9, 11), {"take_profit": 0.2, "stop_loss": 0.1}, 9.0, "stop-loss"),
        ((10, 10.1, 9.4, 9.6), {"trailing_stop": 0.05}, 9.5, "trailing-stop"),
    ],
)
def test_a_resting_stop_closes_a_long_within_the_session(ledger, bar, terms, price, reason):
    close, fields = bars([(10, 10, 10, 10), (10, 10, 10, 10), bar, (10, 10, 10, 10)])
    for fill in ("next-open", "next-close"):
        result = ledger(HOLD, close, fields=fields, fill=fill, **terms)
        assert_allclose(result.orders["price"].iloc[-1], price)
        assert result.orders["reason"].tolist() == ["decision", reason]
        assert result.orders["session"].dt.day.tolist() == [2, 3]
        assert result.stopped == 1
        assert_allclose(result.sessions["equity"].iloc[-1], 500 + 50 * price)


def test_a_stop_on_a_short_is_above_it(ledger):
    close, fields = bars([(10, 10, 10, 10)] * 2 + [(10, 11.2, 9.9, 10)] + [(10, 10, 10, 10)])
    result = ledger([[-0.5], *[[NAN]] * 3], close, fields=fields, stop_loss=0.1)
    assert_allclose(result.orders["price"], [10, 11])
    close, fields = bars([(10, 10, 10, 10)] * 2 + [(10, 10.2, 7.9, 9)] + [(10, 10, 10, 10)])
    result = ledger([[-0.5], *[[NAN]] * 3], close, fields=fields, take_profit=0.2)
    assert_allclose(result.orders["price"], [10, 8])


def test_a_trailing_stop_follows_the_best_price_so_far(ledger):
    close, fields = bars(
        [(10, 10, 10, 10), (10, 10, 10, 10), (10, 14, 10, 13), (13, 13.5, 12.5, 13)]
    )
    result = ledger(HOLD, close, fields=fields, trailing_stop=0.1)
    # 14 · 0.9, from the session after the high.
    assert_allclose(result.orders["price"].iloc[-1], 12.6)


def test_a_stop_pays_costs_like_any_order(ledger):
    close, fields = bars([(10, 10, 10, 10)] * 2 + [(10, 10, 8, 9)] + [(10, 10, 10, 10)])
    costs = {"fees": 0.01, "slippage": 0.02}
    result = ledger(HOLD, close, fields=fields, stop_loss=0.1, costs=costs)
    # The entry was at 10.2; its stop is at 9.18, less slippage.
    assert_allclose(result.orders["price"].iloc[-1], 9.18 * 0.98)
    assert_allclose(result.orders["fee"].iloc[-1], 0.01 * 50 * 9.18 * 0.98)


def test_closes_alone_stop_at_the_next_fill(ledger):
    result = ledger(HOLD, [[10], [10], [8.5], [8]], stop_loss=0.1)
    assert result.orders["session"].dt.day.tolist() == [2, 4]
    assert_allclose(result.orders["price"], [10, 8])
    assert result.orders["reason"].iloc[-1] == "stop-loss"


def test_a_decision_at_the_close_that_stops_wins(ledger):
    result = ledger([[0.5], [NAN], [0.2], [NAN]], [[10], [10], [8.5], [8.5]], stop_loss=0.1)
    assert_allclose(result.holdings["a"].iloc[-1], 0.2)
    assert result.missed_orders == 0


def test_many_accounts_are_what_each_of_them_is_alone(tools):
    from finstrat.simulate import ledger as engine

    rng = np.random.default_rng(5)
    close = 10 * np.exp(np.cumsum(rng.normal(0, 0.05, (30, 4)), axis=0))
    close[rng.random(close.shape) < 0.1] = NAN
    panel = tools.panel(close)
    weights = rng.random((5, 30, 4)) / 4
    weights[rng.random((5, 30)) < 0.5] = NAN
    rates = tools.rates(panel, fee=0.001, slippage=0.001)
    execution = Execution(engine="ledger", fill="next-close")
    prices = engine.Prices.of(panel, execution)
    together = engine.accounts(weights, prices, rates=rates, execution=execution, keep="orders")
    for a in range(5):
        alone = simulate(tools.targets(weights[a], panel), panel, rates=rates, execution=execution)
        assert_allclose(together.equity[a], alone.sessions["equity"], rtol=0, atol=0)
        assert (together.records.account == a).sum() == len(alone.orders)
    only = engine.accounts(weights, prices, rates=rates, execution=execution)
    assert_allclose(only.equity, together.equity, rtol=0, atol=0)
    assert only.records is None


@pytest.mark.parametrize(
    "terms",
    [
        {"lot": 1},
        {"participation": 0.1},
        {"stop_loss": 0.1},
        {"take_profit": 0.1},
        {"trailing_stop": 0.1},
        {"cash_rate": 0.01},
        {"loan_rate": 0.01},
        {"margin": {"initial": 0.5}},
        {"limits": {"name": 0.1}},
        {"prices": "raw"},
        {"sizing": "after-costs"},
    ],
)
def test_vectorbt_refuses_the_terms_it_would_ignore(terms):
    with pytest.raises(ValidationError, match=rf'knows no {next(iter(terms))}; use engine = "l'):
        Execution(**terms)


def test_vectorbt_refuses_the_costs_it_would_ignore(tools):
    panel = tools.panel([[10], [10]])
    rates = tools.rates(panel)
    rates = CostRates(rates.fees, rates.slippage, borrow=rates.fees)
    with pytest.raises(SimulationError, match="can't charge borrow"):
        simulate(tools.targets([[0.5], [NAN]], panel), panel, rates=rates, execution=Execution())


def test_maintenance_above_initial_margin_is_refused():
    with pytest.raises(ValidationError, match="exceeds initial"):
        Execution(engine="ledger", margin={"initial": 0.3, "maintenance": 0.5})


def test_daily_returns_of_many_accounts_are_those_of_each_alone(ledger):
    rng = np.random.default_rng(0)
    close = 10 * np.exp(np.cumsum(rng.normal(0, 0.02, (12, 3)), axis=0))
    weights = rng.dirichlet(np.ones(4), (2, 12))[:, :, :3]
    weights[1, 3:6] = NAN
    panel = Panel.from_fields(
        np.datetime64("2024-01-01") + np.arange(12), ["a", "b", "c"], {"close": close}
    )
    execution = Execution(engine="ledger", fill="next-close", initial_cash=1000.0, cash_buffer=0.0)
    found = daily_returns(
        weights,
        Prices.of(panel, execution),
        rates=CostRates(fees=np.full((12, 3), 0.01), slippage=np.full((12, 3), 0.002)),
        execution=execution,
    )
    for i in range(2):
        alone = ledger(weights[i], close, costs={"fees": 0.01, "slippage": 0.002}).sessions
        assert_allclose(found.net[i], alone["net"], rtol=1e-12, atol=1e-15)
        assert_allclose(found.gross[i], alone["gross"], rtol=1e-12, atol=1e-15)
    assert (found.gross[0] > found.net[0]).sum() == 11
