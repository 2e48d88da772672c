"""The examples of docs/plugins.md are loaded and run; every hook and kind has one."""

import datetime as dt
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

import finstrat
from finstrat import hookspecs
from finstrat.components import (
    KINDS,
    CostModel,
    CreditModel,
    FactSource,
    Inputs,
    MarketSource,
    Optimizer,
    Scorer,
    Section,
    Signal,
    Strategy,
    TextSource,
    base_of,
)
from finstrat.data import Clock, Span, Universe
from finstrat.data.align import panel_on_sessions
from finstrat.host import Host
from finstrat.portfolio.problem import Constraints, Problem
from finstrat.report.build import build_report
from finstrat.store import RunInfo

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
HOOKS = [name for name in vars(hookspecs) if name.startswith("finstrat_")]
SPAN = Span(dt.date(2024, 1, 2), dt.date(2024, 3, 28))

LIST_ALL = """
import finstrat
from finstrat.components import Component, KINDS

@finstrat.hookimpl
def finstrat_components():
    return [
        each
        for each in list(globals().values())
        if isinstance(each, type) and issubclass(each, Component) and each.__module__ == __name__
    ]
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """All the examples as plugins, and nothing else."""
    directory = tmp_path_factory.mktemp("plugins")
    for number, block in enumerate(BLOCKS):
        text = block if "hookimpl" in block else block + LIST_ALL
        (directory / f"example{number}.py").write_text(text)
    return Host.load([directory], blocked=["bundled", "strategies"])


def only(host, base):
    """The one example of a kind."""
    [found] = host.all(base)
    return found.component


@pytest.fixture(scope="module")
def inputs(host):
    """What the example sources give, as a signal sees it."""
    clock = Clock.build("XNYS", SPAN)
    panel = only(host, MarketSource)().load(Universe(), SPAN)
    panel = panel_on_sessions(panel, clock.slice(0, len(clock) - 1))
    clock = clock.slice(0, len(clock) - 1)
    documents = only(host, TextSource)().load(Universe(), SPAN)
    scorer = only(host, Scorer)()
    return Inputs(
        panel=panel,
        documents=documents,
        facts=only(host, FactSource)().load(Universe(), SPAN),
        clock=clock,
        device=torch.device("cpu"),
        scorer=lambda name: scorer.score([f"{text}!" for text in documents.texts]),
    )


def test_every_example_loads(host):
    assert host.failures == []
    assert len(BLOCKS) >= len(KINDS)


@pytest.mark.parametrize("base", KINDS, ids=lambda base: base.__name__)
def test_every_kind_has_its_heading_and_an_example(base, host):
    assert f"\n### `{base.__name__}`\n" in TEXT
    assert host.all(base)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_an_example(hook, host):
    assert f"`{hook}" in TEXT
    assert getattr(host.manager.hook, hook).get_hookimpls()


def test_a_first_signal_has_at_most_twenty_lines():
    [block] = [block for block in BLOCKS if "class Reversal" in block]
    assert len([line for line in block.splitlines() if line.strip()]) <= 20


def test_the_first_signal_is_the_one_that_init_writes(host):
    template = ROOT / "finstrat" / "templates" / "project" / "plugins" / "reversal.py.txt"
    shown = inspect.getsource(host.get(Signal, "reversal").component)
    assert shown in template.read_text(encoding="utf-8")


def test_sources_give_data_with_its_time(inputs):
    assert inputs.panel.assets == ("SLOW", "FAST")
    assert inputs.prices()[1, 0].item() == pytest.approx(101.0)
    # Known at half past two in the afternoon: the same session's close may use it.
    row = int(inputs.document_sessions()[0])
    assert inputs.clock.sessions[row] == np.datetime64("2024-01-03")
    assert inputs.facts.frame["value"].tolist() == [1.25]


def test_the_scorer_counts(host):
    scorer = only(host, Scorer)()
    assert scorer.score(["a!b!", ""]).tolist() == [[2.0], [0.0]]
    assert scorer.card.training_cutoff is None


def test_signals_give_the_shape_they_declare(host, inputs):
    sessions, assets = inputs.shape
    shapes = {
        "reversal": (sessions, assets),
        "trend": (sessions, assets, 2),
        "learned": (sessions, assets, 1),
        "loudness": (sessions,),
    }
    found = {each.component.name: each.component() for each in host.all(Signal)}
    assert {name: tuple(each.compute(inputs).shape) for name, each in found.items()} == shapes
    assert found["reversal"].compute(inputs)[5, 0].item() == pytest.approx(1 - 1.01**5)
    assert found["loudness"].compute(inputs).nonzero().tolist() == [[1]]


def test_a_fitted_signal_has_about_twenty_lines_and_speaks_from_its_first_fit(host, inputs):
    [block] = [block for block in BLOCKS if "FittedSignal" in block]
    assert len([line for line in block.splitlines() if line.strip()]) <= 20
    values = host.get(Signal, "learned").component().compute(inputs)[..., 0]
    february = int(np.flatnonzero(inputs.clock.starts_of("monthly"))[1])
    assert values[:february].isnan().all()
    # Both assets grow at a constant rate, but for a holiday, which the source's days don't have.
    assert values[february].tolist() == pytest.approx([0.01, 0.02], rel=0.1)


@pytest.mark.parametrize("name", ["reversal", "trend", "learned"])
def test_no_example_looks_ahead(host, inputs, name):
    signal = host.get(Signal, name).component()
    cut = Inputs(
        panel=inputs.panel.slice(0, 40),
        documents=inputs.documents,
        facts=inputs.facts,
        clock=inputs.clock.slice(0, 40),
        device=inputs.device,
    )
    torch.testing.assert_close(
        signal.compute(inputs)[:40], signal.compute(cut), rtol=0, atol=0, equal_nan=True
    )


def test_the_strategy_holds_the_best_alone(host, inputs):
    values = torch.full(inputs.shape, torch.nan)
    values[1:, 0], values[1:, 1] = 1.0, 2.0
    seen = Inputs(**{**vars(inputs), "features": {"any.value": values}})
    decision = only(host, Strategy)({"signal": "any.value"}).decide(seen)
    assert decision.weights[:3].tolist() == [[0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    assert decision.rebalance[:6].tolist() == [True, False, False, False, True, False]


def test_the_optimizer_stays_within_its_constraints(host):
    problem = Problem(
        as_of=np.datetime64("2024-01-05"),
        assets=("A", "B"),
        returns=np.array([[0.1, 0.01], [-0.1, -0.01]]),
        constraints=Constraints(max_weight=0.5),
    )
    weights = only(host, Optimizer)().solve(problem)
    assert weights.tolist() == [0.0, 0.5]
    problem.constraints.check(weights, problem.assets, where="example")


def test_the_cost_model_charges_nothing(host, inputs):
    assert not only(host, CostModel)().rates(inputs.panel).total.any()


def test_the_credit_model_gives_a_row_an_entity_and_date(host, inputs):
    table = only(host, CreditModel)().assess(inputs.facts)
    assert table[["entity", "probability"]].values.tolist() == [["FAST", 0.01]]


def test_section_and_hooks_serve_a_real_run(host, shared_project, monkeypatch):
    monkeypatch.chdir(shared_project)
    result = finstrat.run("small")
    report = build_report(result, [only(host, Section)()])
    [block] = report["blocks"]
    assert block["title"] == "Best day"
    assert block["figures"][0]["figure"]["value"] == result.sessions["net"].max()

    info = RunInfo(result.name, result.config)
    host.run_started(info)
    host.run_finished(info, result)
    host.run_finished(info, RuntimeError())
    [module] = [each for each in host.manager.get_plugins() if hasattr(each, "seen")]
    assert module.seen == ["small started", f"small stored in {result.path}", "small failed"]


def test_a_plugin_command_runs(host):
    app = typer.Typer()
    app.callback()(lambda: None)
    host.add_commands(app)
    assert CliRunner().invoke(app, ["greet", "--name", "you"]).output == "hello you\n"


def test_each_kind_is_counted_once(host):
    kinds = [base_of(each.component) for each in host.all()]
    assert set(kinds) == set(KINDS)
    assert sorted(kinds.count(base) for base in KINDS) == [1] * (len(KINDS) - 1) + [4]
