"""A portfolio of vectorbt's made of the account's orders is worth what the account is."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import vectorbt
from numpy.testing import assert_allclose
from skfolio.datasets import load_sp500_dataset

from finstrat.costs import CostRates
from finstrat.data import Panel
from finstrat.simulate.account import simulate
from finstrat.simulate.as_vectorbt import FLOWS, as_portfolio
from finstrat.simulate.execution import Execution

NAN = np.nan


@pytest.fixture(scope="module")
def real():
    """Twenty stocks over four years, and a monthly long-short book."""
    close = load_sp500_dataset().loc["2019":"2022"]
    panel = Panel.from_fields(
        close.index.to_numpy().astype("datetime64[D]"),
        tuple(close.columns),
        {"close": close.to_numpy()},
    )
    past = close.pct_change(60).rank(axis=1)
    weights = (past.sub(past.mean(axis=1), axis=0) / 200).where(past.notna().all(axis=1))
    monthly = weights[::21].reindex(close.index)
    return panel, pd.DataFrame(monthly.to_numpy(), panel.index, list(panel.assets))


def costs(panel, **extra):
    given = {"fees": 0.0005, "slippage": 0.0005} | extra
    return CostRates(**{k: np.broadcast_to(v, panel.shape) for k, v in given.items()})


@pytest.mark.parametrize("engine", ["vectorbt", "ledger"])
def test_value_trades_and_drawdowns_are_those_of_the_account(real, engine):
    panel, targets = real
    execution = Execution(engine=engine, fill="next-close")
    result = simulate(targets, panel, rates=costs(panel), execution=execution)
    portfolio = as_portfolio(result, panel, execution=execution)
    assert_allclose(portfolio.value(), result.sessions["equity"], rtol=1e-9)
    assert_allclose(portfolio.returns(), result.sessions["net"], atol=1e-12)
    assert FLOWS not in portfolio.wrapper.columns
    assert portfolio.orders.count() == len(result.orders)
    profit = portfolio.trades.records["pnl"].sum()
    assert_allclose(profit, result.sessions["equity"].iloc[-1] - 1e6, rtol=1e-9)
    wealth = (1 + result.sessions["net"]).cumprod()
    assert_allclose(
        portfolio.drawdowns.max_drawdown(), (wealth / wealth.cummax() - 1).min(), rtol=1e-9
    )


def test_interest_and_borrow_fees_are_trades_of_their_own(real):
    panel, targets = real
    execution = Execution(
        engine="ledger", fill="next-close", cash_rate=0.03, stop_loss=0.2, lot=1.0
    )
    result = simulate(targets, panel, rates=costs(panel, borrow=0.02), execution=execution)
    assert result.stopped > 0
    portfolio = as_portfolio(result, panel, execution=execution)
    assert_allclose(portfolio.value(), result.sessions["equity"], rtol=1e-9)
    flows = portfolio.trades.records.query(f"col == {len(panel.assets)}")["pnl"].sum()
    earned = (result.sessions["interest"] - result.sessions["borrow"]).sum()
    assert_allclose(flows, earned, rtol=1e-9)


def test_statistics_and_plots_come_without_a_wrong_year(real):
    panel, targets = real
    execution = Execution(engine="ledger", fill="next-close")
    result = simulate(targets, panel, rates=costs(panel), execution=execution)
    portfolio = as_portfolio(result, panel, execution=execution)
    before = vectorbt.settings.returns["year_freq"]
    vectorbt.settings.returns["year_freq"] = "252 days"
    try:
        net = result.sessions["net"]
        sharpe = net.mean() / net.std(ddof=1) * np.sqrt(252)
        assert_allclose(portfolio.sharpe_ratio(), sharpe, rtol=1e-9)
        assert portfolio.stats()["Total Trades"] == portfolio.trades.count()
        figure = portfolio.plot(subplots=["cum_returns", "drawdowns"])
        assert json.loads(figure.to_json())["data"]
    finally:
        vectorbt.settings.returns["year_freq"] = before


def test_an_account_without_orders_is_its_cash(real):
    panel, targets = real
    execution = Execution(engine="ledger", fill="next-close")
    result = simulate(targets * NAN, panel, rates=costs(panel), execution=execution)
    assert (as_portfolio(result, panel, execution=execution).value() == 1e6).all()


def actions(folder, ticker):
    """Raw prices of one stock with its dividends and splits, from its factor file."""
    with zipfile.ZipFile(folder / "daily" / f"{ticker}.zip") as archive:
        daily = pd.read_csv(archive.open(f"{ticker}.csv"), header=None)
    daily.columns = ["time", "open", "high", "low", "close", "volume"]
    daily.index = pd.to_datetime(daily.pop("time"), format="%Y%m%d %H:%M")
    daily[["open", "high", "low", "close"]] /= 10_000
    factors = pd.read_csv(folder / "factor_files" / f"{ticker}.csv", header=None)
    factors.columns = ["date", "price", "split", "reference"]
    factors.index = pd.to_datetime(factors.pop("date").astype(str), format="%Y%m%d")
    # A row's factors hold up to and with its date; what happens, happens at the next open.
    known = factors.reindex(daily.index, method="bfill")
    ratio = known["split"].shift(-1) / known["split"]
    paid = known["price"] / known["price"].shift(-1)
    daily["split"] = ratio.shift(1)
    # factor_t / factor_t+1 = 1 − dividend / close before the ex-date.
    daily["dividend"] = ((1 - paid) * daily["close"]).shift(1)
    daily["adjusted"] = daily["close"] * known["price"] * known["split"]
    return daily


@pytest.mark.parametrize("ticker", ["aapl", "ibm"])
def test_real_dividends_and_splits_earn_the_total_return(shared_data, ticker):
    daily = actions(shared_data / "prices" / "corporate_actions", ticker)
    panel = Panel.from_fields(
        daily.index.to_numpy().astype("datetime64[D]"),
        (ticker,),
        {name: daily[[name]].to_numpy() for name in ("open", "close", "dividend", "split")},
    )
    execution = Execution(engine="ledger", fill="next-close", prices="raw", cash_buffer=0.0)
    # Every day anew: whatever is paid out is invested at that close.
    targets = pd.DataFrame(1.0, panel.index, [ticker])
    result = simulate(targets, panel, rates=costs(panel, fees=0, slippage=0), execution=execution)
    assert (daily["split"] > 1).sum() >= 1
    assert (result.sessions["dividends"] > 0).sum() > 30
    earned = result.sessions["equity"].iloc[-1] / 1e6
    total = daily["adjusted"].iloc[-1] / daily["adjusted"].iloc[1]
    # Money that arrives at an ex-date waits for the fill of the next session.
    assert_allclose(earned, total, rtol=0.01)
    price_alone = daily["close"].iloc[-1] / daily["close"].iloc[1]
    assert earned > 1.1 * price_alone * daily["split"].prod()
    portfolio = as_portfolio(result, panel, execution=execution)
    assert_allclose(portfolio.value(), result.sessions["equity"], rtol=1e-9)
