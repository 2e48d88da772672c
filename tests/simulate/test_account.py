"""Every number here can be checked by hand."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

import finstrat
from finstrat.errors import ConfigError, DataError, SimulationError
from finstrat.simulate.account import simulate
from finstrat.simulate.execution import Execution

NAN = np.nan


def test_a_decision_fills_at_the_next_open_sized_at_its_own_close(account):
    result = account([[0.5], [NAN], [NAN]], [[10], [20], [30]], opens=[[9], [16], [25]])
    # 0.5 × 1000 / 10 = 50 shares, bought at 16.
    assert_allclose(result.sessions["cash"], [1000, 200, 200])
    assert_allclose(result.sessions["equity"], [1000, 1200, 1700])
    assert result.orders["session"].tolist() == [pd.Timestamp("2024-01-02")]
    assert_allclose(result.orders[["shares", "price", "value"]].to_numpy(), [[50, 16, 800]])
    assert_allclose(result.holdings["a"], [0, 1000 / 1200, 1500 / 1700])


def test_a_decision_fills_at_the_next_close_where_that_is_asked_for(account):
    result = account(
        [[0.5], [NAN], [NAN]], [[10], [16], [30]], opens=[[9], [1], [25]], fill="next-close"
    )
    assert_allclose(result.sessions["equity"], [1000, 1000, 1700])
    assert_allclose(result.orders["price"], [16])


def test_the_last_decision_never_fills(account):
    result = account([[NAN], [NAN], [1.0]], [[10], [10], [10]])
    assert result.orders.empty
    assert_allclose(result.sessions["equity"], 1000)


def test_a_row_of_nan_holds_and_a_zero_sells(account):
    result = account([[0.5], [NAN], [0.0], [NAN]], [[10], [10], [10], [10]])
    assert result.orders["side"].tolist() == ["buy", "sell"]
    assert_allclose(result.holdings["a"], [0, 0.5, 0.5, 0])


def test_a_sold_asset_leaves_nothing_behind_by_rounding(account):
    weights = [[0.1], [0.3], [0.7], [0.2], [0.0], [NAN]]
    result = account(weights, [[3], [7], [11], [13], [17], [19]], fee=0.001)
    assert result.holdings["a"].iloc[-1] == 0
    assert result.sessions["exposure"].iloc[-1] == 0


def test_costs_are_charged_at_the_fill_and_gross_puts_them_back(account):
    result = account([[0.5], [NAN]], [[10], [10]], fee=0.01, slippage=0.02)
    # 50 shares at 10.20 = 510, fee 5.10, slippage 50 × 0.20 = 10.
    order = result.orders.iloc[0]
    assert_allclose([order["price"], order["value"]], [10.2, 510])
    assert_allclose([order["fee"], order["slippage"]], [5.1, 10])
    assert_allclose(result.sessions["cash"], [1000, 484.9])
    assert_allclose(result.sessions["net"], [0, -0.0151])
    assert_allclose(result.sessions["gross"], [0, 0], atol=1e-15)
    assert_allclose(result.sessions["turnover"], [0, 0.51])


def test_slippage_moves_a_sale_down(account):
    result = account([[0.5], [0.0], [NAN]], [[10], [10], [10]], slippage=0.02)
    # Bought at 10.20 and sold at 9.80.
    assert_allclose(result.orders["price"], [10.2, 9.8])
    assert_allclose(result.sessions["equity"].iloc[-1], 1000 - 50 * 0.4)


def test_the_very_first_fee_shows_in_the_drawdown(account):
    result = account([[0.5], [NAN]], [[10], [10]], fee=0.01)
    wealth = (1 + result.sessions["net"]).cumprod()
    assert_allclose((wealth / wealth.cummax() - 1).min(), -0.005)


def test_costs_are_those_of_the_session_of_the_fill(tools, engine):
    panel = tools.panel([[10], [10], [10]])
    rates = tools.rates(panel)
    fees = np.array([[0.5], [0.01], [0.25]])
    result = simulate(
        tools.targets([[0.5], [NAN], [NAN]], panel),
        panel,
        rates=type(rates)(fees, rates.slippage),
        execution=Execution(engine=engine, fill="next-open", initial_cash=1000, cash_buffer=0),
    )
    assert_allclose(result.sessions["fees"], [0, 5, 0])


def test_the_buffer_scales_the_targets(account):
    result = account([[1.0], [NAN]], [[10], [10]], cash_buffer=0.02)
    assert_allclose(result.holdings["a"], [0, 0.98])


def test_columns_are_matched_by_label_and_come_back_in_the_panels_order(tools, engine):
    panel = tools.panel([[10, 40], [20, 40]], opens=[[10, 40], [10, 40]], assets=("x", "a"))
    result = simulate(
        tools.targets([[0.0, 0.5], [NAN, NAN]], panel, columns=("a", "x")),
        panel,
        rates=tools.rates(panel),
        execution=Execution(engine=engine, fill="next-open", initial_cash=1000, cash_buffer=0),
    )
    assert result.orders["asset"].tolist() == ["x"]
    assert list(result.holdings.columns) == ["x", "a"]
    assert_allclose(result.sessions["equity"], [1000, 1500])


def test_sales_pay_for_purchases_whatever_the_order_of_columns(account):
    result = account([[0.0, 1.0], [1.0, 0.0], [NAN, NAN]], [[10, 10]] * 3)
    assert result.partial_fills == 0
    assert result.orders["side"].tolist() == ["buy", "sell", "buy"]
    assert_allclose(result.holdings.to_numpy(), [[0, 0], [0, 1], [1, 0]])


def test_a_purchase_beyond_the_cash_is_cut_and_counted(account):
    result = account([[0.4, 0.6], [NAN, NAN]], [[10, 10], [12.5, 12.5]])
    # 40 and 60 shares wanted at 12.50; the smaller order first, 500 left for the larger.
    assert_allclose(result.orders["shares"], [40, 40])
    assert result.partial_fills == 1
    assert_allclose(result.sessions["cash"], [1000, 0], atol=1e-9)


def test_a_purchase_without_any_cash_left_is_counted_too(account):
    result = account([[0.4, 0.6], [NAN, NAN]], [[10, 10], [25, 10]])
    assert_allclose(result.orders["value"], [1000])
    assert result.partial_fills == 1


def test_the_buffer_pays_the_fee_of_a_fully_invested_target(account):
    without = account([[1.0], [NAN]], [[10], [10]], fee=0.001)
    buffered = account([[1.0], [NAN]], [[10], [10]], fee=0.001, cash_buffer=0.01)
    assert (without.partial_fills, buffered.partial_fills) == (1, 0)


def test_equal_purchases_compete_by_asset_id_not_by_column(tools, engine):
    bought = []
    for assets in (("a", "b"), ("b", "a")):
        panel = tools.panel([[10, 10], [15, 15]], assets=assets)
        result = simulate(
            tools.targets([[0.5, 0.5], [NAN, NAN]], panel),
            panel,
            rates=tools.rates(panel),
            execution=Execution(engine=engine, fill="next-open", initial_cash=1000, cash_buffer=0),
        )
        bought.append(dict(zip(result.orders["asset"], result.orders["shares"], strict=True)))
    assert bought[0] == bought[1]
    assert_allclose([bought[0]["a"], bought[0]["b"]], [50, 250 / 15])


def test_a_short_earns_what_its_price_loses(account):
    result = account([[-0.5], [NAN], [0.0], [NAN]], [[10], [10], [8], [8]])
    assert_allclose(result.sessions["equity"], [1000, 1000, 1100, 1100])
    assert_allclose(result.sessions["cash"], [1000, 1500, 1500, 1100])
    assert_allclose(result.sessions["exposure"], [0, 0.5, 400 / 1100, 0])
    assert_allclose(result.sessions["net_exposure"], [0, -0.5, -400 / 1100, 0])
    assert result.orders["side"].tolist() == ["sell", "buy"]


def test_a_held_asset_without_a_price_is_worth_its_last_and_its_order_waits(account):
    result = account(
        [[0.5, 0], [0.0, 0], [NAN, NAN], [NAN, NAN], [NAN, NAN]],
        [[10, 1], [12, 1], [NAN, 1], [NAN, 1], [14, 1]],
        opens=[[10, 1], [10, 1], [NAN, 1], [NAN, 1], [13, 1]],
    )
    assert_allclose(result.sessions["equity"], [1000, 1100, 1100, 1100, 1150])
    assert result.orders["session"].dt.day.tolist() == [2, 5]
    assert_allclose(result.orders["price"], [10, 13])
    assert (result.waited_orders, result.missed_orders) == (1, 0)


def test_a_waiting_order_is_replaced_by_the_next_decision(account):
    result = account(
        [[0.5, 0], [0.0, 0], [0.25, 0], [NAN, NAN]],
        [[10, 1], [NAN, 1], [10, 1], [10, 1]],
    )
    # Neither 0.5 nor 0 finds a price in its time; leaving what isn't held needs none.
    assert_allclose(result.orders["shares"], [25])
    assert_allclose(result.holdings["a"], [0, 0, 0, 0.25])
    assert (result.waited_orders, result.missed_orders) == (0, 1)


def test_an_asset_not_yet_listed_is_bought_once_a_close_can_size_the_order(account):
    result = account([[0.5, 0]] + [[NAN, NAN]] * 3, [[NAN, 1], [NAN, 1], [10, 1], [10, 1]])
    assert result.orders["session"].dt.day.tolist() == [4]
    assert_allclose(result.orders["shares"], [50])
    assert result.waited_orders == 1


def test_prices_that_end_while_held_force_an_exit_at_the_delisting_return(account):
    result = account(
        [[0.5, 0], [NAN, NAN], [NAN, NAN], [0.5, 0], [NAN, NAN]],
        [[10, 1], [10, 1], [NAN, 1], [NAN, 1], [NAN, 1]],
        fee=0.01,
        slippage=0.02,
        delisting_return=-0.3,
    )
    sale = result.orders.iloc[1]
    assert (sale["session"].day, sale["side"]) == (3, "sell")
    # Paid out, not traded: no costs.
    assert_allclose(sale[["shares", "price", "fee", "slippage"]].astype(float), [50, 7, 0, 0])
    assert_allclose(result.sessions["equity"].iloc[2:], 484.9 + 350)
    assert result.delisted_exits == 1
    # The later wish to hold it again can't be met, and is counted.
    assert result.missed_orders == 1
    assert len(result.orders) == 2


def test_leaving_a_lost_listing_is_an_exit_and_no_missed_order(account):
    result = account([[0.5, 0], [0, 0], [NAN, NAN]], [[10, 1], [10, 1], [NAN, 1]])
    assert (result.delisted_exits, result.missed_orders, result.waited_orders) == (1, 0, 0)


def test_a_delisting_may_be_a_total_loss(account):
    result = account(
        [[0.5, 0], [NAN, NAN], [NAN, NAN]], [[10, 1], [10, 1], [NAN, 1]], delisting_return=-1
    )
    assert_allclose(result.sessions["equity"], [1000, 1000, 500])
    assert result.delisted_exits == 1


def test_a_short_in_a_lost_listing_is_covered(account):
    result = account(
        [[-0.5, 0], [NAN, NAN], [NAN, NAN]], [[10, 1], [10, 1], [NAN, 1]], delisting_return=-0.3
    )
    assert_allclose(result.sessions["equity"], [1000, 1000, 1150])
    assert result.delisted_exits == 1


def test_data_that_end_for_all_assets_delist_none(account):
    result = account([[0.5], [NAN], [NAN]], [[10], [10], [NAN]], delisting_return=-0.3)
    assert_allclose(result.sessions["equity"], 1000)
    assert result.delisted_exits == 0


def test_a_bankrupt_account_is_closed_out_and_never_trades_again(account):
    result = account([[-1.0], [NAN], [0.5], [0.5]], [[10], [25], [5], [5]], opens=[[10]] * 4)
    # 100 shares short at 10, worth 25 at the close: 2000 - 2500 = -500, which stays owed.
    assert_allclose(result.sessions["equity"], [1000, -500, -500, -500])
    assert_allclose(result.sessions["cash"], [1000, -500, -500, -500])
    assert_allclose(result.sessions["net"], [0, -1.5, 0, 0])
    assert result.bankrupt_at == pd.Timestamp("2024-01-02")
    assert result.orders["side"].tolist() == ["sell", "buy"]
    assert_allclose(result.orders["price"], [10, 25])
    assert_allclose(result.holdings, 0)


def test_a_solvent_account_is_not_bankrupt(account):
    assert account([[0.5], [NAN]], [[10], [1]]).bankrupt_at is None


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ([[0.6, 0.6], [NAN, NAN]], "above max_gross = 1"),
        ([[-0.6, 0.6], [NAN, NAN]], "above max_gross = 1"),
        ([[0.5, NAN], [NAN, NAN]], "b: nan"),
        ([[0.5, 0.1], [np.inf, 0]], "2024-01-02 a weight is infinite"),
    ],
)
def test_weights_no_cash_account_could_hold_are_refused(account, weights, problem):
    with pytest.raises(SimulationError, match=problem):
        account(weights, [[10, 10], [10, 10]])


def test_gross_above_one_is_allowed_where_declared_but_borrowing_never(account):
    close = [[10, 10], [10, 10]]
    result = account([[1.3, -0.3], [NAN, NAN]], close, max_gross=1.6)
    assert_allclose(result.holdings.iloc[-1], [1.3, -0.3])
    with pytest.raises(SimulationError, match="borrowed cash"):
        account([[1.3, 0.0], [NAN, NAN]], close, max_gross=1.6)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t.rename(columns={"a": "A1"}), 'no prices for asset "A1"'),
        (lambda t: t.drop(columns="a"), 'no column for asset "a"'),
        (lambda t: t.rename(columns={"a": "b"}), '"b" has two columns'),
        (lambda t: t.iloc[::-1], "repeat or go back"),
        (lambda t: t.iloc[[0, 0, 1]], "repeat or go back"),
        (lambda t: t.iloc[:2], "2 rows for the panel's 3 sessions, first difference on 2024-01-03"),
        (lambda t: t.tz_localize("UTC"), "not by sessions"),
        (lambda t: t.reset_index(drop=True), "not by sessions"),
    ],
)
def test_targets_whose_labels_are_not_the_panels_are_refused(tools, engine, change, problem):
    panel = tools.panel([[10, 10]] * 3)
    targets = change(tools.targets([[0.5, 0.5]] * 3, panel))
    with pytest.raises(SimulationError, match=problem):
        simulate(
            targets,
            panel,
            rates=tools.rates(panel),
            execution=Execution(engine=engine, fill="next-open"),
        )


def test_an_adjustment_factor_that_spoils_a_price_is_refused(tools, engine):
    full = tools.panel([[1e-200], [1e-200]])
    # Each is a positive number, and their product is 0.
    fields = {"close": full.field("close"), "adj_factor": np.array([[1.0], [1e-200]])}
    panel = type(full).from_fields(full.times, full.assets, fields)
    targets = tools.targets([[0.5], [NAN]], panel)
    with pytest.raises(DataError, match=r"adjusted close of a on 2024-01-02 is 0\.0"):
        simulate(
            targets,
            panel,
            rates=tools.rates(panel),
            execution=Execution(engine=engine, fill="next-close"),
        )


def test_fills_at_the_open_need_opens(tools, engine):
    full = tools.panel([[10.0], [10.0]])
    panel = type(full).from_fields(full.times, full.assets, {"close": full.field("close")})
    targets = tools.targets([[0.5], [NAN]], panel)
    with pytest.raises(ConfigError, match='use fill = "next-close"'):
        simulate(
            targets,
            panel,
            rates=tools.rates(panel),
            execution=Execution(engine=engine, fill="next-open"),
        )


def test_rates_of_another_shape_are_refused(tools, engine):
    panel, other = tools.panel([[10], [10]]), tools.panel([[10, 10]] * 2)
    with pytest.raises(SimulationError, match=r"shape \(2, 2\), not \(2, 1\)"):
        simulate(
            tools.targets([[0.5], [NAN]], panel),
            panel,
            rates=tools.rates(other),
            execution=Execution(engine=engine, fill="next-open"),
        )


def test_a_negative_fee_is_refused(tools, engine):
    with pytest.raises(DataError, match="fees must be finite, ≥ 0"):
        tools.rates(tools.panel([[10], [10]]), fee=-0.001)


@pytest.mark.parametrize(
    "terms",
    [
        {"fill": "same-close"},
        {"fill": "next-open", "engine": "rust"},
        {"fill": "next-open", "initial_cash": 0.0},
        {"fill": "next-open", "cash_buffer": 1.0},
        {"fill": "next-open", "delisting_return": -1.01},
    ],
)
def test_terms_that_make_no_sense_name_their_key(terms):
    with pytest.raises(ValidationError, match=list(terms)[-1]):
        Execution(**terms)


def test_the_engine_and_its_limits_are_named(account, engine):
    import vectorbt

    result = account([[0.5], [NAN]], [[10], [10]])
    version = {
        "vectorbt": f"vectorbt {vectorbt.__version__} (rust)",
        "ledger": f"ledger (finstrat {finstrat.__version__})",
    }
    assert result.engine == version[engine]
    assert any("ividends" in limit for limit in result.limits)


def test_vectorbts_global_settings_neither_leak_in_nor_change(account):
    import vectorbt

    before = vectorbt.settings["portfolio"].to_dict() | {"freq": vectorbt.settings.array_wrapper}
    plain = account([[0.5], [NAN]], [[10], [11]])
    after = vectorbt.settings["portfolio"].to_dict() | {"freq": vectorbt.settings.array_wrapper}
    assert before == after
    fees = vectorbt.settings.portfolio["fees"]
    vectorbt.settings.portfolio["fees"] = 0.5
    try:
        changed = account([[0.5], [NAN]], [[10], [11]])
    finally:
        vectorbt.settings.portfolio["fees"] = fees
    pd.testing.assert_frame_equal(plain.sessions, changed.sessions)


def test_importing_the_package_imports_no_engine():
    code = "import sys, finstrat.simulate.account; print({'vectorbt', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_terms_can_be_read_without_pandas():
    code = "import sys, finstrat.simulate.execution; print({'pandas', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
