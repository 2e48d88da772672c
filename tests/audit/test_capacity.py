"""How much capital a run carries, as an audit finds it and the report shows it."""

import json

import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.sections.capacity import CapacitySection

import finstrat
from finstrat.audit import audit, case_of
from finstrat.audit.capacity import eaten_at, with_impact
from finstrat.config import Backtest, resolve
from finstrat.costs import CostRates
from finstrat.data import Panel
from finstrat.market import load_market
from finstrat.store import load, write_atomically
from finstrat.text.cache import ScoreCache


def test_capital_at_which_nothing_is_left_lies_between_its_neighbours_in_the_log():
    assert eaten_at([1e5, 1e6, 1e7], [0.10, 0.02, -0.02]).value == pytest.approx(10**6.5)
    assert eaten_at([1e5, 1e6], [0.10, 0.0]).value == pytest.approx(1e6)
    assert eaten_at([1e5, 1e6], [0.10, None]).value == 1e6
    assert "even of 100,000" in eaten_at([1e5, 1e6], [-0.1, -0.2]).reason_if_null
    assert "even of 1,000,000" in eaten_at([1e5, 1e6], [0.2, 0.1]).reason_if_null


def test_assumed_impact_moves_a_usual_sessions_value_by_one_daily_volatility():
    times = np.arange("2015-01-01", "2015-02-10", dtype="datetime64[D]")
    close = np.tile([[10.0], [10.1]], (20, 1))
    fields = {"close": close, "volume": np.full(close.shape, 100.0)}
    flat = np.zeros(close.shape)
    rates = with_impact(CostRates(flat, flat), Panel.from_fields(times, ("A",), fields))
    assert np.isnan(rates.impact[:21]).all()
    assert rates.impact[-1, 0] == pytest.approx(0.00995, abs=1e-4)
    assert rates.daily_value[-1, 0] == pytest.approx(1005, abs=5)


@pytest.fixture
def diagnosed(bare_project, host):
    def diagnosed(config):
        path = finstrat.run(config, project=bare_project, host=host).path
        plan = resolve(Backtest.model_validate(config), host, root=bare_project.root)
        with ScoreCache(bare_project.state / "scores.sqlite") as cache:
            case = case_of(load(path), plan, load_market(plan), project=bare_project, cache=cache)
            return audit(case, checks=["capacity"])["capacity"], path

    return diagnosed


def test_small_capital_earns_what_the_run_earns_where_its_own_terms_depend_on_size(
    diagnosed, world
):
    terms = {"engine": "ledger", "participation": 0.5, "initial_cash": 1e5}
    record, path = diagnosed({**world, "execution": terms})
    assert record["status"] == "diagnostic"
    assert not record["impact_assumed"]
    assert record["against"] == "twin"
    own = record["curve"][0]
    assert own["capital"] == 1e5
    # 1000 shares of about 50 change hands a day.
    assert record["curve"][-1]["orders_cut"] > 0
    # The first capital is the run's own, so its net is the run's.
    net = load(path).sessions["net"].to_numpy()
    assert own["net"] == pytest.approx(np.prod(1 + net) ** (252 / len(net)) - 1, rel=1e-3)
    (path / "checks").mkdir(exist_ok=True)
    write_atomically(path / "checks" / "capacity.json", json.dumps(record).encode())
    block = CapacitySection().build(load(path))
    assert len(block.tables[0].rows) == len(record["curve"])
    assert block.charts[0].alt.startswith("Line over")


def test_without_volumes_capacity_is_null_and_says_why(diagnosed, world, tmp_path):
    prices = pd.read_csv(tmp_path / "prices.csv")
    prices.drop(columns="volume").to_csv(tmp_path / "prices.csv", index=False)
    record, path = diagnosed(world)
    figure = dict(record["figures"])["Capital at which nothing is left"]
    assert figure["value"] is None
    assert "no volumes" in figure["reason_if_null"]
    assert CapacitySection().build(load(path)).status == "not run"
