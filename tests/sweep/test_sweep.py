import json

import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.signals.momentum import Momentum

from finstrat import pipeline, sweep
from finstrat.config import load, resolve
from finstrat.errors import ConfigError, DataError
from finstrat.host import Host
from finstrat.job import backtest_file
from finstrat.ledger import Ledger
from finstrat.market import load_market
from finstrat.project import Project
from finstrat.sweep.grid import Grid, configurations
from finstrat.toml_file import TomlFile

GB = 1_000_000_000
BACKTEST = """
name = "small"
[span]
start = 2015-01-02
end = 2015-09-30
[prices]
use = "sp500"
[signals.m]
use = "momentum"
window = 20
skip = 0
[strategy]
use = "top-k"
signal = "m.value"
k = 5
rebalance = "monthly"
[optimizer]
use = "inverse-volatility"
window = 20
[costs]
use = "proportional"
fee_bps = 5
slippage_bps = 5
[execution]
fill = "next-close"
"""
GRID = ("signals.m.window=20,40", "strategy.k=3,5", "costs.fee_bps=0,5", "optimizer.window=20,30")


@pytest.fixture(scope="module")
def host():
    return Host.load()


@pytest.fixture
def project(tmp_path):
    (tmp_path / "finstrat.toml").write_text('[project]\nname = "t"\n')
    (tmp_path / "small.toml").write_text(BACKTEST)
    return Project.find(tmp_path)


@pytest.fixture
def swept(project, host):
    def run(*grid, file=None, budget=4 * GB):
        return sweep.sweep(
            file or project.backtest(str(project.root / "small.toml")),
            Grid.parse(grid),
            project=project,
            host=host,
            budget=budget,
        )

    return run


def told(path):
    return json.loads((path / "sweep.json").read_text(encoding="utf-8"))


def test_every_configuration_earns_to_the_bit_what_its_run_alone_earns(swept, project, host):
    path = swept(*GRID)
    returns = pd.read_parquet(path / "returns.parquet")
    assert returns.shape[1] == 16
    file = project.backtest(str(project.root / "small.toml"))
    grid = Grid.parse(GRID)
    for each in configurations(file, grid, host=host, root=project.root)[::5]:
        alone = pipeline.run(each.plan, load_market(each.plan), device="cpu").sessions["net"]
        assert np.array_equal(returns[str(each.place)].to_numpy(), alone.to_numpy())


def test_sweep_pays_for_reading_as_a_run_alone_does(world, bare_project, host):
    config = {**world, "inference": {"lm-lexicon": {"per_1000_documents": 1000.0}}}
    config["execution"] = {"engine": "ledger"}
    file, grid = backtest_file(config, bare_project), Grid.parse(["strategy.fraction=0.5,0.25"])
    path = sweep.sweep(file, grid, project=bare_project, host=host, budget=4 * GB)
    swept = pd.read_parquet(path / "returns.parquet")
    for each in configurations(file, grid, host=host, root=bare_project.root):
        alone = pipeline.run(each.plan, load_market(each.plan), device="cpu").sessions
        assert alone["inference"].any()
        assert np.array_equal(swept[str(each.place)].to_numpy(), alone["net"].to_numpy())


def test_every_configuration_is_one_trial_and_the_same_sweep_adds_none(swept, project, host):
    swept(*GRID)
    path = swept(*GRID)
    ids = {each["trial"] for each in told(path)["configurations"]}
    assert len(ids) == 16
    file = project.backtest(str(project.root / "small.toml")).with_values(
        {"execution.engine": "ledger"}
    )
    plan = resolve(load(file), host, file=file, root=project.root)
    trial = sweep._trial(plan, load_market(plan))
    assert trial.id in ids  # the file's own values are among the grid's
    assert Ledger(project.state / "trials.sqlite").family(trial)["recorded"] == 16


def test_interrupted_sweep_goes_on_and_computes_nothing_twice(swept, project, monkeypatch):
    computed = []
    compute = Momentum.compute

    def counting(self, inputs):
        computed.append(self.config.window)
        if len(computed) == 2:
            raise KeyboardInterrupt
        return compute(self, inputs)

    monkeypatch.setattr(Momentum, "compute", counting)
    monkeypatch.setattr(sweep, "plan_memory", _one_at_a_time)
    with pytest.raises(KeyboardInterrupt):
        swept("signals.m.window=20,40")
    assert not list(project.runs.glob("*/sweep.json"))
    path = swept("signals.m.window=20,40")
    assert computed == [20, 40, 40]
    assert told(path)["outcomes"] == {"ok": 2}


def _one_at_a_time(budget, **_sizes):
    return sweep.memory.Room(signals=GB, answers=GB, together=1)


def test_signals_are_computed_once_for_all_that_share_them(swept, monkeypatch):
    computed = []
    compute = Momentum.compute

    def counting(self, inputs):
        computed.append(self.config.window)
        return compute(self, inputs)

    monkeypatch.setattr(Momentum, "compute", counting)
    swept(*GRID[:3])
    assert sorted(computed) == [20, 40]


def test_failing_configuration_is_recorded_and_the_others_go_on(project, tmp_path, host):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "stubborn.py").write_text(
        "import finstrat\nfrom finstrat.components import Signal\n\n\n"
        "class Stubborn(Signal):\n    name, version = 'stubborn', '1'\n    needs = ('close',)\n\n"
        "    class Config(Signal.Config):\n        fails: bool = False\n\n"
        "    def compute(self, inputs):\n        if self.config.fails:\n"
        "            raise ZeroDivisionError('no such luck')\n"
        "        return inputs.prices('close')\n\n\n"
        "@finstrat.hookimpl\ndef finstrat_components():\n    return [Stubborn]\n"
    )
    text = BACKTEST.replace('use = "momentum"\nwindow = 20\nskip = 0', 'use = "stubborn"')
    own = Host.load([tmp_path / "plugins"], root=tmp_path)
    path = sweep.sweep(
        TomlFile.parse(text, shown_as="small.toml"),
        Grid.parse(["signals.m.fails=true,false", "strategy.k=3,0"]),
        project=project,
        host=own,
        budget=4 * GB,
    )
    outcomes = [each["outcome"] for each in told(path)["configurations"]]
    assert "no such luck" in outcomes[0]
    assert outcomes[1].startswith("refused: ")
    assert outcomes[2] == "ok"
    page = (path / "sweep.html").read_text(encoding="utf-8")
    assert "no such luck" in page


def test_sweep_in_which_nothing_can_run_ends_with_the_first_reason(swept):
    with pytest.raises(ConfigError, match=r"strategy\.k"):
        swept("strategy.k=0,-1")
    with pytest.raises((ConfigError, DataError), match="nothing"):
        swept("strategy.signal=nothing.value,nothing.other")


def test_best_of_a_sweep_is_judged_by_all_of_it(swept):
    found = told(swept(*GRID))
    assert found["report"]["kind"] == "sweep"
    names = [check["name"] for check in found["report"]["verdict"]["checks"]]
    assert names == [
        "survives the number of trials",
        "the best of one half is good in the other",
        "beats the benchmark",
    ]
    sharpes = [each["sharpe"] for each in found["configurations"]]
    assert found["best"] == int(np.argmax(sharpes))
