"""Nothing appears and nothing gets lost: on random accounts with everything switched on at random,
every change in value is a price move, a cost, a dividend or interest, at every session."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

from finstrat.costs import CostRates
from finstrat.data import Panel
from finstrat.simulate import kernel, ledger
from finstrat.simulate.execution import Execution

CASH = 1000.0
NAN = np.nan


@dataclass
class World:
    panel: Panel
    weights: np.ndarray
    rates: CostRates
    execution: Execution


def random_world(rng):
    """Prices with gaps, halts, delistings, splits, dividends and empty sessions, and any terms."""
    shape = sessions, assets = int(rng.integers(2, 16)), int(rng.integers(1, 6))

    # Loans, large moves, and nothing that holds the account back.
    reckless = rng.random() < 0.2

    def perhaps(value, otherwise=None):
        return value if rng.random() < 0.4 else otherwise

    def seldom(value, otherwise=None):
        return otherwise if reckless else perhaps(value, otherwise)

    size = 0.4 if reckless else rng.choice([0.01, 0.05, 0.4])
    close = 10 * np.exp(np.cumsum(rng.normal(0, size, shape), axis=0))
    opened = close * np.exp(rng.normal(0, size / 2, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, size / 2, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, size / 2, shape)))
    split = np.where(rng.random(shape) < 0.1, rng.choice([0.1, 0.5, 2, 7], shape), 1.0)
    raw = rng.random() < 0.5
    if raw:
        grown = np.cumprod(split, axis=0)
        opened, high, low, close = (each / grown for each in (opened, high, low, close))
    holes = rng.random(shape) < perhaps(0.2, 0.0)
    for each in (opened, high, low, close):
        each[holes] = NAN
    opened[rng.random(shape) < perhaps(0.2, 0.0)] = NAN
    for column in np.flatnonzero(rng.random(assets) < perhaps(0.5, 0.0)):
        # Everything ends for some, not in the last session.
        for each in (opened, high, low, close):
            each[rng.integers(1, sessions + 1) :, column] = NAN
    volume = np.floor(rng.exponential(200, shape))
    volume[rng.random(shape) < 0.2] = 0
    volume[rng.random(shape) < 0.1] = NAN
    panel = Panel.from_fields(
        np.datetime64("2024-01-01") + np.cumsum(rng.integers(1, 4, sessions)),
        "abcdef"[:assets],
        {
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "split": np.where(rng.random(shape) < 0.5, split, np.where(split == 1, NAN, split)),
            "dividend": np.where(rng.random(shape) < 0.1, 0.3, rng.choice([0.0, NAN], shape)),
            "halted": (rng.random(shape) < perhaps(0.1, 0.0)).astype(float),
            "delisting_return": np.where(rng.random(shape) < 0.3, -0.7, NAN),
        },
    )
    weights = rng.uniform(rng.choice([-1.0, 0.0]), 1, shape)
    weights *= (2.5 if reckless else rng.choice([1.0, 2.5])) / np.maximum(
        np.abs(weights).sum(1, keepdims=True), 1e-9
    )
    weights[rng.random(shape) < 0.1] = 0.0
    loan = {"initial": 0.5, "maintenance": 0.3}
    margin = loan if reckless else perhaps(loan)
    if margin is None:
        weights /= np.maximum(np.abs(weights.sum(axis=1, keepdims=True)), 1)
    weights[rng.random(sessions) < rng.choice([0.1, 0.6])] = NAN

    def rate(most):
        return np.where(rng.random(shape) < 0.7, rng.uniform(0, most, shape), 0.0)

    impact = perhaps(rate(0.05))
    rates = CostRates(
        fees=rate(0.02),
        slippage=rate(0.02),
        buy_tax=perhaps(rate(0.01)),
        sell_tax=perhaps(rate(0.01)),
        per_share=perhaps(rate(0.05)),
        per_order=perhaps(rate(2.0)),
        impact=impact,
        daily_value=None if impact is None else np.where(rate(1.0) > 0.1, 1e4, NAN),
        borrow=perhaps(rate(0.5)),
    )
    execution = Execution(
        engine="ledger",
        fill=rng.choice(["next-open", "next-close"]),
        initial_cash=CASH,
        cash_buffer=rng.choice([0.0, 0.02]),
        delisting_return=-0.3,
        sizing=perhaps("after-costs", "decision"),
        prices="raw" if raw else "adjusted",
        lot=perhaps(3.0, 0.0),
        participation=seldom(0.1),
        stop_loss=seldom(0.05),
        take_profit=seldom(0.08),
        trailing_stop=seldom(0.04),
        cash_rate=perhaps(0.2, 0.0),
        loan_rate=perhaps(0.4, 0.0),
        margin=margin,
        limits={
            "name": seldom(0.4),
            "net": seldom((-0.5, 0.8)),
            "gross": seldom(1.2),
        },
    )
    return World(panel, weights, rates, execution)


def check(world):
    """Rebuild the account from its fills alone, and hold it against what the kernel kept."""
    prices = ledger.Prices.of(world.panel, world.execution)
    kept = ledger.accounts(
        world.weights[None],
        prices,
        rates=world.rates,
        execution=world.execution,
        keep="orders",
    )
    market, records, detail = prices.market, kept.records, kept.detail[0]
    equity, shares, counts = kept.equity[0], kept.shares[0], kept.counts[0]
    sessions, assets = shares.shape
    raw = world.execution.prices == "raw"
    split = np.nan_to_num(market.split, nan=1.0) if raw else np.ones_like(shares)
    dividend = np.nan_to_num(market.dividend) if raw else np.zeros_like(shares)
    borrow = np.zeros_like(shares) if world.rates.borrow is None else world.rates.borrow
    held, cash, before = np.zeros(assets), CASH, CASH
    scale = CASH + np.abs(detail[:, kernel.TRADED]).max() + np.abs(equity).max()
    close = {"rtol": 1e-9, "atol": 1e-9 * scale}
    for t in range(sessions):
        mine = slice(*np.searchsorted(records.row, [t, t + 1]))
        moved = interest = lent = received = 0.0
        ended = counts[kernel.ENDED]
        if t > 0 and not 0 <= ended < t:
            known = market.valued[t - 1]
            rate = world.execution.cash_rate if cash > 0 else world.execution.loan_rate
            interest = cash * rate * market.days[t]
            lent = (np.maximum(-held, 0) * known * borrow[t]).sum() * market.days[t]
            moved += (held * (split[t] * market.valued[t] - known)).sum()
            held = held * split[t]
            received = (held * dividend[t]).sum()
        column, traded, price = records.column[mine], records.shares[mine], records.price[mine]
        fee, slipped = records.fee[mine], records.slippage[mine]
        quoted = price - np.sign(traded) * slipped / np.abs(traded)
        moved += (traded * (market.valued[t, column] - quoted)).sum()
        np.add.at(held, column, traded)
        held[np.abs(held) < 1e-9] = 0.0
        cash += interest - lent + received - (traded * price + fee).sum()
        # Cash and positions, and with them the value.
        assert_allclose(detail[t, kernel.CASH], cash, **close)
        assert_allclose(shares[t], held, rtol=1e-9, atol=1e-7)
        assert_allclose(equity[t], cash + held @ market.valued[t], **close)
        assert_allclose(detail[t, kernel.GROSS], np.abs(held) @ market.valued[t], **close)
        # Start + P&L, less what was paid.
        costs = fee.sum() + slipped.sum()
        assert_allclose(equity[t], before + moved + received + interest - lent - costs, **close)
        for name, value in (
            (kernel.FEES, fee.sum()),
            (kernel.SLIPPAGE, slipped.sum()),
            (kernel.TRADED, np.abs(traded * price).sum()),
            (kernel.INTEREST, interest),
            (kernel.BORROW, lent),
            (kernel.DIVIDENDS, received),
        ):
            assert_allclose(detail[t, name], value, **close)
        before = equity[t]
        check_terms(world, market, records, mine, t)
        held, cash = shares[t].copy(), detail[t, kernel.CASH]
    return counts


def check_terms(world, market, records, mine, t):
    """What one session's fills may not do."""
    execution = world.execution
    reason, column = records.reason[mine], records.column[mine]
    size = np.abs(records.shares[mine])
    forced = np.isin(reason, [kernel.DELISTING, kernel.CLOSED_OUT])
    resting = np.isin(reason, [kernel.STOP_LOSS, kernel.TAKE_PROFIT, kernel.TRAILING_STOP])
    ordered = ~forced & ~resting
    assert t > 0 or not len(size)
    assert np.isfinite(market.price[t, column[ordered]]).all()
    assert (records.price[mine] >= 0).all()
    assert (records.fee[mine] >= 0).all()
    assert (records.slippage[mine] >= 0).all()
    assert (records.fee[mine][forced] == 0).all()
    assert (market.end[column[reason == kernel.DELISTING]] <= t).all()
    assert (market.end[column[~forced]] > t).all()
    if execution.participation is not None:
        most = execution.participation * np.nan_to_num(market.volume[t, column[ordered]])
        assert (size[ordered] <= most * (1 + 1e-12)).all()
    order = world.rates.per_order
    if order is not None:
        assert (records.fee[mine][~forced] >= order[t, column[~forced]] * (1 - 1e-12)).all()


def cases(count, seed):
    total = np.zeros(8, dtype=np.int64)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        total += check(random_world(rng)) != np.array([0, 0, 0, 0, 0, 0, 0, -1])
    return total


def test_value_is_conserved_whatever_happens():
    # Every kind of thing does happen.
    assert (cases(300, seed=1) > 0).all()


@pytest.mark.slow
def test_value_is_conserved_in_ten_thousand_cases():
    assert (cases(10_000, seed=2) > 100).all()


@pytest.mark.parametrize("seed", range(20))
def test_the_account_never_depends_on_later_sessions(seed):
    rng = np.random.default_rng(seed)
    world = random_world(rng)
    sessions = len(world.panel.times)
    whole = run(world, sessions)
    # Where a listing ends is known from the data's end alone; keep all of them to the end.
    for cut in range(2, sessions):
        if (np.isfinite(world.panel.field("close")[cut - 1])).all():
            part = run(world, cut)
            assert_allclose(part.equity[0], whole.equity[0, :cut], rtol=1e-12)


def run(world, sessions):
    panel = world.panel.slice(0, sessions)
    prices = ledger.Prices.of(panel, world.execution)
    return ledger.accounts(
        world.weights[None, :sessions],
        prices,
        rates=world.rates.rows(0, sessions),
        execution=world.execution,
    )
