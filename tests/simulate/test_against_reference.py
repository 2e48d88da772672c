"""The account against an independent one, written session by session, on random inputs."""

from dataclasses import dataclass

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from finstrat.costs import CostRates
from finstrat.data import Panel
from finstrat.simulate.account import simulate
from finstrat.simulate.execution import Execution

CASH = 1000.0
ASSETS = ("a", "b", "c", "d", "e")
NAN = np.nan
ENGINES = st.sampled_from(["vectorbt", "ledger"])


def reference(targets, price, close, *, fees, slippage, buffer):
    """Weights held `[T, N]`, fees paid `[T]` and net asset value `[T]`, the plain way."""
    sessions, assets = close.shape
    cash, position = CASH, np.zeros(assets)
    weights, paid, equity = np.zeros((sessions, assets)), np.zeros(sessions), np.zeros(sessions)
    value = CASH
    for t in range(sessions):
        if t > 0 and value > 0 and np.isfinite(targets[t - 1]).all():
            wanted = targets[t - 1] * (1 - buffer) * value / close[t - 1] - position
            for i in np.argsort(wanted * close[t - 1], kind="stable"):
                rate = fees[t, i]
                if wanted[i] < 0:
                    shares, fill = wanted[i], price[t, i] * (1 - slippage[t, i])
                else:
                    fill = price[t, i] * (1 + slippage[t, i])
                    shares = min(wanted[i], cash / (fill * (1 + rate)))
                    if shares < wanted[i]:
                        # Which of two equal buys comes first, rounding decides; skip such a case.
                        order = wanted * close[t - 1]
                        assume((np.abs(order - order[i]) < 1e-9 * value).sum() == 1)
                cash -= shares * fill + rate * abs(shares) * fill
                paid[t] += rate * abs(shares) * fill
                position[i] += shares
        value = cash + position @ close[t]
        if value <= 0:
            cash, position = value, np.zeros(assets)
        else:
            weights[t] = position * close[t] / value
        equity[t] = value
    return weights, paid, equity


@dataclass
class Case:
    targets: np.ndarray
    opens: np.ndarray
    close: np.ndarray
    fees: np.ndarray
    slippage: np.ndarray
    fill: str
    buffer: float
    max_gross: float

    def panel(self, order=None):
        order = list(range(self.close.shape[1])) if order is None else order
        times = np.datetime64("2024-01-01") + np.arange(len(self.close))
        fields = {"open": self.opens[:, order], "close": self.close[:, order]}
        return Panel.from_fields(times, [ASSETS[i] for i in order], fields)

    def run(self, *, order=None, columns=None, engine="vectorbt", sessions=None):
        panel = self.panel(order)
        columns = columns or ASSETS[: len(panel.assets)]
        places = [ASSETS.index(name) for name in panel.assets]
        targets = pd.DataFrame(self.targets, panel.index, ASSETS[: len(places)])[list(columns)]
        rates = CostRates(self.fees[:, places], self.slippage[:, places])
        if sessions is not None:
            panel, targets = panel.slice(0, sessions), targets.iloc[:sessions]
            rates = CostRates(rates.fees[:sessions], rates.slippage[:sessions])
        execution = Execution(
            fill=self.fill, initial_cash=CASH, cash_buffer=self.buffer, engine=engine
        )
        return simulate(targets, panel, rates=rates, execution=execution, max_gross=self.max_gross)


@st.composite
def cases(draw, *, gaps=False):
    sessions, assets = draw(st.integers(2, 7)), draw(st.integers(1, 5))
    shape = (sessions, assets)
    # Up to a factor of 6 a session, so that shorts go bankrupt now and then.
    size = draw(st.sampled_from([0.02, 0.4, 1.8]))
    moves = hnp.arrays(float, shape, elements=st.integers(-100, 100).map(lambda i: i / 100 * size))
    close = 10 * np.exp(np.cumsum(draw(moves), axis=0))
    opens = close * np.exp(draw(moves) / 4)
    max_gross = draw(st.sampled_from([1.0, 2.0]))
    low = draw(st.sampled_from([0, -100]))
    weights = draw(hnp.arrays(float, shape, elements=st.integers(low, 100).map(float))) / 100
    # Held weights stay within what a cash account may ask for.
    weights *= max_gross / np.maximum(np.abs(weights).sum(axis=1, keepdims=True), max_gross)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    weights[draw(hnp.arrays(bool, sessions))] = NAN
    if gaps:
        opens[draw(hnp.arrays(bool, shape))] = NAN
        close[draw(hnp.arrays(bool, shape))] = NAN
    rates = hnp.arrays(float, shape, elements=st.sampled_from([0.0, 0.0005, 0.02]))
    return Case(
        targets=weights,
        opens=opens,
        close=close,
        fees=draw(rates),
        slippage=draw(rates),
        fill=draw(st.sampled_from(["next-open", "next-close"])),
        buffer=draw(st.sampled_from([0.0, 0.01])),
        max_gross=max_gross,
    )


@settings(max_examples=300, deadline=None)
@given(cases(), ENGINES)
def test_weights_fees_and_equity_agree_with_the_reference(case, engine):
    result = case.run(engine=engine)
    price = case.opens if case.fill == "next-open" else case.close
    weights, fees, equity = reference(
        case.targets,
        price,
        case.close,
        fees=case.fees,
        slippage=case.slippage,
        buffer=case.buffer,
    )
    assert_allclose(result.sessions["equity"], equity, rtol=1e-9, atol=1e-9 * CASH)
    assert_allclose(result.sessions["fees"], fees, rtol=1e-9, atol=1e-9 * CASH)
    assert_allclose(result.holdings, weights, rtol=1e-9, atol=1e-9)
    assert (result.bankrupt_at is None) == bool((equity > 0).all())


@settings(max_examples=200, deadline=None)
@given(cases(gaps=True), ENGINES)
def test_every_change_in_value_is_a_price_move_a_cost_or_a_delisting(case, engine):
    result = case.run(engine=engine)
    sessions, orders = result.sessions, result.orders
    close = pd.DataFrame(case.close, sessions.index, result.holdings.columns).ffill()
    signed = orders["shares"].where(orders["side"] == "buy", -orders["shares"])
    bought = (
        orders.assign(shares=signed)
        .pivot_table(index="session", columns="asset", values="shares", aggfunc="sum")
        .reindex(index=sessions.index, columns=close.columns)
        .fillna(0.0)
    )
    shares = bought.cumsum()
    spent = (signed * orders["price"] + orders["fee"]).groupby(orders["session"]).sum()
    cash = CASH - spent.reindex(sessions.index).fillna(0.0).cumsum()
    assert_allclose(sessions["cash"], cash, rtol=1e-9, atol=1e-9 * CASH)
    value = (shares * close).fillna(0.0)
    assert_allclose(sessions["equity"], cash + value.sum(axis=1), rtol=1e-9, atol=1e-9 * CASH)
    # What was held moved with its price; what was traded moved from its fill to the close.
    held = (shares.shift() * close.diff()).fillna(0.0).sum(axis=1)
    quoted = orders["price"] - np.sign(signed) * orders["slippage"] / orders["shares"]
    at_close = close.to_numpy()[
        close.index.get_indexer(orders["session"]), close.columns.get_indexer(orders["asset"])
    ]
    traded = (signed * (at_close - quoted)).groupby(orders["session"]).sum()
    gain = held + traded.reindex(sessions.index).fillna(0.0)
    kept = CASH + (gain - sessions["fees"] - sessions["slippage"]).cumsum()
    assert_allclose(sessions["equity"], kept, rtol=1e-9, atol=1e-9 * CASH)
    before = sessions["equity"].shift(fill_value=CASH)
    solvent = before > 0
    assert_allclose((sessions["gross"] * before)[solvent], gain[solvent], atol=1e-9 * CASH)


@settings(max_examples=100, deadline=None)
@given(cases(gaps=True), st.randoms(use_true_random=False), ENGINES)
def test_permuting_assets_permutes_the_result_and_nothing_else(case, random, engine):
    count = case.close.shape[1]
    order, columns = list(range(count)), list(ASSETS[:count])
    random.shuffle(order)
    random.shuffle(columns)
    plain = case.run(engine=engine)
    shuffled = case.run(order=order, columns=columns, engine=engine)
    assert list(shuffled.holdings.columns) == [ASSETS[i] for i in order]
    pd.testing.assert_frame_equal(plain.sessions, shuffled.sessions, check_exact=True)
    pd.testing.assert_frame_equal(plain.orders, shuffled.orders, check_exact=True)
    pd.testing.assert_frame_equal(
        plain.holdings, shuffled.holdings[list(plain.holdings.columns)], check_exact=True
    )


@settings(max_examples=100, deadline=None)
@given(cases(), st.data(), ENGINES)
def test_what_comes_later_never_changes_the_account(case, data, engine):
    sessions = data.draw(st.integers(1, len(case.close)))
    whole, cut = case.run(engine=engine), case.run(sessions=sessions, engine=engine)
    pd.testing.assert_frame_equal(
        whole.sessions.iloc[:sessions], cut.sessions, check_exact=True, check_freq=False
    )


@settings(max_examples=100, deadline=None)
@given(cases(gaps=True), st.sampled_from([0.5, 3.0, 128.0]), ENGINES)
def test_rescaling_an_assets_adjusted_history_changes_no_return(case, factor, engine):
    plain = case.run(engine=engine)
    case.opens[:, 0] *= factor
    case.close[:, 0] *= factor
    scaled = case.run(engine=engine)
    assert_allclose(plain.sessions["equity"], scaled.sessions["equity"], rtol=1e-9, atol=1e-6)
    assert_allclose(plain.holdings, scaled.holdings, atol=1e-9)


def assert_same_account(first, second):
    for name in first.sessions:
        # Currency is compared with the account's size, ratios with 1.
        scale = first.sessions["equity"].abs().max() if name in MONEY else 1.0
        assert_allclose(
            second.sessions[name], first.sessions[name], rtol=1e-9, atol=1e-9 * scale, err_msg=name
        )
    assert_allclose(second.holdings, first.holdings, rtol=1e-9, atol=1e-9)
    assert second.bankrupt_at == first.bankrupt_at
    if first.bankrupt_at is None:
        for name in ("partial_fills", "waited_orders", "missed_orders", "delisted_exits"):
            assert getattr(second, name) == getattr(first, name), name
    # vectorbt keeps orders of rounding's size, and sorts a session's by size.
    orders = [
        each.orders[each.orders["value"] > 1e-9 * CASH]
        .sort_values(["session", "asset", "side"])
        .reset_index(drop=True)
        for each in (first, second)
    ]
    pd.testing.assert_frame_equal(*orders, rtol=1e-7, atol=1e-9 * CASH)


def without_ties(case):
    """Which of two equal buys comes first, rounding decides in vectorbt: there are none."""
    case.targets *= 1 - 0.001 * np.arange(case.targets.shape[1]) / case.targets.shape[1]
    case.targets *= 1 - 0.0003 * np.arange(len(case.targets))[:, None]
    # Shorts shrink more than what they pay for, which could leave a little to borrow.
    case.targets /= np.maximum(np.nansum(case.targets, axis=1, keepdims=True), 1.0)
    return case


MONEY = {"equity", "fees", "slippage", "borrow", "interest", "dividends", "cash"}


@settings(max_examples=300, deadline=None)
@given(cases(gaps=True).map(without_ties))
def test_both_engines_keep_the_same_account(case):
    assert_same_account(case.run(), case.run(engine="ledger"))


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(cases(gaps=True).map(without_ties))
def test_both_engines_keep_the_same_account_in_thousands_of_cases(case):
    assert_same_account(case.run(), case.run(engine="ledger"))
