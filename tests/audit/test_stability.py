"""Neighbouring values of a run's options: which are tried, and what they say of the run."""

import json

import numpy as np
import pytest
import torch
from finstrat_plugins.sections.stability import StabilitySection
from pydantic import Field

import finstrat
from finstrat.audit import audit, case_of
from finstrat.audit.stability import MOST, nudged, summary
from finstrat.components import Settings, Signal
from finstrat.config import Backtest, resolve
from finstrat.ledger import Ledger
from finstrat.market import load_market
from finstrat.store import load, write_atomically
from finstrat.text.cache import ScoreCache


class Options(Settings):
    k: int = Field(5, ge=1)
    one: int = Field(1, ge=1)
    share: float = Field(0.4, gt=0, le=0.5)
    level: float | None = 2.0
    absent: float | None = None
    nothing: float = 0.0
    told: bool = True
    seed: int = 7
    word: str = "x"


def test_bounds_are_kept_and_whole_numbers_stay_whole_and_distinct():
    options = Options()
    assert nudged(options, 2.0) == {"k": 10, "one": 2, "level": 4.0}
    assert nudged(options, 1.25) == {"k": 6, "share": 0.5, "level": 2.5}
    assert nudged(options, 0.8) == {"k": 4, "share": 0.32, "level": 1.6}
    assert nudged(options, 0.5) == {"k": 2, "share": 0.2, "level": 1.0}
    assert isinstance(nudged(options, 0.8)["k"], int)


def row(option, value, sharpe, *, same=False):
    return {"option": option, "value": value, "sharpe": sharpe, "mean": sharpe / 1e3, "same": same}


def test_option_whose_every_other_value_earns_far_less_is_a_knifes_edge():
    rows = [row("a.k", 4, 0.1), row("a.k", 6, -0.3), row("a.w", 2, 1.1), row("a.w", 3, 0.9)]
    told, figures = summary(
        1.0, 1e-3, [*rows, row("b.x", 1, 1.0, same=True)], sessions=9, against=""
    )
    found = {label: figure.value for label, figure in figures}
    assert found["Neighbours of the same sign"] == 0.75
    assert found["Place among its neighbours"] == 2
    assert found["Worst neighbour, a.k = 6"] == -0.3
    assert "knife's edge: a.k, of" in told
    assert "1 more change nothing" in told


def test_nothing_is_said_where_no_option_changes_the_returns():
    told, figures = summary(1.0, 1e-3, [row("a", 1, 1.0, same=True)], sessions=9, against="")
    assert figures[0][1].value is None
    assert told == "No other value of an option changes what the run earns."


class Edge(Signal):
    """Knows the future where `level` is 1 and its contrary elsewhere; `blur` hardly matters."""

    name, version = "edge", "1"
    needs = ("close",)

    class Config(Settings):
        level: float = 1.0
        blur: float = 0.01

    def compute(self, inputs):
        close = inputs.prices("close")
        ahead = (close.roll(-1, dims=0) / close - 1.0).nan_to_num()
        noise = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, close.shape))
        knows = 1.0 if self.config.level == 1.0 else -1.0
        return knows * ahead + self.config.blur * noise


@pytest.fixture
def diagnosed(bare_project, host):
    """The record and the directory of a run of a configuration."""

    def diagnosed(config):
        path = finstrat.run(config, project=bare_project, host=host).path
        plan = resolve(Backtest.model_validate(config), host, root=bare_project.root)
        with ScoreCache(bare_project.state / "scores.sqlite") as cache:
            case = case_of(load(path), plan, load_market(plan), project=bare_project, cache=cache)
            record = audit(case, checks=["stability"])["stability"]
            assert case.inputs.scorer.scored == 0
        return record, path

    return diagnosed


def test_signal_that_works_at_one_value_alone_is_told_from_a_flat_one(
    diagnosed, world, host, monkeypatch
):
    found = host.get(Signal, "momentum")
    registered = type(found)(Edge, found.provider)
    monkeypatch.setitem(host.components, (Signal, "edge"), [registered])
    config = {
        **world,
        "signals": {"edge": {"use": "edge"}},
        "strategy": {"use": "top-k", "signal": "edge.value", "k": 2, "rebalance": "daily"},
        "optimizer": {"use": "equal"},
        "execution": {"fill": "next-close"},
        "limits": {},
    }
    record, _ = diagnosed(config)
    by_option = {}
    for each in record["neighbours"]:
        by_option.setdefault(each["option"], []).append(each["sharpe"])
    own = record["own"]["sharpe"]
    assert [len(by_option[name]) for name in ("signals.edge.level", "signals.edge.blur")] == [4, 4]
    assert len({round(each, 9) for each in by_option["signals.edge.level"]}) == 1
    assert all(abs(each - own) < 0.5 * abs(own) for each in by_option["signals.edge.blur"])


def test_run_on_texts_is_compared_with_each_neighbours_own_twin(diagnosed, world, bare_project):
    record, path = diagnosed(world)
    assert record["status"] == "diagnostic"
    sessions = load(path).sessions
    own = (sessions["net"] - sessions["twin"]).to_numpy()
    assert record["own"]["mean"] == pytest.approx(own.mean(), abs=1e-12)
    assert record["own"]["sessions"] == len(own)
    assert 0 < len(record["neighbours"]) <= MOST
    assert {"signals.news.half_life", "strategy.fraction"} <= set(record["options"])
    # A neighbour is what its own run would be.
    other = next(
        each
        for each in record["neighbours"]
        if each["option"] == "signals.news.half_life" and each["factor"] == 2.0
    )
    trials = Ledger(bare_project.state / "trials.sqlite")
    assert load(path).trials["recorded"] == 1
    assert trials.path.is_file()
    signals = {"news": {**world["signals"]["news"], "half_life": other["value"]}}
    again, _ = diagnosed({**world, "signals": signals})
    assert again["own"]["mean"] == pytest.approx(other["mean"], abs=1e-12)


def test_report_marks_the_runs_own_value_among_its_neighbours(diagnosed, world):
    record, path = diagnosed(world)
    (path / "checks").mkdir(exist_ok=True)
    write_atomically(path / "checks" / "stability.json", json.dumps(record).encode())
    block = StabilitySection().build(load(path))
    values = block.charts[0].spec["data"]["values"]
    assert {each["x"] for each in values} >= {"× 0.5", "as it runs", "× 2"}
    own = {each["value"] for each in values if each["x"] == "as it runs" and "half" in each["y"]}
    assert own == {2.0}
    assert len(block.tables[0].rows) == len(values)
